/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.Jvm;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.MpiRun.Launcher;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A job in which one rank's application fails ends everywhere, with the failure's report and a
 * status that is not zero. In processes of their own, under the launchers that this machine has.
 */
class JobEndTests {
  private static final int BOUND_SECONDS = 60;

  @TempDir private Path folder;

  static Stream<Arguments> failures() {
    return Stream.of(Launcher.values())
        .flatMap(launcher ->
            Stream.of("before", "start", "runner", "ready")
                .map(when -> Arguments.of(launcher, when)));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void aRankThatFailsEndsTheJob(Launcher launcher, String when) {
    MpiRun.Result result =
        MpiRun.under(launcher)
            .ranks(2)
            .run(FailingApplication.class, "--fail=" + when, "--mpilock.shutdown-timeout=10m")
            .failed();
    assertThat(result.output())
        .containsSubsequence("the application's own reason", "ending the job with status 1")
        .doesNotContain("rank 0 is through");
  }

  /**
   * All ranks fail at once, when they have reached MPI, and none of them finalises it. MPICH's
   * launcher gets their status by an abort: of ranks that only exit it may take that of a signal by
   * which it ends them itself, and from 4.1 to 4.2.2 none at all.
   */
  @ParameterizedTest
  @EnumSource(Launcher.class)
  void aStartThatAllRanksAreRefusedEndsTheJob(Launcher launcher) {
    MpiRun.Result result =
        MpiRun.under(launcher)
            .ranks(4)
            .run(FailingApplication.class, "--mpilock.window-size=900GB")
            .failed();
    assertThat(result.status()).as(result.output()).isEqualTo(1);
    assertThat(result.output())
        .containsSubsequence("APPLICATION FAILED TO START", "ending the job with status 1")
        .doesNotContain("could not be ended through MPI", "is through");
  }

  /** Nothing but an exit ends this process: a thread that is no daemon runs on. */
  @Test
  void aRankThatFailsBeforeMpiExitsAlthoughThreadsRunOn() throws Exception {
    Path output = folder.resolve("output");
    ProcessBuilder builder =
        new ProcessBuilder(
                Jvm.command(
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    FailingApplication.class.getName(),
                    "--fail=before"))
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().putAll(FakeEnvironments.openMpi(1, 2));
    Process process = builder.start();
    boolean ended = process.waitFor(BOUND_SECONDS, TimeUnit.SECONDS);
    if (!ended) {
      process.destroyForcibly();
    }
    String text = Files.readString(output);
    assertThat(ended).as("hangs; it said: " + text).isTrue();
    assertThat(process.exitValue()).as(text).isEqualTo(1);
    assertThat(text).contains("the application's own reason");
  }
}
