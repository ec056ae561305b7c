/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * A MariaDB of the test's own, from Debian's package: on the loopback address only, in a directory
 * that is gone afterwards. Started by root it becomes the user's that the package has made.
 */
public final class MariaDbServer implements AutoCloseable {
  /** The user of the database {@code batch}. */
  public static final String USER = "batch";

  private static final String PACKAGE_USER = "mysql";
  private static final int BOUND_SECONDS = 60;
  private static final int PAUSE_MILLIS = 100;

  private final ServerFolder folder;
  private final int port;
  private final Process process;
  private final String password;

  private MariaDbServer(ServerFolder folder, int port, Process process, String password) {
    this.folder = folder;
    this.port = port;
    this.process = process;
    this.password = password;
  }

  /**
   * Starts a server with an empty database.
   *
   * @return the server, which is ready
   * @throws IOException if there is none, or it does not start; with what it said
   * @throws InterruptedException if this thread was interrupted
   */
  public static MariaDbServer start() throws IOException, InterruptedException {
    ServerFolder folder = ServerFolder.create("mpilock-mariadb", PACKAGE_USER);
    String password = UUID.randomUUID().toString();
    Path first =
        folder.write(
            "first.sql",
            """
            create database batch;
            create user '%1$s'@'%%' identified by '%2$s';
            grant all on batch.* to '%1$s'@'%%';
            """
                .formatted(USER, password));
    List<String> user = new ArrayList<>();
    if (ServerFolder.isRoot()) {
      user.add("--user=" + PACKAGE_USER);
    }
    Path log = folder.path().resolve("log");
    String data = "--datadir=" + folder.path().resolve("data");
    Process install = run(log, user, "mariadb-install-db", "--no-defaults", data);
    await(install, log, "mariadb-install-db");
    int port = FreePorts.one();
    String socket = "--socket=" + folder.path().resolve("socket");
    Process server =
        run(
            log,
            user,
            "/usr/sbin/mariadbd",
            "--no-defaults",
            data,
            socket,
            "--pid-file=" + folder.path().resolve("pid"),
            "--port=" + port,
            "--bind-address=127.0.0.1",
            "--skip-name-resolve", // the user is not of a host called localhost
            "--init-file=" + first,
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=32M");
    MariaDbServer started = new MariaDbServer(folder, port, server, password);
    started.awaitReady(log);
    return started;
  }

  private static Process run(Path log, List<String> user, String... command) throws IOException {
    List<String> all = new ArrayList<>(List.of(command));
    all.addAll(user);
    ProcessBuilder builder =
        new ProcessBuilder(all)
            .directory(Path.of("/").toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    builder.environment().put("TMPDIR", String.valueOf(log.getParent())); // it may be another user
    return builder.start();
  }

  private static void await(Process program, Path log, String name)
      throws IOException, InterruptedException {
    if (!program.waitFor(BOUND_SECONDS, TimeUnit.SECONDS)) {
      program.destroyForcibly();
      throw new IOException(name + " did not end: " + Files.readString(log));
    }
    if (program.exitValue() != 0) {
      throw new IOException(name + " failed: " + Files.readString(log));
    }
  }

  /** It says so in its log, once it has done what it was to do first. */
  private void awaitReady(Path log) throws IOException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(BOUND_SECONDS);
    while (!Files.readString(log).contains("ready for connections")) {
      if (process.waitFor(PAUSE_MILLIS, TimeUnit.MILLISECONDS) || System.nanoTime() > end) {
        process.destroyForcibly();
        throw new IOException("mariadbd did not start: " + Files.readString(log));
      }
    }
  }

  /**
   * Where the database is.
   *
   * @return its URL for JDBC, without user and password
   */
  public String url() {
    return "jdbc:mariadb://127.0.0.1:%d/batch".formatted(port);
  }

  /**
   * What {@link #USER} needs.
   *
   * @return the password
   */
  public String password() {
    return password;
  }

  @Override
  public void close() throws IOException, InterruptedException {
    process.destroyForcibly().waitFor();
    folder.close();
  }
}
