/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench.jvm;

import io.mpilock.bench.Tables;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.openjdk.jmh.util.Statistics;

/**
 * Runs {@link OneJvmBenchmark} by JMH with its profiler of allocation, and prints a Markdown table.
 * Started by {@code config/bench.sh}.
 */
public final class OneJvmBench {
  private static final String BYTES = "gc.alloc.rate.norm";

  private OneJvmBench() {}

  /**
   * Measures.
   *
   * @param args {@code --quick} for less
   * @throws RunnerException if it fails
   */
  public static void main(String[] args) throws RunnerException {
    boolean quick = Arrays.asList(args).contains("--quick");
    System.setProperty("jmh.ignoreLock", "true"); // else JMH leaves a file behind
    var options =
        new OptionsBuilder()
            .include(OneJvmBenchmark.class.getName())
            .addProfiler(GCProfiler.class)
            .jvmArgs(
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow", // JMH's own
                "-XX:+UseSerialGC",
                "-Xmx256m")
            .forks(quick ? 1 : 2)
            .warmupIterations(quick ? 2 : 5)
            .warmupTime(TimeValue.milliseconds(quick ? 150 : 500))
            .measurementIterations(quick ? 3 : 5)
            .measurementTime(TimeValue.milliseconds(quick ? 100 : 500))
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT)
            .build();
    Map<String, RunResult> results = new TreeMap<>();
    for (RunResult result : new Runner(options).run()) {
      String name = result.getParams().getBenchmark();
      results.put(name.substring(name.lastIndexOf('.') + 1), result);
    }
    Tables.head(
        "One thread of one JVM, by JMH: ns for enter and exit",
        "",
        "mean",
        "least",
        "most",
        "to the bare pair",
        "to mpilock's write",
        "bytes allocated");
    double pair = results.get("compareAndSetPair").getPrimaryResult().getScore();
    double write = results.get("write").getPrimaryResult().getScore();
    results.forEach((name, result) -> {
      Statistics figures = result.getPrimaryResult().getStatistics();
      Result<?> bytes = result.getSecondaryResults().get(BYTES);
      Tables.row(
          name,
          figures.getMean(),
          figures.getMin(),
          figures.getMax(),
          figures.getMean() / pair,
          figures.getMean() / write,
          bytes == null ? "" : Long.toString(Math.round(bytes.getScore())));
    });
  }
}
