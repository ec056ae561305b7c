/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.WindowController;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An application with Batch over JDBC, H2 in memory, {@code schema.sql} and JPA is the same with
 * the starter as without it: what it says of itself, each line of its log, and the files beside it.
 */
class WithoutALauncherTests {
  private static final int BOUND_SECONDS = 400;
  private static final String APPLICATION = "org.example.plain.PlainApplication";

  @TempDir private Path folder;

  /** What one process said and left behind. */
  private record Run(List<String> lines, List<String> beans, List<String> files) {}

  @Test
  void anApplicationGoesOnAsBefore() throws Exception {
    Run without = run("without", withoutMpilock());
    Run with = run("with", classPath().toList());

    assertThat(without.lines())
        .anyMatch(line -> line.startsWith("FACT towns: [{NAME=Turin}]"))
        .anyMatch(line -> line.startsWith("FACT people: [{NAME=Ada}]"))
        .contains("FACT active profiles: []");
    assertThat(with.lines()).containsExactlyElementsOf(without.lines());
    assertThat(with.files()).isEqualTo(without.files()).isEmpty();
    assertThat(with.beans()).containsAll(without.beans()).contains("windowController");
    assertThat(with.beans())
        .filteredOn(bean -> !without.beans().contains(bean))
        .allMatch(bean -> MPILOCKS.stream().anyMatch(bean::contains));
  }

  /** A second process finds a new database, and so nothing that is complete. */
  @Test
  void aSecondRunDoesItsJobAgain() throws Exception {
    List<String> first = run("again", classPath().toList()).lines();
    assertThat(first).anyMatch(line -> line.startsWith("FACT executions: [{STATUS=COMPLETED"));
    assertThat(run("again", classPath().toList()).lines()).isEqualTo(first);
  }

  /** Beans of the auto-configuration beside those of its own package. */
  private static final List<String> MPILOCKS =
      List.of(
          "mpilock",
          "windowController",
          "lockTemplate",
          "runningJobs",
          "pushBeforeTheMetersAreClosed",
          "rank",
          "Lock",
          "lock",
          "reportAtTheEnd");

  private static Stream<String> classPath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator));
  }

  private static List<String> withoutMpilock() throws URISyntaxException {
    List<String> of =
        List.of(locationOf(WindowController.class), locationOf(MpilockAutoConfiguration.class));
    return classPath().filter(entry -> !of.contains(entry)).toList();
  }

  private static String locationOf(Class<?> type) throws URISyntaxException {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
  }

  private Run run(String name, List<String> classPath)
      throws IOException, InterruptedException, URISyntaxException {
    Path directory = Files.createDirectories(folder.resolve(name));
    List<String> all = new ArrayList<>();
    all.add(Path.of(locationOf(WithoutALauncherTests.class)).resolve("plain").toString());
    all.addAll(classPath);
    Path output = folder.resolve(name + ".output");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                String.join(File.pathSeparator, all),
                APPLICATION)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertThat(process.waitFor(BOUND_SECONDS, TimeUnit.SECONDS)).as("ends").isTrue();
    } finally {
      process.destroyForcibly();
    }
    String text = Files.readString(output);
    assertThat(process.exitValue()).as(text).isZero();
    try (Stream<Path> files = Files.walk(directory)) {
      return new Run(
          text.lines()
              .filter(line -> !line.startsWith("BEAN "))
              .filter(line -> !line.contains("Thread starvation")) // a busy machine, to Hikari
              .map(WithoutALauncherTests::withoutWhatDiffersEachTime)
              .toList(),
          text.lines()
              .filter(line -> line.startsWith("BEAN "))
              .map(line -> line.substring("BEAN ".length()))
              .collect(Collectors.toList()),
          files.filter(file -> !file.equals(directory)).map(Path::toString).toList());
    }
  }

  /** Times, process ids, ports and what is random. */
  private static String withoutWhatDiffersEachTime(String line) {
    return line.replaceAll("\\d{4}-\\d\\d-\\d\\dT\\S+", "TIME")
        .replaceAll("(?i)[0-9a-f]{8}-[0-9a-f-]{27}", "UUID")
        .replaceAll("PID \\d+|\\b\\d+ ---", "PID")
        .replaceAll("conn\\d+: ", "conn: ")
        .replaceAll("\\(\\S+ started by .*\\)", "")
        .replaceAll("[0-9.]+ (seconds|ms)|(\\d+m)?(\\d+s)?\\d+ms|running for [0-9.]+", "DURATION");
  }
}
