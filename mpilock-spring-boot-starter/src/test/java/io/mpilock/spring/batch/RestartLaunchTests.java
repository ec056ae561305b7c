/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.Jvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job of processes that is started again when one of them was killed at its end. */
class RestartLaunchTests {
  private static final int BOUND_SECONDS = 120;

  @TempDir private Path folder;

  @Test
  void aRankThatWasKilledWhileItWaitedForTheOthersCanStartItsJobAgain() throws Exception {
    Outcome cutOff = run("--cut-off=rank 1");
    assertThat(cutOff.status()).as(cutOff.output()).isNotZero();
    assertThat(cutOff.output()).contains("rank 0 does its part", "rank 1 does its part");

    Outcome again = run();
    assertThat(again.status()).as(again.output()).isZero();
    assertThat(again.output())
        .contains("was interrupted in its execution", "rank 0 does its part")
        .doesNotContain("rank 1 does its part")
        .containsOnlyOnce("on 2 rank(s)");
  }

  private Outcome run(String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                "mpirun.openmpi",
                "--allow-run-as-root",
                "--oversubscribe",
                "--bind-to",
                "none",
                "-n",
                "2"));
    command.addAll(
        Jvm.command(
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            RestartingApplication.class.getName(),
            "--mpilock.batch.combine-outcomes=true",
            "--mpilock.batch.repository-directory=" + folder));
    command.addAll(List.of(arguments));
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(BOUND_SECONDS, TimeUnit.SECONDS);
    if (!ended) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    String text = Files.readString(output);
    assertThat(ended).as("hangs; it said: " + text).isTrue();
    return new Outcome(process.exitValue(), text);
  }

  private record Outcome(int status, String output) {}
}
