/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.MpiRun.Launcher;
import io.mpilock.testing.MpiRun.Result;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The report of ranks that are processes, under the launchers that this machine has. */
class ReportLaunchTests {
  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource
  void ranksThatEndInOrderAreAllInTheReport(Launcher launcher) {
    Result outcome = run(launcher).succeeded();
    assertThat(outcome.output()).containsOnlyOnce("the locks of 3 ranks in");
    assertThat(folder.resolve("report/mpilock-report.json"))
        .content()
        .contains("\"missing\":[]")
        .contains("{\"resource\":\"orders\",\"mode\":\"write\",\"granted\":15,");
    assertThat(folder.resolve("report/mpilock-report.html")).exists();
  }

  /**
   * The others wait in their gathering for a rank that will not come: the job ends all the same.
   * The master may have the time to tell what it has.
   */
  @ParameterizedTest
  @EnumSource
  void aRankThatFailsEndsTheJobWhileTheOthersGather(Launcher launcher) {
    Result outcome = run(launcher, "--fail", "--mpilock.shutdown-timeout=10m").failed();
    assertThat(outcome.output())
        .containsSubsequence("the application's own reason", "ending the job with status 1")
        .doesNotContain("the locks of 3 ranks");
  }

  private Result run(Launcher launcher, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--mpilock.report.enabled=true",
                "--mpilock.report.directory=" + folder.resolve("report")));
    arguments.addAll(List.of(more));
    return MpiRun.under(launcher)
        .ranks(3)
        .run(ReportingApplication.class, arguments.toArray(String[]::new));
  }
}
