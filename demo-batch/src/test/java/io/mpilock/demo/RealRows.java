/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The real flights, and what is to become of them. */
final class RealRows {
  static final Path FILE = Path.of("data", "flights.csv").toAbsolutePath();

  private RealRows() {}

  /** The rows as the input and the airports have them, without any code of the demo. */
  static List<String> expected() throws IOException {
    Map<String, String> names =
        Files.readAllLines(Path.of("data", "airports.csv")).stream()
            .skip(1)
            .collect(Collectors.toMap(line -> line.substring(0, 3), RealRows::name));
    return Files.readAllLines(FILE).stream()
        .skip(1)
        .map(line -> line.replace(',', '|') + "|" + names.get(line.split(",", -1)[3]))
        .sorted()
        .toList();
  }

  private static String name(String line) {
    return line.charAt(4) == '"'
        ? line.substring(5, line.indexOf('"', 5))
        : line.substring(4, line.indexOf(',', 4));
  }

  /** Names the first row that differs, and not all the others. */
  static void assertIn(Path flights, List<String> expected)
      throws IOException, InterruptedException {
    List<String> found = Dump.sortedRows(flights);
    assertThat(found.size()).isEqualTo(expected.size());
    for (int i = 0; i < found.size(); i++) {
      assertThat(found.get(i)).isEqualTo(expected.get(i));
    }
  }

  /** The real rows with malformed ones spread among them, the first of them on line 2. */
  static Path withMalformed(Path directory, int count) throws IOException {
    List<String> lines = new ArrayList<>(Files.readAllLines(FILE));
    int distance = 20_000 / count;
    for (int i = count - 1; i >= 0; i--) {
      lines.add(1 + i * distance, "broken");
    }
    return Files.write(directory.resolve("broken.csv"), lines);
  }
}
