/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What {@link OpeningInjectionTest} is for threads: four ranks under a launcher, and an error at
 * places of one rank's {@code sync}, the transport's own included. The others are told of it, a
 * second {@code sync} ends, and so does every close.
 */
class OpeningCutShortTest {
  private static final Duration SOON = Duration.ofMinutes(3);
  private static final int RANKS = 4;

  @TempDir Path folder;

  /** In each order of the ranks at another place. */
  @ParameterizedTest
  @CsvSource({"OPEN_MPI", "MPICH"})
  void theOthersAreTold(MpiRun.Launcher launcher) {
    String output = run(MpiRun.under(launcher), "", "0/1", "ffm");
    assertThat(output.lines().filter(line -> line.contains("thrown: true"))).hasSizeGreaterThan(15);
    assertThat(output).contains("again: io.mpilock.WindowController", "was cut short on rank");
  }

  @Test
  void theOthersAreToldByMpj() {
    String output =
        run(
            MpiRun.openMpi()
                .withoutNativeAccess()
                .jvmArgs("-D" + ProcessRanks.TRANSPORT + "=mpj")
                .env("MPILOCK_MPJ_DIRECTORY", folder.resolve("meet").toString())
                .launcherArgs("-x", "MPILOCK_MPJ_DIRECTORY"),
            "",
            "0/1",
            "mpj");
    assertThat(output.lines().filter(line -> line.contains("thrown: true"))).hasSizeGreaterThan(15);
    assertThat(output).contains("does not come to allocate a window: java.lang.OutOfMemoryError");
  }

  /** The others are inside a collective call of MPI then, or are about to be. */
  @ParameterizedTest
  @CsvSource({"OPEN_MPI, 3/8", "MPICH, 5/8"})
  void thoseInMpiAreTold(MpiRun.Launcher launcher, String part) {
    String output = run(MpiRun.under(launcher), "mpilock-mpi", part, "ffm");
    assertThat(output).contains("thrown: true");
    for (int rank : new int[] {0, 2, 3}) {
      assertThat(output)
          .contains("round 1, rank " + rank + ": io.mpilock.failure.RankFailedException: ");
    }
  }

  private String run(MpiRun job, String thread, String part, String transport) {
    String output =
        job.ranks(RANKS)
            .timeout(SOON)
            .run(OpeningOverMpi.class, folder.toString(), thread, part, transport)
            .failed()
            .output();
    for (int rank = 0; rank < RANKS; rank++) {
      assertThat(output).contains("rank " + rank + " is through");
    }
    return output;
  }
}
