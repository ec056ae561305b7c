/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.FreePorts;
import io.mpilock.testing.Jvm;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.RankSuite;
import io.mpilock.testing.SimulatedHosts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The transport mpj as ranks of real jobs. */
final class MpjTransportTest {
  @TempDir Path directory;
  private List<Path> before = List.of();

  @BeforeEach
  void look() throws IOException {
    before = windows();
  }

  @AfterEach
  void nothingIsLeft() throws IOException {
    assertThat(windows()).isSubsetOf(before);
    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left).isEmpty();
    }
  }

  /** A window has a name only while the ranks map it. */
  private static List<Path> windows() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/dev/shm"))) {
      return files.filter(file -> file.getFileName().toString().startsWith("mpilock-mpj")).toList();
    }
  }

  private MpiRun under(MpiRun.Launcher launcher) throws IOException {
    return MpiRun.under(launcher)
        .withoutNativeAccess()
        .jvmArgs("-D" + ProcessRanks.TRANSPORT + "=mpj")
        .env("MPILOCK_MPJ_DIRECTORY", directory.toString());
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI,1", "OPEN_MPI,2", "OPEN_MPI,4", "MPICH,1", "MPICH,2", "MPICH,4"})
  void itKeepsTheContract(MpiRun.Launcher launcher, int ranks) throws IOException {
    under(launcher)
        .ranks(ranks)
        .run(RankSuite.class, MpjNodeWindowSuite.class.getName())
        .succeeded();
  }

  @Test
  void windowsThatNobodyFreedAreGoneAtTheEnd() throws IOException {
    under(MpiRun.Launcher.OPEN_MPI).ranks(3).run(NativeScenarios.LeavesWindows.class).succeeded();
  }

  @Test
  void closeWaitsForALateRankWithoutBurningACore() throws IOException {
    String output =
        under(MpiRun.Launcher.OPEN_MPI)
            .ranks(2)
            .run(NativeScenarios.ClosesLate.class)
            .succeeded()
            .output();
    assertThat(output).contains("has been waiting for").contains("to close");
  }

  /** Hydra itself takes no notice of ranks that do not use its MPI. */
  @ParameterizedTest
  @EnumSource
  void abortEndsEveryRank(MpiRun.Launcher launcher) throws IOException {
    MpiRun.Result result = under(launcher).ranks(3).run(NativeScenarios.Aborts.class);
    assertThat(result.status()).isEqualTo(7);
    assertThat(result.output()).doesNotContain("went on");
  }

  @Test
  void aWindowThatDoesNotFitIsRefusedBeforeItIsTouched() throws IOException {
    String output =
        under(MpiRun.Launcher.OPEN_MPI)
            .ranks(2)
            .run(NativeScenarios.AsksForTooMuch.class)
            .succeeded()
            .output();
    assertThat(output).contains("refused NO_WINDOW").contains("mpilock.window-size");
  }

  @Test
  void aRankThatIsKilledIsNoticedAndDoesNotBlockClose() throws IOException {
    String output = surviving(2).run(NativeScenarios.LosesARank.class).output();
    assertThat(output).contains("noticed").contains("closed").contains("leave the job together");
  }

  @Test
  void nobodyWaitsInACollectiveCallForTheDead() throws IOException {
    String output = surviving(2).run(NativeScenarios.WaitsForTheDead.class).output();
    assertThat(output).contains("failed: rank 1").contains("allocate a window");
  }

  /** With it goes what tells of deaths and lets ranks meet; what is there goes on. */
  @Test
  void theDeathOfRankZeroIsToldByName() throws IOException {
    String output = surviving(3).run(MpjScenarios.LosesRankZero.class).output();
    assertThat(output.split("failed: rank 0", -1)).hasSize(3);
    assertThat(output.split("noticed rank 2", -1)).hasSize(2);
  }

  @Test
  void deathsOnOtherHostsAreNoticed() throws IOException {
    try (SimulatedHosts hosts = SimulatedHosts.create(3)) {
      for (String killed : List.of("1", "0")) {
        String output =
            surviving(1).on(hosts, 1, 1, 1).run(MpjScenarios.NoticesADeath.class, killed).output();
        assertThat(output.split("noticed rank " + killed, -1)).hasSize(3);
      }
    }
  }

  @Test
  void ranksThatWereStartedByHandMeet() throws Exception {
    int port = FreePorts.one();
    List<Process> ranks = new ArrayList<>();
    List<Path> outputs = new ArrayList<>();
    for (int rank = 0; rank < 3; rank++) {
      Path output = Files.createTempFile("rank", ".txt");
      outputs.add(output);
      ProcessBuilder builder =
          new ProcessBuilder(
                  Jvm.command(
                      "-cp",
                      System.getProperty("java.class.path"),
                      MessengerScenarios.Exchanges.class.getName(),
                      "100"))
              .redirectErrorStream(true)
              .redirectOutput(output.toFile());
      builder.environment().put("MPILOCK_RANK", Integer.toString(rank));
      builder.environment().put("MPILOCK_SIZE", "3");
      builder.environment().put("MPILOCK_MPJ_RENDEZVOUS", "localhost:" + port);
      builder.environment().put("MPILOCK_TOKEN", "a token for this test alone");
      ranks.add(builder.start());
    }
    for (int rank = 0; rank < 3; rank++) {
      assertThat(ranks.get(rank).waitFor()).isZero();
      assertThat(outputs.get(rank)).content().contains("exchanged 125 frames per pair");
      // Nothing of MPJ Express' own reaches the user.
      assertThat(outputs.get(rank)).content().hasLineCount(1);
      Files.delete(outputs.get(rank));
    }
  }

  private MpiRun surviving(int ranks) throws IOException {
    return under(MpiRun.Launcher.OPEN_MPI)
        .ranks(ranks)
        .launcherArgs("--enable-recovery", "-x", "MPILOCK_MPJ_DIRECTORY");
  }
}
