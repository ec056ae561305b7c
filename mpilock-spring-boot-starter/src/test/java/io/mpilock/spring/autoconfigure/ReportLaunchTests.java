package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The report of ranks that are processes, under the launchers that this machine has. */
class ReportLaunchTests {
  private static final int BOUND_SECONDS = 120;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"mpirun.openmpi", "mpiexec.mpich"})
  void ranksThatEndInOrderAreAllInTheReport(String launcher) throws Exception {
    Outcome outcome = run(launcher);
    assertThat(outcome.status()).as(outcome.output()).isZero();
    assertThat(outcome.output()).containsOnlyOnce("the locks of 3 ranks in");
    assertThat(folder.resolve("report/mpilock-report.json"))
        .content()
        .contains("\"missing\":[]")
        .contains("{\"resource\":\"orders\",\"mode\":\"write\",\"granted\":15,");
    assertThat(folder.resolve("report/mpilock-report.html")).exists();
  }

  /**
   * The others wait in their gathering for a rank that will not come: the job ends all the same.
   * The master may have the time to tell what it has.
   */
  @ParameterizedTest
  @ValueSource(strings = {"mpirun.openmpi", "mpiexec.mpich"})
  void aRankThatFailsEndsTheJobWhileTheOthersGather(String launcher) throws Exception {
    Outcome outcome = run(launcher, "--fail", "--mpilock.shutdown-timeout=10m");
    assertThat(outcome.status()).as(outcome.output()).isNotZero();
    assertThat(outcome.output())
        .containsSubsequence("the application's own reason", "ending the job with status 1")
        .doesNotContain("the locks of 3 ranks");
  }

  private Outcome run(String launcher, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(launcher));
    if (launcher.contains("openmpi")) {
      command.addAll(List.of("--allow-run-as-root", "--oversubscribe"));
    }
    command.addAll(
        List.of(
            "-n",
            "3",
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            ReportingApplication.class.getName(),
            "--mpilock.report.enabled=true",
            "--mpilock.report.directory=" + folder.resolve("report")));
    command.addAll(List.of(arguments));
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(BOUND_SECONDS, TimeUnit.SECONDS);
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
