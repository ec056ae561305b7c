/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.demo.DemoJob.Result;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The scripts, with Spring's work ahead of time and the JDK's AOT cache. */
class FastStartUnderMpirunTest {
  private static final Duration LONGEST = Duration.ofMinutes(15);

  @TempDir Path directory;

  private static Result run(Path directory, String... command)
      throws IOException, InterruptedException {
    try (DemoJob job = DemoJob.start(directory, List.of(command))) {
      return job.await(LONGEST);
    }
  }

  /** Builds, and makes two caches. */
  @BeforeAll
  static void make(@TempDir Path directory) throws IOException, InterruptedException {
    Result made = run(directory, "./aot.sh");
    assertThat(made.status()).as(made.out() + made.err()).isZero();
  }

  @Test
  void ranksThatStartAheadOfTimeTakeTheCacheAndWriteTheSameRows()
      throws IOException, InterruptedException {
    Path output = directory.resolve("output");

    // With this Java ends if it cannot take the cache that it is given.
    Result result =
        run(
            directory,
            "env",
            "JDK_JAVA_OPTIONS=-XX:AOTMode=on",
            "./run.sh",
            "--aot",
            "--ranks=2",
            "--output=" + output);

    assertThat(result.status()).as(result.out() + result.err()).isZero();
    assertThat(result.out()).contains("20,000 rows from 2 rank(s)");
    RealRows.assertIn(output.resolve("flights.h5"), RealRows.expected());
  }

  /** MPICH's mpiexec may end with 0 then. */
  @ParameterizedTest
  @ValueSource(strings = {"openmpi", "mpich"})
  void aSignalToTheScriptStopsTheRanksAndIsItsStatus(String mpi)
      throws IOException, InterruptedException {
    List<String> command =
        List.of(
            "./run.sh",
            "--aot",
            "--mpi=" + mpi,
            "--ranks=2",
            "--output=" + directory.resolve("output"),
            "--demo.chunk-size=25",
            "--demo.chunk-pause=150ms");
    try (DemoJob job = DemoJob.start(directory, command)) {
      job.awaitOutput("Writing: ");
      assertThat(job.launcher().destroy()).isTrue();

      Result result = job.await();
      assertThat(result.status()).as(result.out() + result.err()).isEqualTo(143);
      assertThat(result.err()).contains("demo-batch STOPPED: ");
    }
  }

  @Test
  void theMeasurementHasARowForEachWayToStart() throws IOException, InterruptedException {
    Result result =
        run(
            directory,
            "env",
            "TMPDIR=" + directory,
            "../config/measure/faststart.sh",
            "--rounds",
            "1",
            "--ranks",
            "1");

    assertThat(result.status()).as(result.out() + result.err()).isZero();
    List<String> rows =
        result
            .out()
            .lines()
            .filter(line -> line.matches("\\| .* \\|( \\d+\\.\\d\\d \\|){4}"))
            .toList();
    assertThat(rows)
        .extracting(row -> row.split(" \\| ", 2)[0])
        .containsExactly("| plain", "| Spring ahead of time", "| AOT cache", "| both");
    assertThat(rows.getFirst()).endsWith(" 1.00 |");
    assertThat(directory)
        .isDirectoryNotContaining(file -> file.getFileName().toString().startsWith("mpilock-"));
  }
}
