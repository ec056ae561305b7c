/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.Footprint;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.testing.Proof;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Nothing grows with the number of controllers, resources and operations: threads, descriptors,
 * mappings, memory, places in MPI's tables.
 */
@Timeout(900)
@Proof
class LeakTest {

  @ParameterizedTest
  @CsvSource({
    "OPEN_MPI, native, 10000, 100000, 1000000",
    "MPICH,    native, 10000, 100000, 1000000",
    "OPEN_MPI, mpj,    2000,  20000,  200000"
  })
  void nothingStaysInTheProcessesOfAJob(
      MpiRun.Launcher launcher,
      String transport,
      long controllers,
      long resources,
      long operations,
      @TempDir Path folder) {
    String output =
        MpiRun.under(launcher)
            .ranks(2)
            .timeout(Duration.ofMinutes(14))
            .jvmArgs(
                "-Xms512m",
                "-Xmx512m",
                "-XX:+AlwaysPreTouch",
                // What the second compiler takes comes late in a short run, and looks like a leak.
                "-XX:TieredStopAtLevel=" + (Proof.Size.SHORT ? 1 : 4),
                "-D" + ProcessRanks.TRANSPORT + "=" + transport,
                "-D" + ProcessRanks.FOLDER + "=" + folder)
            .run(Leaks.class, size(controllers), size(resources), size(operations))
            .succeeded()
            .output();
    System.out.println(output);
    assertThat(output.split("nothing stays", -1)).hasSize(3);
  }

  @Test
  void nothingStaysOfRanksThatAreThreads() throws Exception {
    openAndClose(200);
    Footprint before = Footprint.now();
    int times = (int) Proof.Size.of(10_000);
    openAndClose(times);
    Footprint.now().hasNotGrownSince(before, times);
  }

  private static String size(long full) {
    return Long.toString(Proof.Size.of(full));
  }

  private static void openAndClose(int times) throws Exception {
    for (int i = 0; i < times; i++) {
      LocalRanks.run(
          i % 100 == 0 ? new int[] {1, 1} : new int[] {2},
          ControllerOptions.defaults(),
          controller -> {
            controller.resource("orders").write().close();
            controller.read().close();
          });
    }
  }
}
