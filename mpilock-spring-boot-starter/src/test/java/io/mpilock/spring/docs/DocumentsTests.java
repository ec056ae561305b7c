/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the documents show is what the build has: their tables of properties are those of the
 * metadata, and their programs are files that are compiled and tested. With the system property
 * {@code docs.mode=fix}, which config/build/docs.sh sets, they are rewritten instead.
 */
class DocumentsTests {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private final PropertyTables tables = PropertyTables.of(metadata());
  private final Snippet snippet = new Snippet(ROOT);

  DocumentsTests() throws IOException {}

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "docs/guide.md"})
  void aDocumentShowsWhatTheBuildHas(String name) throws IOException {
    Document document = new Document(ROOT.resolve(name));
    String written = document.written(this::lines);
    if ("fix".equals(System.getProperty("docs.mode"))) {
      Files.writeString(document.file(), written);
    }
    assertThat(document.file())
        .as(name + " differs from the metadata or the sources. config/build/docs.sh rewrites it")
        .content()
        .isEqualTo(written);
  }

  private List<String> lines(String kind, String argument) throws IOException {
    return switch (kind) {
      case "properties" -> tables.markdown();
      case "snippet" -> snippet.fenced(argument);
      default -> throw new IOException("there is no region of the kind " + kind);
    };
  }

  @Test
  void theGuideHasTheProperties() throws IOException {
    assertThat(new Document(ROOT.resolve("docs/guide.md")).regions("properties")).isOne();
  }

  @Test
  void everyPropertySaysWhatItDoes() {
    assertThat(tables.properties())
        .hasSizeGreaterThan(30)
        .allSatisfy(property -> assertThat(property.description()).isNotBlank());
  }

  /** Those without one say in words what holds where they are not set. */
  @Test
  void everyPropertyOfASimpleTypeHasADefault() {
    assertThat(tables.properties())
        .filteredOn(property -> property.defaultValue() == null)
        .filteredOn(property -> !property.description().contains("If not set: "))
        .allSatisfy(property ->
            assertThat(property.type())
                .isIn(
                    "java.lang.String", "java.nio.file.Path", "java.util.List<java.lang.String>"));
  }

  /** Java in a document that no build compiles would rot. */
  @ParameterizedTest
  @ValueSource(strings = {"README.md", "docs/guide.md"})
  void theJavaOfADocumentComesFromSources(String name) throws IOException {
    List<String> lines = Files.readAllLines(ROOT.resolve(name));
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).equals("```java")) {
        assertThat(lines.get(i - 1))
            .as(name + ", line " + (i + 1))
            .startsWith("<!-- begin snippet ");
      }
    }
  }

  private static Path metadata() {
    return Path.of("target", "classes", "META-INF", "spring-configuration-metadata.json");
  }
}
