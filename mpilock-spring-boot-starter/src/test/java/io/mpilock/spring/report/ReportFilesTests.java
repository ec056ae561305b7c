/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

class ReportFilesTests {
  private static final String HOSTILE = "</script><script>alert('x')</script><img onerror=y>";

  private final JobReport report =
      Records.report(
          3,
          Records.rank(0, Records.event(HOSTILE, LockUse.WRITE, 1_500, 0, 2_000_000)),
          Records.rank(1, Records.event(HOSTILE, LockUse.WRITE, 2_500, 1_999_000, 40)));

  @TempDir Path directory;

  @Test
  void theFilesAreWholeAndNothingElseIsLeft() throws Exception {
    Path made = directory.resolve("made");
    ReportFiles.write(report, made);
    ReportFiles.write(report, made); // and replaced
    try (Stream<Path> files = Files.list(made)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(ReportFiles.JSON, ReportFiles.HTML);
    }
    assertThat(made.resolve(ReportFiles.HTML)).content().endsWith("</html>\n");
  }

  @Test
  void theJsonHasEveryPartOfItsSchema() throws Exception {
    ReportFiles.write(report, directory);
    String json = Files.readString(directory.resolve(ReportFiles.JSON));
    List<String> names = new ArrayList<>();
    try (JsonParser parser = new JsonFactory().createParser(ObjectReadContext.empty(), json)) {
      for (JsonToken token; (token = parser.nextToken()) != null; ) {
        if (token == JsonToken.PROPERTY_NAME) {
          names.add(parser.currentName());
        }
      }
    }
    assertThat(names)
        .startsWith("format", "version", "job", "ranks", "master", "transport", "begin", "end")
        .contains("missing", "locks", "p99Nanos", "waitedFor", "names", "eventColumns", "events");
    assertThat(json)
        .contains("\"format\":\"mpilock-report\",\"version\":1")
        .contains("\"begin\":\"2026-09-21T14:13:20Z\"")
        .contains("{\"rank\":2,\"reason\":\"it died\"}")
        .contains("{\"waiter\":1,\"holder\":0,")
        .contains("\"events\":[[0,0,1,0,1,1500,0,2000000],[1,0,1,0,1,2500,1999000,40]]");
  }

  @Test
  void aResourceNameIsTextAndNotPartOfThePage() throws Exception {
    ReportFiles.write(report, directory);
    String html = Files.readString(directory.resolve(ReportFiles.HTML));
    assertThat(html)
        .doesNotContain("<script>alert")
        .doesNotContain("<img")
        .contains("&lt;script&gt;alert(&#39;x&#39;)")
        .contains("\\u003c/script>\\u003cscript>alert");
    assertThat(html.split("<script", -1)).hasSize(3); // the data and ours
    assertThat(html.split("</script", -1)).hasSize(3);
  }

  @Test
  void thePageLoadsNothing() throws Exception {
    ReportFiles.write(report, directory);
    assertThat(directory.resolve(ReportFiles.HTML))
        .content()
        .contains("default-src 'none'")
        .doesNotContain("http://", "https://", "src=", "@import", "url(");
  }
}
