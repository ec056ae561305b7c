/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Each public type says in which version it came; the compiler's doclint does not ask for that. */
class SinceTests {
  private static final Pattern PUBLIC =
      Pattern.compile(
          "^public (?:(?:sealed|abstract|final|non-sealed) )*(?:class|interface|record|enum|@interface) ",
          Pattern.MULTILINE);
  private static final Pattern SINCE =
      Pattern.compile("^ \\* @since \\d+\\.\\d+\\.\\d+$", Pattern.MULTILINE);

  @Test
  void eachPublicTypeSaysSinceWhen() throws IOException {
    List<Path> types;
    try (Stream<Path> core = Files.walk(Path.of("../mpilock-core/src/main/java"));
        Stream<Path> starter = Files.walk(Path.of("src/main/java"))) {
      types =
          Stream.concat(core, starter)
              .filter(file -> file.toString().endsWith(".java"))
              .filter(file -> !file.toString().contains("/internal/"))
              .filter(file -> PUBLIC.matcher(read(file)).find())
              .toList();
    }
    assertThat(types).hasSizeGreaterThan(80);
    assertThat(types).filteredOn(file -> !SINCE.matcher(read(file)).find()).isEmpty();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
