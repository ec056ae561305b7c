/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the runs of all ranks read together is what one reader reads, each line on its rank. */
class LineRunsTests {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "h",
        "h\n",
        "h\na",
        "h\na\nb\nc\nd\n",
        "h\r\na\r\nb\r\nc",
        "h\ra\rb\rc\r",
        "h\n\n\n\n",
        "h\r\r\n\n\r",
        "Überschrift\nä\n€\n\uD83D\uDE00\n",
      })
  void allKindsOfLineEnds(String text) throws IOException {
    check(text);
  }

  @RepeatedTest(20)
  void anyTextOfSeveralBuffers(RepetitionInfo repetition) throws IOException {
    Random random = new Random(repetition.getCurrentRepetition());
    StringBuilder text = new StringBuilder();
    int length = random.nextInt(200_000);
    for (int i = 0; i < length; i++) {
      text.append("abcdef\r\n".charAt(random.nextInt(8)));
    }
    check(text.toString());
  }

  private void check(String text) throws IOException {
    Path file = Files.writeString(folder.resolve("text"), text);
    for (int header = 0; header <= 2; header++) {
      List<String> lines = text.lines().toList();
      List<String> rows = lines.subList(Math.min(header, lines.size()), lines.size());
      for (int size : new int[] {1, 2, 3, 7}) {
        LineRuns.Run[] runs = LineRuns.find(file, header, size);
        List<String> read = new ArrayList<>();
        for (int rank = 0; rank < size; rank++) {
          RankSlice slice = RankSlice.of(rank, size, rows.size());
          assertThat(runs[rank].lines()).isEqualTo(slice);
          List<String> run = read(new FileRange(file, runs[rank].bytes(), "run"));
          assertThat(run).hasSize((int) slice.count());
          read.addAll(run);
        }
        assertThat(read).isEqualTo(rows);
      }
    }
  }

  private static List<String> read(FileRange range) throws IOException {
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(range.getInputStream(), StandardCharsets.UTF_8))) {
      return reader.lines().toList();
    }
  }
}
