/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.SimulatedHosts;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames between the ranks of real jobs, on one host and over TCP between simulated ones. */
final class NativeMessengerTest {

  @SuppressWarnings("NullAway.Init") // before all tests
  private static SimulatedHosts hosts;

  @BeforeAll
  static void makeHosts() {
    hosts = SimulatedHosts.create(3);
  }

  @AfterAll
  static void removeHosts() {
    hosts.close();
  }

  /** Of a place such as 2 x 1, the first number is that of the hosts, 0 for the machine itself. */
  private static MpiRun job(MpiRun.Launcher launcher, String place) {
    int number = Integer.parseInt(place.substring(0, 1));
    int ranks = Integer.parseInt(place.substring(4));
    MpiRun job = MpiRun.under(launcher);
    return number == 0
        ? job.ranks(ranks)
        : job.on(hosts, IntStream.generate(() -> ranks).limit(number).toArray());
  }

  @ParameterizedTest
  @CsvSource({
    "OPEN_MPI, 0 x 2", "OPEN_MPI, 0 x 4", "OPEN_MPI, 2 x 2", "OPEN_MPI, 3 x 1",
    "MPICH, 0 x 2", "MPICH, 0 x 4", "MPICH, 2 x 2", "MPICH, 3 x 1"
  })
  void framesOfAllSizesArriveOnceAndInOrder(MpiRun.Launcher launcher, String place) {
    String output =
        job(launcher, place).run(MessengerScenarios.Exchanges.class, "1500").succeeded().output();
    assertThat(output).contains("exchanged 1875 frames per pair");
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI, 0 x 2", "OPEN_MPI, 2 x 1", "MPICH, 0 x 2", "MPICH, 2 x 1"})
  void framesThatNobodyReceivesHoldNobodyUp(MpiRun.Launcher launcher, String place) {
    String output =
        job(launcher, place)
            .run(MessengerScenarios.ClosesWithQueuedFrames.class)
            .succeeded()
            .output();
    assertThat(output.split("closed", -1)).hasSize(3);
  }

  /** What it costs is printed, for people. */
  @ParameterizedTest
  @EnumSource
  void waitingIsPossibleOnAnIdleProcessor(MpiRun.Launcher launcher) {
    String output =
        job(launcher, "2 x 1").run(MessengerScenarios.Idles.class, "2").succeeded().output();
    System.out.println(launcher + ": " + output);
    assertThat(output).contains("% of a core");
  }

  /** Also if the other dies between the parts of a large frame. */
  @ParameterizedTest
  @ValueSource(strings = {"0 x 3", "3 x 1"})
  void framesToADeadRankAreDroppedAndTheOthersGoOn(String place) {
    String output =
        job(MpiRun.Launcher.OPEN_MPI, place)
            .launcherArgs("--enable-recovery")
            .run(MessengerScenarios.LosesARank.class)
            .output();
    assertThat(output.split("went on without rank 1", -1)).hasSize(3);
    assertThat(output.split("MPI is not finalised", -1)).hasSize(3);
    assertThat(output.split("came to its end", -1)).hasSize(3);
  }

  @Test
  void aHostThatIsCutOffForAWhileMissesNothing() throws Exception {
    try (var job =
        job(MpiRun.Launcher.OPEN_MPI, "2 x 1").start(MessengerScenarios.IsCutOff.class)) {
      while (!job.output().contains("cut me off")) {
        Thread.sleep(10);
      }
      hosts.down("node1");
      while (!job.output().contains("connect me")) {
        Thread.sleep(10);
      }
      hosts.up("node1");
      String output = job.await(java.time.Duration.ofMinutes(2)).succeeded().output();
      assertThat(output.split("missed nothing", -1)).hasSize(3);
    }
  }
}
