package io.mpilock.demo;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * A PostgreSQL server of the test's own, with what Debian installs: on the loopback interface, in a
 * directory that is gone afterwards. It refuses to run as root, so there it runs as the user
 * postgres.
 */
final class Postgres implements AutoCloseable {
  private static final Path INSTALLED = Path.of("/usr/lib/postgresql");

  private final Path directory;
  private final Path data;
  private final String password = UUID.randomUUID().toString();
  private final int port;

  private Postgres(Path directory, int port) {
    this.directory = directory;
    this.data = directory.resolve("data");
    this.port = port;
  }

  static Postgres start() throws IOException, InterruptedException {
    Path directory = Files.createTempDirectory("mpilock-postgres");
    Postgres server = new Postgres(directory, freePort());
    Path password =
        Files.createFile(
            directory.resolve("password"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(password, server.password);
    if (isRoot()) {
      run(List.of("chown", "-R", "postgres", directory.toString()));
    }
    server.tool("initdb", "-U", "demo", "--pwfile=" + password, "-A", "scram-sha-256", "--no-sync");
    server.tool(
        "pg_ctl",
        "-w",
        "-l",
        directory.resolve("log").toString(),
        "-o",
        "-c listen_addresses=127.0.0.1 -c port=%d -c unix_socket_directories='' -c fsync=off"
            .formatted(server.port),
        "start");
    return server;
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static boolean isRoot() {
    return System.getProperty("user.name", "").equals("root");
  }

  String url() {
    return "jdbc:postgresql://127.0.0.1:" + port + "/postgres";
  }

  String password() {
    return password;
  }

  /** What tells an application of Spring Boot to use it. */
  Map<String, String> environment() {
    return Map.of(
        "SPRING_PROFILES_ACTIVE",
        "postgres",
        "SPRING_DATASOURCE_URL",
        url(),
        "SPRING_DATASOURCE_USERNAME",
        "demo",
        "SPRING_DATASOURCE_PASSWORD",
        password);
  }

  private void tool(String name, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    if (isRoot()) {
      command.addAll(List.of("runuser", "-u", "postgres", "--"));
    }
    try (Stream<Path> versions = Files.list(INSTALLED)) {
      Path bin = versions.max(Comparator.naturalOrder()).orElseThrow().resolve("bin");
      command.add(bin.resolve(name).toString());
    }
    command.addAll(List.of("-D", data.toString()));
    command.addAll(List.of(arguments));
    run(command);
  }

  private static void run(List<String> command) throws IOException, InterruptedException {
    Path output = Files.createTempFile("mpilock-postgres", ".txt");
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(Path.of("/").toFile())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      if (process.waitFor() != 0) {
        throw new AssertionError(command + " failed: " + Files.readString(output));
      }
    } finally {
      Files.delete(output);
    }
  }

  @Override
  public void close() throws IOException, InterruptedException {
    tool("pg_ctl", "-m", "immediate", "stop");
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
