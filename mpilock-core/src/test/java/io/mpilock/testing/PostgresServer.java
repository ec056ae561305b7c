/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A PostgreSQL of the test's own, from Debian's package: on the loopback address only, in a
 * directory that is gone afterwards. The server refuses to be root's: then it is the user's that
 * the package has made.
 */
public final class PostgresServer implements AutoCloseable {
  /** The one user of the database. */
  public static final String USER = "batch";

  private static final Path INSTALLED = Path.of("/usr/lib/postgresql");
  private static final String PACKAGE_USER = "postgres";
  private static final int BOUND_SECONDS = 60;

  private final ServerFolder folder;
  private final Path programs;
  private final int port;
  private final String password = UUID.randomUUID().toString();

  private PostgresServer(ServerFolder folder, Path programs, int port) {
    this.folder = folder;
    this.programs = programs;
    this.port = port;
  }

  /**
   * Starts a server with an empty database.
   *
   * @return the server, which is ready
   * @throws IOException if there is none, or it does not start; with what it said
   * @throws InterruptedException if this thread was interrupted
   */
  public static PostgresServer start() throws IOException, InterruptedException {
    Path programs = programs();
    ServerFolder folder = ServerFolder.create("mpilock-postgres", PACKAGE_USER);
    PostgresServer server = new PostgresServer(folder, programs, FreePorts.one());
    Path password = folder.write("password", server.password);
    server.run(
        "initdb",
        "--username=" + USER,
        "--pwfile=" + password,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-sync");
    server.run(
        "pg_ctl",
        "--wait",
        "--log=" + folder.path().resolve("log"),
        "-o",
        "-h 127.0.0.1 -p %d -k %s -F".formatted(server.port, folder.path()),
        "start");
    return server;
  }

  /** Debian keeps several versions side by side; the newest one will do. */
  private static Path programs() throws IOException {
    try (Stream<Path> versions = Files.list(INSTALLED)) {
      return versions
          .map(version -> version.resolve("bin"))
          .filter(bin -> Files.isExecutable(bin.resolve("pg_ctl")))
          .max(Comparator.comparing(Path::toString))
          .orElseThrow(() -> new IOException("there is no PostgreSQL in " + INSTALLED));
    }
  }

  /**
   * Where the database is.
   *
   * @return its URL for JDBC, without user and password
   */
  public String url() {
    return "jdbc:postgresql://127.0.0.1:%d/postgres".formatted(port);
  }

  /**
   * What {@link #USER} needs.
   *
   * @return the password
   */
  public String password() {
    return password;
  }

  private void run(String program, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    if (ServerFolder.isRoot()) {
      command.addAll(List.of("runuser", "-u", PACKAGE_USER, "--"));
    }
    command.add(programs.resolve(program).toString());
    command.add("--pgdata=" + folder.path().resolve("data"));
    command.addAll(List.of(arguments));
    Path output = Files.createTempFile("mpilock-postgres", ".log");
    Process process =
        new ProcessBuilder(command)
            .directory(Path.of("/").toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(BOUND_SECONDS, TimeUnit.SECONDS);
    if (!ended) {
      process.destroyForcibly();
    }
    String text = Files.readString(output);
    Files.delete(output);
    if (!ended || process.exitValue() != 0) {
      throw new IOException("%s failed: %s".formatted(String.join(" ", command), text));
    }
  }

  @Override
  public void close() throws IOException, InterruptedException {
    run("pg_ctl", "--wait", "--mode=immediate", "stop");
    folder.close();
  }
}
