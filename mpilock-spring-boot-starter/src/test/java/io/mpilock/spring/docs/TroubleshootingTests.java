/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The messages that the guide quotes are those that the code has. */
class TroubleshootingTests {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path FAILURES =
      ROOT.resolve("mpilock-core/src/main/java/io/mpilock/failure");
  private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");
  private static final int MESSAGE = 2;
  private static final int TELLING = 12;

  private final String section;

  TroubleshootingTests() throws IOException {
    String guide = Files.readString(ROOT.resolve("docs/guide.md"));
    this.section =
        guide.substring(
            guide.indexOf("## When it fails"), guide.indexOf("### Messages of other programs"));
  }

  @Test
  void whatTheGuideQuotesIsInTheSources() throws IOException {
    Literals literals =
        new Literals(
            ROOT.resolve("mpilock-core/src/main/java"),
            ROOT.resolve("mpilock-spring-boot-starter/src/main/java"));
    List<String> rows =
        section
            .lines()
            .filter(line -> line.startsWith("| ") && !line.startsWith("| symptom"))
            .toList();
    assertThat(rows).hasSizeGreaterThan(30);
    for (String row : rows) {
      List<String> fragments = fragments(row.split("\\|", -1)[MESSAGE]);
      assertThat(fragments).as(row).anyMatch(fragment -> fragment.length() >= TELLING);
      assertThat(fragments).as(row).allMatch(literals::contain);
    }
  }

  @Test
  void everyKindOfExceptionIsInTheGuide() throws IOException {
    try (Stream<Path> files = Files.list(FAILURES)) {
      List<String> exceptions =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.endsWith("Exception.java"))
              .map(name -> name.substring(0, name.length() - ".java".length()))
              .toList();
      assertThat(exceptions).hasSizeGreaterThan(5);
      assertThat(exceptions).allMatch(name -> section.contains("`" + name + "`"));
    }
  }

  private static List<String> fragments(String cell) {
    return QUOTED
        .matcher(cell)
        .results()
        .flatMap(quoted -> Stream.of(quoted.group(1).split("…", -1)))
        .filter(fragment -> !fragment.isEmpty())
        .toList();
  }
}
