/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.Jvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What ranks print and write, in processes of their own: the logging of a JVM is one for all. */
class RankOutputTests {
  private static final String BANNER = ":: Spring Boot ::";

  @TempDir private Path folder;

  @Test
  void eachLineOfEachThreadTellsTheRank() throws Exception {
    List<String> lines = run(1, 2).lines().toList();
    assertThat(lines).isNotEmpty().allMatch(line -> line.contains(" [rank 1/2] "));
    assertThat(lines).anyMatch(line -> line.endsWith("what goes well"));
    assertThat(lines).anyMatch(line -> line.endsWith("what fails"));
    assertThat(folder.resolve("logs")).doesNotExist();
  }

  @Test
  void structuredLinesTellTheRankToo() throws Exception {
    List<String> lines = run(1, 2, "--logging.structured.format.console=logstash").lines().toList();
    assertThat(lines).isNotEmpty().allMatch(line -> line.contains("\"rank\":\"1\""));
  }

  @Test
  void patternsOfTheApplicationsOwnHaveTheRankInTheMdc() throws Exception {
    String output =
        run(1, 2, "--logging.pattern.console=<%X{mpilock.rank} of %X{mpilock.size}> %m%n");
    assertThat(output.lines())
        .contains("<1 of 2> what goes well", "<1 of 2> what is done for others");
  }

  @Test
  void structuredLinesHaveTheMdc() throws Exception {
    String output = run(1, 2, "--logging.structured.format.console=ecs");
    assertThat(output.lines())
        .filteredOn(line -> line.contains("what goes well") || line.contains("for others"))
        .hasSize(2)
        .allSatisfy(line -> {
          JsonNode mpilock = JsonMapper.shared().readTree(line).get("mpilock");
          assertThat(mpilock.get("rank").asString()).isEqualTo("1");
          assertThat(mpilock.get("size").asString()).isEqualTo("2");
        });
  }

  @Test
  void withoutTheRankInTheLogTheMdcIsEmpty() throws Exception {
    String output =
        run(
            1,
            2,
            "--mpilock.logging.rank=false",
            "--logging.pattern.console=<%X{mpilock.rank}> %m%n");
    assertThat(output.lines()).contains("<> what goes well", "<> what is done for others");
  }

  @Test
  void theMasterPrintsTheBannerAndEverything() throws Exception {
    String output = run(0, 2, "--mpilock.logging.console=master");
    assertThat(output).contains(BANNER, "what goes well", "what is odd", "what fails");
    assertThat(folder.resolve("logs/rank-0.log")).content().contains("what goes well");
  }

  @Test
  void theOthersPrintWhatIsWrongAndWriteEverything() throws Exception {
    String output = run(1, 2, "--mpilock.logging.console=master");
    assertThat(output)
        .contains("what is odd", "what fails")
        .doesNotContain(BANNER, "what goes well");
    assertThat(folder.resolve("logs/rank-1.log"))
        .content()
        .contains("[rank 1/2]", "what goes well", "what is odd", "what fails");
  }

  private String run(int rank, int size, String... arguments)
      throws IOException, InterruptedException {
    List<String> command =
        Jvm.command(
            "-cp", System.getProperty("java.class.path"), TalkingApplication.class.getName());
    command.addAll(List.of(arguments));
    Path output = folder.resolve("output");
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().putAll(FakeEnvironments.openMpi(rank, size));
    Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ends").isTrue();
    } finally {
      process.destroyForcibly();
    }
    String text = Files.readString(output);
    assertThat(process.exitValue()).as(text).isZero();
    return text;
  }
}
