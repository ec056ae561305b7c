/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiJob;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.SimulatedHosts;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames over MPJ Express, on one host and between simulated ones. */
final class MpjMessengerTest {
  private static final String SECRET = "0123456789abcdef0123456789abcdef";

  @SuppressWarnings("NullAway.Init") // before all tests
  private static SimulatedHosts hosts;

  @TempDir Path directory;

  @BeforeAll
  static void makeHosts() {
    hosts = SimulatedHosts.create(3);
  }

  @AfterAll
  static void removeHosts() {
    hosts.close();
  }

  /** Of a place such as 2 x 1, the first number is that of the hosts, 0 for the machine itself. */
  private MpiRun job(String place) {
    int number = Integer.parseInt(place.substring(0, 1));
    int ranks = Integer.parseInt(place.substring(4));
    MpiRun job =
        MpiRun.openMpi()
            .withoutNativeAccess()
            .jvmArgs("-D" + ProcessRanks.TRANSPORT + "=mpj")
            .env("MPILOCK_MPJ_DIRECTORY", directory.toString())
            .launcherArgs("-x", "MPILOCK_MPJ_DIRECTORY");
    return number == 0
        ? job.ranks(ranks)
        : job.on(hosts, IntStream.generate(() -> ranks).limit(number).toArray());
  }

  @ParameterizedTest
  @ValueSource(strings = {"0 x 2", "0 x 4", "3 x 1"})
  void framesOfAllSizesArriveOnceAndInOrder(String place) {
    String output = job(place).run(MessengerScenarios.Exchanges.class, "1500").succeeded().output();
    assertThat(output).contains("exchanged 1875 frames per pair");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0 x 2", "2 x 1"})
  void framesThatNobodyReceivesHoldNobodyUp(String place) {
    String output =
        job(place).run(MessengerScenarios.ClosesWithQueuedFrames.class).succeeded().output();
    assertThat(output.split("closed", -1)).hasSize(3);
  }

  /** In one MPJ Express world of all nodes it would end everybody's connections. */
  @ParameterizedTest
  @ValueSource(strings = {"0 x 3", "3 x 1"})
  void framesToADeadRankAreDroppedAndTheOthersGoOn(String place) {
    String output =
        job(place)
            .launcherArgs("--enable-recovery")
            .run(MessengerScenarios.LosesARank.class)
            .output();
    assertThat(output.split("went on without rank 1", -1)).hasSize(3);
    assertThat(output.split("came to its end", -1)).hasSize(3);
  }

  @Test
  void aHostThatIsCutOffForAWhileMissesNothing() throws Exception {
    try (MpiJob job = job("2 x 1").start(MessengerScenarios.IsCutOff.class)) {
      while (!job.output().contains("cut me off")) {
        Thread.sleep(10);
      }
      hosts.down("node1");
      while (!job.output().contains("connect me")) {
        Thread.sleep(10);
      }
      hosts.up("node1");
      String output = job.await(Duration.ofMinutes(2)).succeeded().output();
      assertThat(output.split("missed nothing", -1)).hasSize(3);
    }
  }

  /** Hydra gives the job no name that ranks on other hosts know, nor may they share a directory. */
  @Test
  void aConfiguredRendezvousNeedsNoCommonDirectory() {
    String output =
        MpiRun.mpich()
            .on(hosts, 1, 1)
            .withoutNativeAccess()
            .jvmArgs("-D" + ProcessRanks.TRANSPORT + "=mpj")
            .env("MPILOCK_MPJ_RENDEZVOUS", "10.99.0.1:7077")
            .env("MPILOCK_TOKEN", SECRET)
            .run(MessengerScenarios.Exchanges.class, "100")
            .succeeded()
            .output();
    assertThat(output).contains("exchanged 125 frames per pair");
  }
}
