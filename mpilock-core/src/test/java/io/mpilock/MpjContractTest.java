/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.RankSuite;
import io.mpilock.testing.SimulatedHosts;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The contract over MPJ Express, as processes that Open MPI's launcher only starts. */
class MpjContractTest {

  @ParameterizedTest
  @CsvSource({"1", "2", "4"})
  void keepsTheContract(int ranks, @TempDir Path folder) {
    check(ranks, MpiRun.openMpi().ranks(ranks), folder);
  }

  @Test
  void keepsTheContractOnSeveralHosts(@TempDir Path folder) {
    try (SimulatedHosts hosts = SimulatedHosts.create(2)) {
      check(4, MpiRun.openMpi().on(hosts, 2, 2), folder);
    }
  }

  private static void check(int ranks, MpiRun job, Path folder) {
    String output =
        job.timeout(Duration.ofMinutes(5))
            .withoutNativeAccess()
            .jvmArgs(
                "-D" + ProcessRanks.FOLDER + "=" + folder, "-D" + ProcessRanks.TRANSPORT + "=mpj")
            .env("MPILOCK_MPJ_DIRECTORY", folder.resolve("meet").toString())
            .launcherArgs("-x", "MPILOCK_MPJ_DIRECTORY")
            .run(
                RankSuite.class,
                NativeContractTest.Locks.class.getName(),
                NativeContractTest.SingleWrites.class.getName(),
                NativeContractTest.Collectives.class.getName(),
                NativeContractTest.Lifecycles.class.getName(),
                NativeContractTest.Deadlocks.class.getName(),
                NativeContractTest.Counters.class.getName())
            .succeeded()
            .output();
    assertThat(output.split("tests succeeded: ", -1)).hasSize(ranks + 1);
  }
}
