package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A job in which one rank's application fails ends everywhere, with the failure's report and a
 * status that is not zero. In processes of their own, under the launchers that this machine has.
 */
class JobEndTests {
  private static final Duration BOUND = Duration.ofSeconds(60);
  private static final List<String> LAUNCHERS = List.of("mpirun.openmpi", "mpiexec.mpich");

  @TempDir private Path folder;

  static Stream<Arguments> failures() {
    return LAUNCHERS.stream()
        .flatMap(launcher ->
            Stream.of("before", "start", "runner", "ready")
                .map(when -> Arguments.of(launcher, when)));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void aRankThatFailsEndsTheJob(String launcher, String when) throws Exception {
    List<String> command = launch(launcher);
    command.addAll(java("--fail=" + when, "--mpilock.shutdown-timeout=10m"));
    Outcome outcome = run(command);
    assertThat(outcome.status()).as(outcome.output()).isNotZero();
    assertThat(outcome.output())
        .containsSubsequence("the application's own reason", "ending the job with status 1")
        .doesNotContain("rank 0 is through");
  }

  /** Nothing but an exit ends this process: a thread that is no daemon runs on. */
  @Test
  void aRankThatFailsBeforeMpiExitsAlthoughThreadsRunOn() throws Exception {
    ProcessBuilder builder = new ProcessBuilder(java("--fail=before"));
    builder.environment().putAll(FakeEnvironments.openMpi(1, 2));
    Outcome outcome = run(builder);
    assertThat(outcome.status()).as(outcome.output()).isEqualTo(1);
    assertThat(outcome.output()).contains("the application's own reason");
  }

  private static List<String> launch(String launcher) {
    Optional<Path> found =
        Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
            .map(directory -> Path.of(directory, launcher))
            .filter(Files::isExecutable)
            .findFirst();
    assertThat(found).as(launcher + " on the PATH: these tests are not skipped").isPresent();
    List<String> command = new ArrayList<>(List.of(found.orElseThrow().toString()));
    if (launcher.contains("openmpi")) {
      command.addAll(List.of("--allow-run-as-root", "--oversubscribe"));
    }
    command.addAll(List.of("-n", "2"));
    return command;
  }

  private static List<String> java(String... arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                FailingApplication.class.getName()));
    command.addAll(List.of(arguments));
    return command;
  }

  private Outcome run(List<String> command) throws IOException, InterruptedException {
    return run(new ProcessBuilder(command));
  }

  private Outcome run(ProcessBuilder builder) throws IOException, InterruptedException {
    Path output = folder.resolve("output");
    Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    boolean ended = process.waitFor(BOUND.toMillis(), TimeUnit.MILLISECONDS);
    if (!ended) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    String text = Files.readString(output);
    assertThat(ended).as("hangs; it said: " + text).isTrue();
    return new Outcome(process.exitValue(), text);
  }

  private record Outcome(int status, String output) {}
}
