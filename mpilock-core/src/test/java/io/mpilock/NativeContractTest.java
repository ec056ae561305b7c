/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.RankSuite;
import io.mpilock.testing.Ranks;
import io.mpilock.testing.SimulatedHosts;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The contract over the native transport, as processes under real launchers. */
class NativeContractTest {

  @ParameterizedTest
  @CsvSource({"OPEN_MPI,1", "OPEN_MPI,2", "OPEN_MPI,4", "MPICH,1", "MPICH,2", "MPICH,4"})
  void keepsTheContract(MpiRun.Launcher launcher, int ranks, @TempDir Path folder) {
    succeeds(MpiRun.under(launcher).ranks(ranks), ranks, folder);
  }

  /** As an MPICH that was built without shared memory: the ranks find that out themselves. */
  @Test
  void keepsTheContractWhereMpiSaysThatEachRankIsAlone(@TempDir Path folder) {
    succeeds(MpiRun.mpich().ranks(4).env("MPIR_CVAR_NOLOCAL", "1"), 4, folder);
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI,2 2", "OPEN_MPI,1 1 1", "MPICH,2 2", "MPICH,1 1 1"})
  void keepsTheContractOverHosts(
      MpiRun.Launcher launcher, String ranksPerHost, @TempDir Path folder) {
    int[] ranks = Arrays.stream(ranksPerHost.split(" ")).mapToInt(Integer::parseInt).toArray();
    try (SimulatedHosts hosts = SimulatedHosts.create(ranks.length)) {
      succeeds(MpiRun.under(launcher).on(hosts, ranks), Arrays.stream(ranks).sum(), folder);
    }
  }

  private static void succeeds(MpiRun run, int ranks, Path folder) {
    String output =
        run.timeout(Duration.ofMinutes(5))
            .jvmArgs("-D" + ProcessRanks.FOLDER + "=" + folder)
            .run(
                RankSuite.class,
                Locks.class.getName(),
                SingleWrites.class.getName(),
                Collectives.class.getName(),
                Lifecycles.class.getName(),
                Deadlocks.class.getName(),
                Counters.class.getName(),
                Statuses.class.getName())
            .succeeded()
            .output();
    assertThat(output.split("tests succeeded: ", -1)).hasSize(ranks + 1);
  }

  /** Run inside each rank. */
  @TestMethodOrder(MethodOrderer.MethodName.class)
  static class Locks extends LockContract {
    @Override
    protected Ranks ranks() {
      return ProcessRanks.world();
    }
  }

  /** Run inside each rank. */
  @TestMethodOrder(MethodOrderer.MethodName.class)
  static class SingleWrites extends SingleWriteContract {
    @Override
    protected Ranks ranks() {
      return ProcessRanks.world();
    }
  }

  /** Run inside each rank. */
  @TestMethodOrder(MethodOrderer.MethodName.class)
  static class Collectives extends CollectiveContract {
    @Override
    protected Ranks ranks() {
      return ProcessRanks.world();
    }
  }

  /** Run inside each rank. */
  @TestMethodOrder(MethodOrderer.MethodName.class)
  static class Lifecycles extends LifecycleContract {
    @Override
    protected Ranks ranks() {
      return ProcessRanks.world();
    }
  }

  /** Run inside each rank. */
  @TestMethodOrder(MethodOrderer.MethodName.class)
  static class Deadlocks extends DeadlockContract {
    @Override
    protected Ranks ranks() {
      return ProcessRanks.world();
    }
  }

  /** Run inside each rank. */
  @TestMethodOrder(MethodOrderer.MethodName.class)
  static class Counters extends CounterContract {
    @Override
    protected Ranks ranks() {
      return ProcessRanks.world();
    }
  }

  /** Run inside each rank. */
  @TestMethodOrder(MethodOrderer.MethodName.class)
  static class Statuses extends StatusContract {
    @Override
    protected Ranks ranks() {
      return ProcessRanks.world();
    }
  }
}
