/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The script that stops a rank under the newer Open MPIs, with a shell in place of the rank. */
@Timeout(60)
class StopOnUsr1Test {
  private static final Path SCRIPT = Path.of("../config/launch/stop-on-usr1.sh");

  @TempDir Path folder;

  private Path output() {
    return folder.resolve("output");
  }

  private Process start(String... command) throws IOException {
    Path input = Files.writeString(folder.resolve("input"), "what it reads");
    List<String> words = new ArrayList<>(List.of("sh", SCRIPT.toString()));
    words.addAll(List.of(command));
    return new ProcessBuilder(words)
        .redirectErrorStream(true)
        .redirectInput(input.toFile())
        .redirectOutput(output().toFile())
        .start();
  }

  @Test
  void aSignalStopsTheCommandAndItsStatusIsTold() throws Exception {
    for (int round = 0; round < 8; round++) { // the command may end before the script looks
      Process script =
          start("sh", "-c", "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done");
      while (!Files.readString(output()).contains("up")) {
        assertThat(script.isAlive()).isTrue();
        Thread.sleep(10);
      }
      Process kill =
          new ProcessBuilder("kill", "-USR1", Long.toString(script.pid())).inheritIO().start();
      assertThat(kill.waitFor()).isZero();
      assertThat(script.waitFor()).isEqualTo(7);
    }
  }

  @Test
  void theCommandHasItsInputAndItsStatusIsTold() throws Exception {
    Process script = start("sh", "-c", "cat; exit 3");
    assertThat(script.waitFor()).isEqualTo(3);
    assertThat(output()).hasContent("what it reads");
  }

  @Test
  void withoutACommandItFails() throws Exception {
    Process script = start();
    assertThat(script.waitFor()).isEqualTo(2);
    assertThat(output()).content().contains("there is no command to run");
  }
}
