/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench.peers;

import io.mpilock.bench.Bench;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A server of our own: on a free port of the loopback address, with its data in a temporary folder
 * that nobody else may read. Closing it ends it and removes the folder; so does the JVM's end.
 */
final class Server implements AutoCloseable {
  private static final Path POSTGRESQL = Path.of("/usr/lib/postgresql");
  private static final long BOUND_SECONDS = 60;

  private final String name;
  private final Path folder;
  private final int port;
  private final Thread atExit = new Thread(this::end, "ends a server");
  private @Nullable Process process;

  private Server(String name) throws IOException {
    this.name = name;
    folder =
        Files.createTempDirectory(
            "mpilock-bench-" + name,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  /** Redis as it is without a file of settings: snapshots now and then, no log of each command. */
  static Server redis() throws IOException, InterruptedException {
    Server server = new Server("redis");
    return server.started(
        List.of(
            "redis-server",
            "--bind",
            "127.0.0.1",
            "--port",
            Integer.toString(server.port),
            "--dir",
            server.folder.toString()));
  }

  /** One ZooKeeper server by its defaults: each change is on the disk before it is answered. */
  static Server zooKeeper() throws IOException, InterruptedException {
    Server server = new Server("zookeeper");
    Path settings = server.folder.resolve("zoo.cfg");
    Files.writeString(
        settings,
        """
        tickTime=2000
        dataDir=%s
        clientPort=%d
        clientPortAddress=127.0.0.1
        admin.enableServer=false
        """
            .formatted(server.folder.resolve("data"), server.port));
    return server.started(
        java("org.apache.zookeeper.server.ZooKeeperServerMain", settings.toString()));
  }

  static Server hazelcast() throws IOException, InterruptedException {
    Server server = new Server("hazelcast");
    return server.started(java(HazelcastServer.class.getName(), Integer.toString(server.port)));
  }

  /**
   * PostgreSQL by its defaults: each commit is on the disk before it is answered. It refuses to be
   * root's: then it is the user's that Debian's package has made.
   */
  static Server postgres() throws IOException, InterruptedException {
    Server server = new Server("postgres");
    List<String> as = List.of();
    if ("root".equals(System.getProperty("user.name"))) {
      as = List.of("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--");
      Files.setOwner(
          server.folder,
          server
              .folder
              .getFileSystem()
              .getUserPrincipalLookupService()
              .lookupPrincipalByName("postgres"));
    }
    String data = server.folder.resolve("data").toString();
    List<String> init = new ArrayList<>(as);
    init.add(postgresProgram("initdb"));
    init.addAll(List.of("--auth=trust", "--username=bench", "--encoding=UTF8", "-D", data));
    Process made = server.process(init);
    if (!made.waitFor(BOUND_SECONDS, TimeUnit.SECONDS) || made.exitValue() != 0) {
      made.destroyForcibly();
      throw server.failed("initdb failed");
    }
    List<String> run = new ArrayList<>(as);
    run.add(postgresProgram("postgres"));
    run.addAll(List.of("-D", data, "-h", "127.0.0.1", "-p", Integer.toString(server.port)));
    run.addAll(List.of("-k", server.folder.toString()));
    return server.started(run);
  }

  /** Debian keeps several versions side by side; the newest one will do. */
  private static String postgresProgram(String name) throws IOException {
    try (Stream<Path> versions = Files.list(POSTGRESQL)) {
      return versions
          .map(version -> version.resolve("bin").resolve(name))
          .filter(Files::isExecutable)
          .max(Comparator.comparing(Path::toString))
          .orElseThrow(() -> new IOException("there is no PostgreSQL in " + POSTGRESQL))
          .toString();
    }
  }

  private static List<String> java(String main, String argument) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx512m",
        "-cp",
        System.getProperty("java.class.path"),
        main,
        argument);
  }

  int port() {
    return port;
  }

  private Process process(List<String> command) throws IOException {
    return new ProcessBuilder(command)
        .directory(Path.of("/").toFile())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
        .start();
  }

  private Path log() {
    return folder.resolve("log");
  }

  /** Starts it and waits until it lets somebody connect. */
  private Server started(List<String> command) throws IOException, InterruptedException {
    Process running = process(command);
    synchronized (this) {
      process = running;
    }
    long start = System.nanoTime();
    while (!answers()) {
      boolean late = System.nanoTime() - start > TimeUnit.SECONDS.toNanos(BOUND_SECONDS);
      if (late || running.waitFor(50, TimeUnit.MILLISECONDS)) {
        throw failed(late ? "does not answer" : "ended with status " + running.exitValue());
      }
    }
    return this;
  }

  private boolean answers() {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  private IOException failed(String what) throws IOException {
    String log = Files.readString(log());
    close();
    return new IOException(name + ": " + what + ":\n" + log);
  }

  @Override
  public void close() {
    end();
    Bench.forget(atExit);
  }

  private synchronized void end() {
    if (process != null) {
      process.destroy();
      if (!ended(process)) {
        process.destroyForcibly();
        ended(process);
      }
      process = null;
    }
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      } catch (IOException e) {
        System.err.println("left behind: " + e.getMessage());
      }
    }
  }

  private static boolean ended(Process process) {
    try {
      return process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
