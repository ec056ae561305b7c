/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * One run of the Spin model checker: {@code spin -a} makes a program from a model, a C compiler
 * builds it, and the program looks at all states that the model can be in.
 *
 * @param model a file of {@code src/model}
 * @param definitions its options, such as {@code RANKS=3}
 */
record SpinRun(String model, List<String> definitions) {
  private static final Path MODELS = Path.of("src", "model");
  private static final int MEGABYTES =
      "full".equals(System.getProperty("mpilock.models")) ? 8_000 : 2_000;
  private static final Duration LIMIT = Duration.ofMinutes(30);
  private static final Pattern STATES =
      Pattern.compile("(\\d+(?:\\.\\d+e\\+\\d+)?) states, stored");

  /** What ends an exploration early, or makes it an approximation. */
  private static final List<String> INCOMPLETE =
      List.of(
          "search depth too small",
          "out of memory",
          "Search not completed",
          "it statespace search",
          "hash-compact",
          "truncated");

  static SpinRun of(String model, String... definitions) {
    return new SpinRun(model, List.of(definitions));
  }

  SpinRun with(String... more) {
    return new SpinRun(model, Stream.concat(definitions.stream(), Arrays.stream(more)).toList());
  }

  /**
   * Looks at every state: all checks hold, and where nothing can happen any more everybody is done.
   *
   * @return how many states there are
   */
  double holds(Path directory) {
    String report = verify(directory, List.of("-DSAFETY", "-O2"), List.of());
    assertComplete(report);
    assertThat(report).contains("assertion violations\t+", "invalid end states\t+");
    return states(report);
  }

  /** Looks for runs without an end: there are none, so each ends in a state of {@link #holds}. */
  double ends(Path directory) {
    String report = verify(directory, List.of("-DNP", "-O2"), List.of("-l"));
    assertComplete(report);
    assertThat(report).contains("non-progress cycles \t+");
    return states(report);
  }

  /**
   * Looks for a violation of one check, and of no other.
   *
   * @param check the name that is asserted
   */
  void breaks(Path directory, String check) {
    String report =
        with("ONLY", check.toUpperCase(Locale.ROOT))
            .verify(directory, List.of("-DSAFETY", "-O0"), List.of("-E"));
    assertThat(report).contains("pan:1: assertion violated " + check + " (");
  }

  /** Looks for a state in which nothing can happen any more, and somebody is not done. */
  void getsStuck(Path directory) {
    String report = verify(directory, List.of("-DSAFETY", "-O0"), List.of("-A"));
    assertThat(report).contains("pan:1: invalid end state (");
  }

  /** Looks for a run without an end. */
  void goesOnForEver(Path directory) {
    String report = verify(directory, List.of("-DNP", "-O0"), List.of("-l"));
    assertThat(report).contains("pan:1: non-progress cycle (");
  }

  private void assertComplete(String report) {
    assertThat(report)
        .as("the verifier's report on %s", this)
        .contains("Full statespace search for:", "errors: 0")
        .doesNotContain(INCOMPLETE);
  }

  private static double states(String report) {
    Matcher matcher = STATES.matcher(report);
    assertThat(matcher.find()).as(report).isTrue();
    return Double.parseDouble(matcher.group(1));
  }

  private String verify(Path directory, List<String> compiler, List<String> options) {
    try {
      List<String> spin = new ArrayList<>(List.of("spin"));
      for (String definition : definitions) {
        spin.add("-D" + definition);
      }
      spin.addAll(List.of("-a", MODELS.resolve(model).toAbsolutePath().toString()));
      run(directory, spin);
      List<String> cc = new ArrayList<>(List.of("cc", "-w", "-DCOLLAPSE", "-DNOFAIR"));
      cc.add("-DMEMLIM=" + MEGABYTES);
      cc.addAll(compiler);
      cc.addAll(List.of("-o", "pan", "pan.c"));
      run(directory, cc);
      List<String> pan = new ArrayList<>(List.of("./pan", "-m1000000"));
      pan.addAll(options);
      return run(directory, pan);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static String run(Path directory, List<String> command)
      throws IOException, InterruptedException {
    Path output = directory.resolve("output");
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .directory(directory.toFile())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
    } catch (IOException e) {
      throw new IOException(
          command.getFirst()
              + " cannot be run; config/build/setup.sh installs Spin and a C compiler",
          e);
    }
    try {
      assertThat(process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS))
          .as("%s ends", command)
          .isTrue();
    } finally {
      process.destroyForcibly();
    }
    String text = Files.readString(output);
    assertThat(process.exitValue()).as("%s%n%s", command, text).isZero();
    return text;
  }

  @Override
  public String toString() {
    return model + " " + String.join(" ", definitions);
  }
}
