/*
 * SPDX-License-Identifier: Apache-2.0
 */
package org.example.ahead;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.example.ahead.profiles.OnProfile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplicationAotProcessor;
import org.springframework.context.aot.AbstractAotProcessor.Settings;

/** What Spring does ahead of time on a machine without ranks holds for all ranks, or is refused. */
class AheadOfTimeTests {
  @TempDir private Path folder;

  @Test
  void theProfilesOfTheMachineThatBuildsAreNotEverybodys() throws IOException {
    String generated = process(Ahead.Plain.class);
    assertThat(generated)
        .contains("windowController", "lockTemplate")
        .doesNotContain("addActiveProfile", "rank-0");
    assertThat(folder.resolve("resources"))
        .isDirectoryRecursivelyContaining("glob:**reachability-metadata.json");
    assertThat(all("resources")).contains("lock-report.*", "io.mpilock.transport.Transport");
  }

  @Test
  void aConditionOnTheRankIsRefused() {
    assertThatThrownBy(() -> process(Ahead.OnMaster.class))
        .hasStackTraceContaining("A condition on the rank cannot be decided ahead of time");
  }

  @Test
  void aBeanOfTheProfileOfARankIsRefused() {
    assertThatThrownBy(() -> process(OnProfile.class))
        .hasStackTraceContaining(
            "profile master or rank-N: org.example.ahead.profiles.OnProfile.watcher.");
  }

  @Test
  void profilesThatAreNotMpilocksAreNotLookedAt() throws IOException {
    assertThat(process(OnProfile.class, "--mpilock.profiles.enabled=false"))
        .contains("windowController");
  }

  private String process(Class<?> application, String... arguments) throws IOException {
    new SpringApplicationAotProcessor(
            application,
            Settings.builder()
                .sourceOutput(folder.resolve("sources"))
                .resourceOutput(folder.resolve("resources"))
                .classOutput(folder.resolve("classes"))
                .groupId("org.example")
                .artifactId("ahead")
                .build(),
            arguments)
        .process();
    return all("sources");
  }

  private String all(String under) throws IOException {
    try (Stream<Path> files = Files.walk(folder.resolve(under))) {
      return files
          .filter(Files::isRegularFile)
          .map(AheadOfTimeTests::read)
          .collect(Collectors.joining("\n"));
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
