/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.MpiRun;
import io.mpilock.testing.MpiRun.Result;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job of processes that is started again when one of them was killed at its end. */
class RestartLaunchTests {
  @TempDir private Path folder;

  @Test
  void aRankThatWasKilledWhileItWaitedForTheOthersCanStartItsJobAgain() {
    Result cutOff = run("--cut-off=rank 1");
    assertThat(cutOff.failed().output()).contains("rank 0 does its part", "rank 1 does its part");

    Result again = run();
    assertThat(again.succeeded().output())
        .contains("was interrupted in its execution", "rank 0 does its part")
        .doesNotContain("rank 1 does its part")
        .containsOnlyOnce("on 2 rank(s)");
  }

  private Result run(String... arguments) {
    return MpiRun.openMpi()
        .ranks(2)
        .run(
            RestartingApplication.class,
            Stream.concat(
                    Stream.of(
                        "--mpilock.batch.combine-outcomes=true",
                        "--mpilock.batch.repository-directory=" + folder),
                    Stream.of(arguments))
                .toArray(String[]::new));
  }
}
