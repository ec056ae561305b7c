/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
import io.mpilock.failure.StartupException;
import io.mpilock.testing.MpiRun;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks that the launcher's variables did not reach, and jobs of another size than expected. */
@Timeout(300)
class LostLauncherTest {
  private static final String LOST = "StartupException: This process was started by a launcher, ";
  private static final List<String> CLEARED = List.of("env", "-i");

  /** Opens a controller of the ranks that there are, and tells how many. */
  static final class Counts {
    public static void main(String[] args) {
      String transport = args[0];
      int expected = Integer.parseInt(args[1]);
      Map<String, String> environment = System.getenv();
      TransportSettings settings =
          new TransportSettings(
                  Launcher.detect(environment).orElse(null), null, Duration.ofSeconds(30))
              .withExpectedRanks(expected);
      ControllerOptions options = ControllerOptions.defaults().withExpectedRanks(expected);
      try (WindowController controller =
          transport.equals("sync")
              ? WindowController.sync(options)
              : WindowController.syncOwning(Transports.open(transport, settings), options)) {
        controller.write().close();
        System.out.println("opened with " + controller.size());
      }
    }
  }

  private static MpiRun job(MpiRun.Launcher launcher, int ranks, List<String> wrapper) {
    return MpiRun.under(launcher).ranks(ranks).through(List.of(), wrapper);
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI, sync", "OPEN_MPI, native", "OPEN_MPI, mpj", "MPICH, sync"})
  void isRefused(MpiRun.Launcher launcher, String transport) {
    String output = job(launcher, 2, CLEARED).run(Counts.class, transport, "0").failed().output();
    // A launcher may end the second rank when the first has ended.
    assertThat(output)
        .contains(LOST)
        .contains("mpilock.expected-ranks=1", "mpilock.transport=local")
        .doesNotContain("opened");
  }

  /** The kernel writes a process's name between parentheses as it is. */
  @Test
  void isFoundBehindWrappersWithAnyName(@TempDir Path folder) throws IOException {
    Path shell = Files.copy(Path.of("/bin/sh"), folder.resolve("a) R 1 (b c"));
    List<String> wrapper = List.of(shell.toString(), "-c", "env -i \"$@\" || exit 1", "wrapper");
    String output =
        job(MpiRun.Launcher.OPEN_MPI, 2, wrapper).run(Counts.class, "sync", "0").failed().output();
    assertThat(output).contains(LOST).contains("a) R 1 (b c (pid ").doesNotContain("opened");
  }

  @ParameterizedTest
  @CsvSource({"local, 0", "sync, 1"})
  void mayBeAloneIfItSaysSo(String transport, String expected) {
    String output =
        job(MpiRun.Launcher.OPEN_MPI, 2, CLEARED)
            .run(Counts.class, transport, expected)
            .succeeded()
            .output();
    assertThat(output.split("opened with 1", -1)).hasSize(3);
  }

  @ParameterizedTest
  @EnumSource
  void isNoLossWhereItStartedOneRank(MpiRun.Launcher launcher) {
    assertThat(job(launcher, 1, CLEARED).run(Counts.class, "sync", "0").succeeded().output())
        .contains("opened with 1");
  }

  /** The wrapper still has the variables, and they tell. */
  @Test
  void isNoLossWhereAWrapperKnowsThatItIsOneRank() {
    List<String> wrapper = List.of("sh", "-c", "env -i \"$@\" || exit 1", "wrapper");
    String output =
        job(MpiRun.Launcher.OPEN_MPI, 1, wrapper)
            .launcherArgs("--mca", "mpi_warn_on_fork", "0") // behind which no number is looked for
            .run(Counts.class, "sync", "0")
            .succeeded()
            .output();
    assertThat(output).contains("opened with 1");
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI, native", "MPICH, native", "OPEN_MPI, mpj", "MPICH, sync"})
  void anotherNumberOfRanksIsRefused(MpiRun.Launcher launcher, String transport) {
    String output = job(launcher, 2, List.of()).run(Counts.class, transport, "3").failed().output();
    assertThat(output)
        .contains("StartupException: mpilock.expected-ranks=3, but the job has 2 ranks")
        .doesNotContain("opened");
  }

  @Test
  void theExpectedNumberIsAlsoInTheEnvironment() {
    String output =
        job(MpiRun.Launcher.OPEN_MPI, 2, List.of("env", "MPILOCK_EXPECTED_RANKS=4"))
            .run(Counts.class, "sync", "0")
            .failed()
            .output();
    assertThat(output).contains("mpilock.expected-ranks=4, but the job has 2 ranks");
    assertThat(Launcher.expectedRanks(Map.of())).isZero();
    assertThat(Launcher.expectedRanks(Map.of("MPILOCK_EXPECTED_RANKS", "7"))).isEqualTo(7);
    assertThatThrownBy(() -> Launcher.expectedRanks(Map.of("MPILOCK_EXPECTED_RANKS", "many")))
        .isInstanceOf(StartupException.class)
        .hasMessageContaining("MPILOCK_EXPECTED_RANKS");
  }

  @Test
  void theExpectedNumberIsAccepted() {
    String output =
        job(MpiRun.Launcher.MPICH, 2, List.of())
            .run(Counts.class, "sync", "2")
            .succeeded()
            .output();
    assertThat(output.split("opened with 2", -1)).hasSize(3);
  }

  @Test
  void aJobOfOneRankIsRefusedWhereMoreAreExpected() {
    assertThatThrownBy(
            () -> WindowController.sync(ControllerOptions.defaults().withExpectedRanks(2)))
        .isInstanceOf(StartupException.class)
        .hasMessageContaining("mpilock.expected-ranks=2, but the job has 1 rank");
  }

  /** Slurm's helper, played by a shell of that name: it tells in its title what it runs. */
  @ParameterizedTest
  @ValueSource(strings = {"[7.0]", "[4294967.12]", "[7+1.0]"})
  void aTaskOfSlurmIsRefused(String title, @TempDir Path folder) throws Exception {
    assertThat(underSlurm(title, folder)).contains(LOST + "slurmstepd").doesNotContain("opened");
  }

  @ParameterizedTest
  @ValueSource(strings = {"[7.batch]", "[7.interactive]", "[7.extern]"})
  void aBatchScriptOfSlurmIsNoRank(String title, @TempDir Path folder) throws Exception {
    assertThat(underSlurm(title, folder)).contains("opened with 1");
  }

  private static String underSlurm(String title, Path folder) throws Exception {
    Path helper = folder.resolve("slurmstepd");
    Files.copy(Path.of("/bin/bash"), helper);
    Path output = folder.resolve("output");
    List<String> command = new ArrayList<>();
    command.addAll(List.of("bash", "-c", "exec -a \"$0\" \"$@\"", "slurmstepd: " + title));
    command.addAll(List.of(helper.toString(), "-c", "env -i \"$@\"; exit $?", "step"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(Counts.class.getName(), "sync", "0"));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return Files.readString(output);
  }

  @Test
  void nothingIsKnownWhereProcessesAreNotToBeSeen(@TempDir Path folder) throws IOException {
    assertThatCode(new LostLauncher(folder.resolve("none"))::checkSelf).doesNotThrowAnyException();
    write(folder, "self", "5 (java) S 3 0");
    assertThatCode(new LostLauncher(folder)::checkSelf).doesNotThrowAnyException();
    write(folder, "3", "garbage");
    assertThatCode(new LostLauncher(folder)::checkSelf).doesNotThrowAnyException();
    write(folder, "3", "3 (sh) S 3 0"); // its own parent, for ever
    assertThatCode(new LostLauncher(folder)::checkSelf).doesNotThrowAnyException();
    write(folder, "3", "3 (mpirun) S 1 0");
    assertThatThrownBy(new LostLauncher(folder)::checkSelf).isInstanceOf(StartupException.class);
  }

  private static void write(Path proc, String process, String stat) throws IOException {
    Path folder = Files.createDirectories(proc.resolve(process));
    Files.write(folder.resolve("stat"), stat.getBytes(StandardCharsets.ISO_8859_1));
  }
}
