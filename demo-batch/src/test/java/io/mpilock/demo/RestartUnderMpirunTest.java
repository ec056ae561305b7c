/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.demo.DemoJob.Launcher;
import io.mpilock.demo.DemoJob.Result;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The finished jar, ended half-way and started again. */
class RestartUnderMpirunTest {
  private static final Pattern DONE = Pattern.compile("([\\d,]+) of ([\\d,]+) rows are done\\.");

  @TempDir Path directory;

  private Path output;
  private Path flights;

  @BeforeEach
  void name() {
    output = directory.resolve("output");
    flights = output.resolve("flights.h5");
  }

  private String[] arguments(Path input, String... more) {
    List<String> words = new ArrayList<>();
    words.add("--demo.input=" + input);
    words.add("--demo.output=" + output);
    words.addAll(List.of(more));
    return words.toArray(String[]::new);
  }

  /** Starts a run, and ends its ranks when a part is done. */
  private Result interrupt(Launcher launcher, int ranks, Path input, String signal)
      throws IOException, InterruptedException {
    try (DemoJob job =
        DemoJob.start(
            directory,
            launcher,
            ranks,
            arguments(input, "--demo.chunk-size=100", "--demo.chunk-pause=100ms"))) {
      job.awaitOutput("Writing: ");
      for (ProcessHandle rank : job.ranks()) {
        new ProcessBuilder("kill", "-" + signal, String.valueOf(rank.pid())).start().waitFor();
      }
      return job.await();
    }
  }

  private Result run(Launcher launcher, int ranks, Path input, String... more)
      throws IOException, InterruptedException {
    return DemoJob.run(directory, launcher, ranks, arguments(input, more));
  }

  private static void assertWentOn(Result result) {
    assertThat(result.status()).as(result.out() + result.err()).isZero();
    Matcher done = DONE.matcher(result.out());
    assertThat(done.find()).as(result.out()).isTrue();
    assertThat(done.group(1)).isNotEqualTo(done.group(2));
    assertThat(result.out())
        .contains("20,000 rows from")
        .contains(" of them, and ")
        .contains("were done by earlier runs");
  }

  @ParameterizedTest
  @CsvSource({"OPEN_MPI,4,4", "OPEN_MPI,2,5", "MPICH,4,2"})
  void aKilledRunStartedAgainOnAnyNumberOfRanksEndsWithTheRowsOfAnUndisturbedOne(
      Launcher launcher, int before, int after) throws IOException, InterruptedException {
    interrupt(launcher, before, RealRows.FILE, "KILL");
    assertThat(flights).doesNotExist();

    assertWentOn(run(launcher, after, RealRows.FILE));

    RealRows.assertIn(flights, RealRows.expected());
    try (var files = Files.list(output)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .noneMatch(name -> name.endsWith(".partial"));
    }
  }

  /** Killed, then stopped, then to the end; malformed rows are skipped in all three runs. */
  @Test
  void severalRunsTogetherWriteEveryRowOnceAndReportEverySkippedOne()
      throws IOException, InterruptedException {
    Path input = RealRows.withMalformed(directory, 10);
    interrupt(Launcher.OPEN_MPI, 3, input, "KILL");
    Result stopped = interrupt(Launcher.OPEN_MPI, 4, input, "TERM");
    assertThat(stopped.count("demo-batch STOPPED: ")).as(stopped.err()).isEqualTo(1);
    assertThat(stopped.count("rows are done and kept. Start the job again to go on")).isEqualTo(1);

    Result result = run(Launcher.OPEN_MPI, 2, input);

    assertWentOn(result);
    assertThat(result.out()).contains("10 malformed row(s) skipped");
    RealRows.assertIn(flights, RealRows.expected());
    assertThat(
            Files.readAllLines(output.resolve("report.csv")).stream()
                .skip(1)
                .mapToLong(line -> Long.parseLong(line.replaceAll("\".*\"", "").split(",", -1)[2]))
                .sum())
        .isEqualTo(20_000);
    assertThat(output.resolve("report.html"))
        .content()
        .contains("earlier runs")
        .contains("<b>10</b><span>malformed rows skipped</span>")
        .contains("20,000 flights, 2 ranks, one file");
  }

  @Test
  void unfinishedWorkOnAnotherInputIsNotTouchedUnlessItIsGivenUp()
      throws IOException, InterruptedException {
    Path other = RealRows.withMalformed(directory, 4);
    interrupt(Launcher.MPICH, 2, other, "KILL");

    Result refused = run(Launcher.MPICH, 2, RealRows.FILE);
    assertThat(refused.status()).isNotZero();
    assertThat(refused.count("demo-batch failed: ")).isEqualTo(1);
    assertThat(refused.err())
        .contains("There is unfinished work in " + output + ", on another input: broken.csv")
        .contains("or with --demo.fresh=true to begin anew");
    Result fresh = run(Launcher.MPICH, 2, RealRows.FILE, "--demo.fresh=true");

    assertThat(fresh.status()).as(fresh.err()).isZero();
    assertThat(fresh.out()).contains("The work of an earlier run is given up.");
    RealRows.assertIn(flights, RealRows.expected());
  }

  /** The HDF5 file is half of what it was, and the journal ends in the middle of a chunk. */
  @Test
  void damagedFilesAreRepaired() throws IOException, InterruptedException {
    interrupt(Launcher.OPEN_MPI, 2, RealRows.FILE, "KILL");
    cut(output.resolve("flights.h5.partial"), 2);
    cut(output.resolve("journal.partial"), 3);

    Result result = run(Launcher.OPEN_MPI, 2, RealRows.FILE);

    assertWentOn(result);
    assertThat(result.out()).contains("that are no whole chunk, as after a kill");
    RealRows.assertIn(flights, RealRows.expected());
  }

  @Test
  void aJournalThatIsNoneMeansToBeginAnew() throws IOException, InterruptedException {
    Files.createDirectories(output);
    Files.writeString(output.resolve("journal.partial"), "not a journal");

    Result result = run(Launcher.OPEN_MPI, 2, RealRows.FILE);

    assertThat(result.status()).as(result.err()).isZero();
    assertThat(result.out()).contains("cannot be read, so the work begins anew");
    RealRows.assertIn(flights, RealRows.expected());
  }

  private static void cut(Path file, int divisor) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() / divisor);
    }
  }

  /** A rank of an earlier run still holds its lease, wakes up and writes. */
  @Test
  void aRankThatAnEarlierRunLeftBehindIsRefused() throws IOException, InterruptedException {
    interrupt(Launcher.OPEN_MPI, 4, RealRows.FILE, "KILL");
    Path wake = directory.resolve("wake");
    try (DemoJob stalled =
            DemoJob.start(
                directory,
                Launcher.MPICH.program(
                    2,
                    StalledRank.class,
                    output.resolve("flights.h5.partial").toString(),
                    wake.toString()));
        DemoJob job = startWhenItHolds(stalled)) {
      job.awaitOutput("Going on where");
      job.awaitOutput("Writing: ");
      Files.createFile(wake);
      Result refused = stalled.await();
      assertThat(refused.status()).as(refused.err()).isZero();
      assertThat(refused.out())
          .contains("refused: This process has lost the lock of " + flights)
          .contains("It came as rank 1, token ")
          .contains("The file was written since by rank ");

      assertWentOn(job.await());
    }
    RealRows.assertIn(flights, RealRows.expected());
  }

  private DemoJob startWhenItHolds(DemoJob stalled) throws IOException, InterruptedException {
    stalled.awaitOutput("holds the lock");
    return DemoJob.start(
        directory,
        Launcher.OPEN_MPI,
        3,
        arguments(RealRows.FILE, "--demo.chunk-size=100", "--demo.chunk-pause=100ms"));
  }

  @Test
  void aSecondRunAtTheSameTimeIsRefusedAndTheFirstIsUndisturbed()
      throws IOException, InterruptedException {
    try (DemoJob first =
        DemoJob.start(
            directory,
            Launcher.OPEN_MPI,
            2,
            arguments(RealRows.FILE, "--demo.chunk-size=100", "--demo.chunk-pause=150ms"))) {
      first.awaitOutput("Writing: ");
      Result second = run(Launcher.MPICH, 2, RealRows.FILE);
      assertThat(second.status()).isNotZero();
      assertThat(second.err()).contains("Another run of the job is at work in " + output);

      Result result = first.await();
      assertThat(result.status()).as(result.err()).isZero();
    }
    RealRows.assertIn(flights, RealRows.expected());
  }
}
