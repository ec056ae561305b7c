package io.mpilock.demo.progress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProgressTest {
  @TempDir Path directory;

  @Test
  void theBoardAddsUpWhatTheRanksPublish() throws IOException {
    Path file = directory.resolve("board");
    ProgressBoard.create(file, 3, 100);
    try (ProgressBoard first = ProgressBoard.open(file);
        ProgressBoard second = ProgressBoard.open(file)) {
      first.publish(0, 5);
      second.publish(2, 70);
      first.publish(0, 6);

      assertThat(first.total()).isEqualTo(176);
      assertThat(second.total()).isEqualTo(176);
    }
  }

  @Test
  void theBarEndsAtTheLastState() throws IOException {
    Path file = directory.resolve("board");
    ProgressBoard.create(file, 1, 0);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    try (ProgressBoard board = ProgressBoard.open(file);
        ProgressDisplay display = ProgressDisplay.start(ProgressMode.BAR, file, 100, out)) {
      assertThat(display).isNotNull();
      board.publish(0, 100);
    }

    assertThat(bytes.toString(StandardCharsets.UTF_8)).contains("100%");
  }

  @Test
  void autoIsLinesWithoutATerminal() {
    assertThat(ProgressMode.AUTO.resolve(null)).isEqualTo(ProgressMode.LINES);
    assertThat(ProgressMode.BAR.resolve(null)).isEqualTo(ProgressMode.BAR);
  }
}
