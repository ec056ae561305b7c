/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import io.mpilock.testing.Jvm;
import io.mpilock.testing.LauncherFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The demo's jar as the ranks of a real MPI job. */
final class DemoJob implements AutoCloseable {
  private static final Duration LONGEST = Duration.ofMinutes(2);
  private static final Duration GRACE = Duration.ofSeconds(15);

  /**
   * Prints how its command ended. Hydra sends a signal to a rank's process group, so the shell
   * outlives those that the demo knows.
   */
  private static final List<String> SHELL =
      List.of(
          "sh",
          "-c",
          "trap : INT TERM; \"$@\"; status=$?; echo status=$status; exit $status",
          "sh");

  private final Process launcher;
  private final LauncherFolder folder;
  private final Path out;
  private final Path err;

  private DemoJob(Process launcher, LauncherFolder folder, Path out, Path err) {
    this.launcher = launcher;
    this.folder = folder;
    this.out = out;
    this.err = err;
  }

  /** What starts the ranks. */
  enum Launcher {
    OPEN_MPI("mpirun.openmpi"),
    MPICH("mpiexec.mpich");

    private final String command;

    Launcher(String command) {
      this.command = command;
    }

    private List<String> command(int ranks, boolean endAllWithOne) {
      List<String> words = new ArrayList<>(List.of(command));
      if (this == OPEN_MPI) {
        words.addAll(List.of("--oversubscribe", "--bind-to", "none"));
        if (System.getProperty("user.name", "").equals("root")) {
          words.add("--allow-run-as-root");
        }
        if (!endAllWithOne) {
          words.addAll(List.of("--mca", "orte_abort_on_non_zero_status", "0"));
        }
      } else if (!endAllWithOne) {
        words.add("-disable-auto-cleanup");
      }
      words.addAll(List.of("-n", String.valueOf(ranks)));
      return words;
    }

    /** The command that starts a program of the tests. */
    List<String> program(int ranks, Class<?> main, String... arguments) {
      List<String> words = command(ranks, true);
      words.addAll(Jvm.command("--enable-native-access=ALL-UNNAMED"));
      words.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
      words.addAll(List.of(arguments));
      return words;
    }
  }

  /** What became of a job. */
  record Result(int status, String out, String err) {
    /** How often something was printed, on either stream. */
    int count(String text) {
      return (out + err).split(Pattern.quote(text), -1).length - 1;
    }
  }

  static DemoJob start(Path directory, Launcher launcher, int ranks, String... arguments)
      throws IOException {
    return start(directory, launcher, ranks, Map.of(), arguments);
  }

  static DemoJob start(
      Path directory,
      Launcher launcher,
      int ranks,
      Map<String, String> environment,
      String... arguments)
      throws IOException {
    List<String> command = launcher.command(ranks, true);
    command.addAll(java(arguments));
    return start(directory, command, environment);
  }

  static Result run(Path directory, Launcher launcher, int ranks, String... arguments)
      throws IOException, InterruptedException {
    try (DemoJob job = start(directory, launcher, ranks, arguments)) {
      return job.await();
    }
  }

  /** Runs each rank in a shell that prints the rank's own exit status, as {@code status=N}. */
  static Result runWithStatuses(Path directory, Launcher launcher, int ranks, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = launcher.command(ranks, false);
    command.addAll(SHELL);
    command.addAll(java(arguments));
    try (DemoJob job = start(directory, command)) {
      return job.await();
    }
  }

  static Result runAlone(Path directory, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = DemoJar.plain();
    command.addAll(List.of(arguments));
    try (DemoJob job = start(directory, command)) {
      return job.await();
    }
  }

  /**
   * Starts a job that is to be sent a signal, with a directory of its own for temporary files.
   *
   * @param statuses whether each rank is in a shell that prints its exit status, as {@code
   *     status=N}; the shell does not pass signals on
   * @param endAllWithOne whether the launcher ends the job for a rank that fails
   */
  static DemoJob startForSignal(
      Path directory,
      Path temporary,
      Launcher launcher,
      boolean statuses,
      boolean endAllWithOne,
      String... arguments)
      throws IOException {
    List<String> command = launcher.command(4, endAllWithOne);
    if (launcher == Launcher.OPEN_MPI) {
      command.addAll(1, List.of("--mca", "odls_base_sigkill_timeout", "12"));
    }
    if (statuses) {
      command.addAll(SHELL);
    }
    command.addAll(java(arguments));
    command.add(command.indexOf("-jar"), "-Djava.io.tmpdir=" + temporary);
    return start(directory, command, Map.of("TMPDIR", temporary.toString()));
  }

  static DemoJob start(Path directory, List<String> command) throws IOException {
    return start(directory, command, Map.of());
  }

  private static DemoJob start(
      Path directory, List<String> command, Map<String, String> environment) throws IOException {
    Path out = Files.createTempFile(directory, "out", ".txt");
    Path err = Files.createTempFile(directory, "err", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    LauncherFolder folder = LauncherFolder.create();
    folder.giveTo(builder);
    builder.environment().putAll(environment);
    Process process = builder.start();
    process.getOutputStream().close();
    return new DemoJob(process, folder, out, err);
  }

  private static List<String> java(String... arguments) {
    List<String> words = DemoJar.fast();
    words.addAll(List.of(arguments));
    return words;
  }

  /** The JVMs of the ranks. */
  List<ProcessHandle> ranks() {
    try (Stream<ProcessHandle> all = launcher.descendants()) {
      return all.filter(
              process -> process.info().command().filter(c -> c.endsWith("/java")).isPresent())
          .toList();
    }
  }

  ProcessHandle launcher() {
    return launcher.toHandle();
  }

  /** Waits until something was printed to standard output. */
  void awaitOutput(String text) throws IOException, InterruptedException {
    while (!read(out).contains(text)) {
      checkRuns();
      Thread.sleep(20);
    }
  }

  /** Fails if the job has ended, with what it said. */
  void checkRuns() throws IOException {
    if (!launcher.isAlive()) {
      throw new AssertionError("The job has ended: " + read(out) + read(err));
    }
  }

  /** The files in shared memory that the ranks have mapped, and that have a name still. */
  Set<Path> sharedMemory() throws IOException {
    Set<Path> files = new TreeSet<>();
    for (ProcessHandle rank : ranks()) {
      for (String line : Files.readAllLines(Path.of("/proc/" + rank.pid() + "/maps"))) {
        int path = line.indexOf("/dev/shm/");
        if (path >= 0 && !line.endsWith(" (deleted)")) {
          files.add(Path.of(line.substring(path)));
        }
      }
    }
    return files;
  }

  Result await() throws IOException, InterruptedException {
    return await(LONGEST);
  }

  Result await(Duration longest) throws IOException, InterruptedException {
    if (!launcher.waitFor(longest)) {
      throw new AssertionError(
          "The job has not ended within " + longest + ":\n" + read(out) + read(err));
    }
    return new Result(launcher.exitValue(), read(out), read(err));
  }

  private static String read(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.UTF_8);
  }

  /** Ends the launcher, if it is still there; it ends its ranks. */
  @Override
  public void close() throws InterruptedException {
    if (launcher.isAlive()) {
      launcher.destroy();
      if (!launcher.waitFor(GRACE)) {
        launcher.destroyForcibly();
      }
    }
    folder.close();
  }
}
