/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Runs a fuzz target: a class with a method {@code fuzzerTestOneInput(byte[])}. Its inputs are kept
 * as files in the resource folder {@code fuzz/} and the class's simple name: examples to begin
 * with, and every input that ever found a fault.
 *
 * <p>Jazzer's driver runs in a JVM of its own, with a small heap, since it ends its JVM. It stops
 * at the first exception that the target lets through, at an input that takes more than two
 * minutes, and when memory runs out.
 */
public final class FuzzRun {
  /** How long each target is fuzzed, in seconds; the default is for the ordinary build. */
  public static final String SECONDS = "mpilock.fuzz.seconds";

  /** Where inputs of new coverage are kept for the next run; nowhere if not set. */
  public static final String CORPUS = "mpilock.fuzz.corpus";

  private static final int USUAL_SECONDS = Proof.Size.SHORT ? 1 : 3;
  private static final int HANG_SECONDS = 120;
  private static final Pattern EXECUTIONS =
      Pattern.compile("stat::number_of_executed_units:\\s*(\\d+)");
  private static final Pattern COVERAGE = Pattern.compile("cov: (\\d+) ft: (\\d+) corp: (\\d+)");

  private FuzzRun() {}

  /**
   * What a run found.
   *
   * @param executions how many inputs were tried
   * @param coverage how many branches were reached
   * @param output what the driver wrote
   * @param status its exit status, 0 if there was no find
   */
  public record Report(long executions, long coverage, String output, int status) {}

  /** The resource folder of a target's inputs. */
  public static @Nullable Path inputs(Class<?> target) throws IOException {
    URL folder = target.getClassLoader().getResource("fuzz/" + target.getSimpleName());
    try {
      return folder == null ? null : Path.of(folder.toURI());
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
  }

  /** The kept inputs of a target, in the order of their names. */
  public static List<Path> kept(Class<?> target) throws IOException {
    Path folder = inputs(target);
    if (folder == null) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted(Comparator.comparing(Path::toString)).toList();
    }
  }

  /** How long this build fuzzes each target. */
  public static int seconds() {
    return Integer.getInteger(SECONDS, USUAL_SECONDS);
  }

  /** Without a compiler's 60 MB: Jazzer looks through all, and the heap is for targets. */
  private static String classPath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(element -> !element.contains("kotlin-compiler"))
        .collect(Collectors.joining(File.pathSeparator));
  }

  /**
   * Fuzzes a target.
   *
   * @param target the class
   * @param seconds how long
   * @param scratch an empty folder
   */
  public static Report fuzz(Class<?> target, int seconds, Path scratch)
      throws IOException, InterruptedException {
    // The same inputs in each ordinary build; other ones whenever somebody looks for longer.
    boolean usual = Integer.getInteger(SECONDS) == null;
    String kept = System.getProperty(CORPUS);
    Path corpus =
        kept == null
            ? Files.createDirectories(scratch.resolve("corpus"))
            : Files.createDirectories(Path.of(kept, target.getSimpleName()));
    List<String> command =
        new ArrayList<>(
            List.of(
                // It forks: what a process counts as its most memory begins with its parent's, and
                // this JVM is large. libFuzzer looks at that.
                "timeout",
                "--foreground",
                Integer.toString(seconds + 6 * HANG_SECONDS),
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-Xss1m",
                "-XX:+UseSerialGC",
                "-XX:+EnableDynamicAgentLoading",
                "--enable-native-access=ALL-UNNAMED",
                "-Djava.io.tmpdir=" + scratch,
                "-cp",
                classPath(),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + target.getName(),
                "--instrumentation_includes=io.mpilock.**",
                // Else each class that is loaded is looked through.
                "--custom_hook_includes=io.mpilock.**",
                "--reproducer_path=" + scratch,
                "-max_total_time=" + seconds,
                "-timeout=" + HANG_SECONDS,
                "-rss_limit_mb=2048",
                "-print_final_stats=1",
                "-artifact_prefix=" + scratch + File.separator,
                corpus.toString()));
    if (usual) {
      command.add("-seed=1");
    }
    Path inputs = inputs(target);
    if (inputs != null) {
      command.add(inputs.toString());
    }
    Path log = scratch.resolve("output.txt");
    Process driver =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
            .redirectOutput(log.toFile())
            .start();
    try {
      if (!driver.waitFor(seconds + 5L * HANG_SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError(target + " does not end:\n" + Files.readString(log));
      }
    } finally {
      driver.destroy(); // which it passes on
      driver.waitFor();
    }
    String output = Files.readString(log);
    return new Report(last(EXECUTIONS, output), last(COVERAGE, output), output, driver.exitValue());
  }

  /** The input of a find, as hexadecimal digits, or an empty text. */
  public static String find(Path scratch) throws IOException {
    try (Stream<Path> files = Files.list(scratch)) {
      List<Path> found =
          files
              .filter(file -> file.getFileName().toString().matches("(crash|timeout|oom)-.*"))
              .toList();
      return found.isEmpty()
          ? ""
          : found.getFirst().getFileName()
              + ": "
              + HexFormat.of().formatHex(Files.readAllBytes(found.getFirst()));
    }
  }

  private static long last(Pattern pattern, String output) {
    Matcher matcher = pattern.matcher(output);
    long value = 0;
    while (matcher.find()) {
      value = Long.parseLong(matcher.group(1));
    }
    return value;
  }
}
