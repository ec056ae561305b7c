/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
import io.mpilock.testing.MpiJob;
import io.mpilock.testing.MpiRun;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ranks that wait in the transport's start for one that comes late say so, and then go on. */
@Timeout(300)
class LateRankTest {
  private static final Duration STALL = Duration.ofSeconds(1);

  /** One rank comes when it is told to; the others are told to be impatient. */
  static final class Late {
    public static void main(String[] args) throws Exception {
      Launcher launcher = Launcher.detect(System.getenv()).orElseThrow();
      Path come = Path.of(args[2]);
      while (launcher.rank() == Integer.parseInt(args[1]) && !Files.exists(come)) {
        Thread.sleep(10);
      }
      Communicator world = Transports.open(args[0], new TransportSettings(launcher, null, STALL));
      try (WindowController controller =
          WindowController.syncOwning(world, ControllerOptions.defaults())) {
        controller.write().close();
        System.out.println("together at last");
      }
    }
  }

  @ParameterizedTest(name = "rank {2} under {0}, over {1}")
  @CsvSource({
    "OPEN_MPI, native, 1, MPI_Init_thread",
    "MPICH, native, 0, MPI_Init_thread",
    "OPEN_MPI, mpj, 1, Rank 1 did not join",
    "OPEN_MPI, mpj, 0, rank 0 has not said where it is"
  })
  void isReportedByThoseWhoWait(
      MpiRun.Launcher launcher, String transport, int late, String where, @TempDir Path folder)
      throws Exception {
    Path come = folder.resolve("come");
    try (MpiJob job =
        MpiRun.under(launcher)
            .ranks(3)
            .start(Late.class, transport, Integer.toString(late), come.toString())) {
      long start = System.nanoTime();
      while (!job.output().contains(where)) {
        assertThat(System.nanoTime() - start).as(job.output()).isLessThan(60_000_000_000L);
        Thread.sleep(20);
      }
      assertThat(job.output())
          .containsPattern("for \\d+ s ")
          .contains("Check on every host whether all of them run, and what each has written")
          .doesNotContain("together");
      Files.createFile(come);
      assertThat(job.await(Duration.ofMinutes(1)).succeeded().output().split("together", -1))
          .hasSize(4);
    }
  }
}
