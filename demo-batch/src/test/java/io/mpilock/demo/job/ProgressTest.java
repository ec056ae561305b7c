/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.demo.DemoProperties.ProgressMode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProgressTest {
  @TempDir Path directory;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  private String shown() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void whatTheRanksPublishAddsUp() throws IOException {
    Path file = directory.resolve("progress");
    Progress.create(file, 3, 100);
    try (Progress first = Progress.open(file, 0);
        Progress third = Progress.open(file, 2)) {
      first.publish(5);
      third.publish(70);
      first.publish(6);

      assertThat(first.total()).isEqualTo(176);
      assertThat(third.total()).isEqualTo(176);
    }
  }

  @Test
  void theBarEndsAtTheLastState() throws IOException {
    Path file = directory.resolve("progress");
    Progress.create(file, 1, 0);
    try (Progress progress = Progress.open(file, 0)) {
      progress.show(ProgressMode.BAR, 100, out);
      progress.publish(100);
    }

    assertThat(shown()).contains("100%");
  }

  @Test
  void autoIsLinesWithoutATerminal() throws IOException, InterruptedException {
    Path file = directory.resolve("progress");
    Progress.create(file, 1, 0);
    try (Progress progress = Progress.open(file, 0)) {
      progress.show(ProgressMode.AUTO, 100, out);
      progress.publish(50);
      while (shown().isEmpty()) {
        Thread.sleep(20);
      }
    }

    assertThat(shown()).startsWith("Writing: 50 of 100 rows (50 %)");
  }

  @Test
  void aFileThatIsNotThereIsNoFailure() {
    try (Progress progress = Progress.open(directory.resolve("progress"), 0)) {
      progress.publish(1);
      assertThat(progress.total()).isZero();
    }
  }
}
