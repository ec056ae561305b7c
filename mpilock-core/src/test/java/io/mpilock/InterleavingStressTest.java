/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.Proof;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Runs the jcstress tests of {@code src/jcstress} in JVMs of their own, over each kind of window:
 * two threads on two cores, and on the memory that the ranks share. {@code
 * -Dmpilock.interleavings=long} takes more time for each.
 */
@Timeout(1800)
@Proof
class InterleavingStressTest {
  private static final boolean LONG = "long".equals(System.getProperty("mpilock.interleavings"));
  private static final int ITERATIONS = LONG ? 20 : Proof.Size.SHORT ? 1 : 2;
  private static final int MILLIS = LONG ? 1000 : Proof.Size.SHORT ? 100 : 250;
  private static final Path HOME = Path.of("target", "jcstress").toAbsolutePath();
  private static final Path CLASSES = HOME.resolve("classes");
  private static final String PLANTED = "PlantedStress";
  private static final Pattern GRADE =
      Pattern.compile("\\[(OK|FAILED|ERROR|INTERESTING)] io\\.mpilock\\.internal\\.(\\S+)");

  /** How often a planted fault may hide: two threads must meet within nanoseconds. */
  private static final int ATTEMPTS = 8;

  @ParameterizedTest
  @ValueSource(strings = {"local", "native", "mapped"})
  void noForbiddenOutcomeIsSeen(String words) throws Exception {
    Set<String> expected = tests();
    expected.removeIf(name -> name.startsWith(PLANTED));
    Map<String, String> grades = run(words, "(?!" + PLANTED + ").*", ITERATIONS, MILLIS);
    assertThat(grades.keySet()).as("tests that ran").isEqualTo(expected);
    assertThat(grades.values()).as("grades over %s words", words).containsOnly("OK");
  }

  /** The teeth. A fault that does not show is looked for again, and longer. */
  @Test
  void plantedFaultsShowTheirForbiddenOutcomes() throws Exception {
    Set<String> hidden = tests();
    hidden.removeIf(name -> !name.startsWith(PLANTED));
    assertThat(hidden).hasSizeGreaterThanOrEqualTo(3);
    int time = 250;
    for (int attempt = 0; attempt < ATTEMPTS && !hidden.isEmpty(); attempt++) {
      String names = String.join("|", hidden).replace(".", "\\.");
      Map<String, String> grades = run("native", "(" + names + ")", 4, time);
      assertThat(grades.keySet()).isEqualTo(hidden);
      assertThat(grades.values()).isSubsetOf("OK", "FAILED");
      hidden.removeIf(name -> "FAILED".equals(grades.get(name)));
      time = Math.min(2 * time, 2000);
    }
    assertThat(hidden).as("planted faults that were not seen").isEmpty();
  }

  /** The tests that were compiled, by the harness that is generated for each. */
  private static Set<String> tests() throws IOException {
    Path directory = CLASSES.resolve(Path.of("io", "mpilock", "internal"));
    Pattern harness = Pattern.compile("(\\w+?)_(\\w+)_jcstress\\.class");
    Set<String> tests = new TreeSet<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Matcher name = harness.matcher(file.getFileName().toString());
        if (name.matches()) {
          tests.add(name.group(1) + "." + name.group(2));
        }
      }
    }
    assertThat(tests).as("compiled tests").hasSizeGreaterThan(15);
    return tests;
  }

  private static Map<String, String> run(String words, String tests, int iterations, int millis)
      throws IOException, InterruptedException {
    Path directory = Files.createDirectories(HOME.resolve(words));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-cp");
    command.add(CLASSES + System.getProperty("path.separator") + classPath());
    command.add("org.openjdk.jcstress.Main");
    command.addAll(
        List.of("-v", "-c", "2", "-f", "1", "-af", "NONE", "-sc", "false", "-hs", "256"));
    command.addAll(List.of("-iters", "" + iterations, "-time", "" + millis));
    command.addAll(List.of("-strideSize", "64", "-strideCount", "16")); // see Slice.SLICES
    command.addAll(List.of("-t", "io\\.mpilock\\.internal\\." + tests));
    command.addAll(List.of("-r", directory.resolve("report").toString()));
    command.add("-jvmArgs");
    command.add("--enable-native-access=ALL-UNNAMED -Dmpilock.stress.words=%s".formatted(words));
    Process process =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
    String output;
    try (InputStream stream = process.getInputStream()) {
      output = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
      process.waitFor();
    } finally {
      process.destroy();
    }
    int results = output.indexOf("RUN RESULTS");
    assertThat(results).as("jcstress came to its end: %s", output).isNotNegative();
    String summary = output.substring(results);
    System.out.println("jcstress over " + words + " words: " + summary);
    Map<String, String> grades = new TreeMap<>();
    Matcher grade = GRADE.matcher(summary);
    while (grade.find()) {
      grades.put(grade.group(2), grade.group(1));
    }
    return grades;
  }

  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }
}
