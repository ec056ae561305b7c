/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example;

import static org.assertj.core.api.Assertions.assertThat;

import com.acme.Application;
import com.acme.Ranks;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.MpiRun.Launcher;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.example.batch.OrdersJob;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The programs of README.md and docs/guide.md under real launchers. */
class ProgramsTests {

  @ParameterizedTest
  @EnumSource
  void theSmallestSpringProgramCounts(Launcher launcher) {
    String output = MpiRun.under(launcher).ranks(2).run(Application.class).succeeded().output();
    assertThat(output)
        .containsPattern("rank 0 of 2 sees [12] lines")
        .containsPattern("rank 1 of 2 sees [12] lines")
        .contains("sees 2 lines");
  }

  @ParameterizedTest
  @EnumSource
  void theSmallestPlainProgramLocks(Launcher launcher) {
    String output = MpiRun.under(launcher).ranks(2).run(Ranks.class).succeeded().output();
    assertThat(output)
        .contains("made by rank 0, write 2 is", "made by rank 0, write 3 is")
        .contains("rank 0 of 2 reads", "rank 1 of 2 reads");
  }

  @ParameterizedTest
  @EnumSource
  void theBatchProgramCopiesEachLineOnce(Launcher launcher, @TempDir Path folder) throws Exception {
    List<String> orders = IntStream.range(0, 1_000).mapToObj(i -> "customer," + i).toList();
    Path input = Files.write(folder.resolve("orders.csv"), orders);
    Path output = Files.createFile(folder.resolve("all.csv"));
    MpiRun.under(launcher)
        .ranks(2)
        .run(
            OrdersJob.class,
            "input=" + input,
            "--output=" + output,
            "--mpilock.batch.repository-directory=" + folder)
        .succeeded();
    assertThat(Files.readAllLines(output)).containsExactlyInAnyOrderElementsOf(orders);
  }

  @Test
  void whatWasMovedFromPythonRuns() {
    String output = MpiRun.openMpi().ranks(2).run(FromPython.class).succeeded().output();
    assertThat(output).contains("true").doesNotContain("false");
  }

  @Test
  void theRecipesKeepADatabaseAndADirectoryWhole(@TempDir Path folder) {
    String output =
        MpiRun.openMpi()
            .ranks(3)
            .run(RecipesApplication.class, "--folder=" + folder)
            .succeeded()
            .output();
    assertThat(output)
        .contains("rank 0 counts 60 orders", "rank 1 counts 60 orders", "rank 2 counts 60 orders");
  }
}
