package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                TalkingApplication.class.getName()));
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
