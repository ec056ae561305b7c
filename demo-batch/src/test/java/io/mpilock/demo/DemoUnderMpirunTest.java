/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.demo.DemoJob.Launcher;
import io.mpilock.demo.DemoJob.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The finished jar under the real launchers. */
class DemoUnderMpirunTest {
  private static final String BEFORE = "what an earlier run left";

  @TempDir Path directory;

  private Path output;

  @BeforeEach
  void makeOutput() throws IOException {
    output = Files.createDirectory(directory.resolve("output"));
  }

  private String[] arguments(Path input, String... more) {
    List<String> words = new ArrayList<>();
    words.add("--demo.input=" + input);
    words.add("--demo.output=" + output);
    words.addAll(List.of(more));
    return words.toArray(String[]::new);
  }

  private Path flights() {
    return output.resolve("flights.h5");
  }

  /**
   * What is in the output directory, without the repository of Spring Batch and the lock report.
   */
  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.list(output)) {
      return all.map(file -> String.valueOf(file.getFileName()))
          .filter(name -> !name.startsWith(".") && !name.startsWith("mpilock-report."))
          .sorted()
          .toList();
    }
  }

  private static long sum(List<String> values) {
    return values.stream().mapToLong(Long::parseLong).sum();
  }

  @ParameterizedTest
  @EnumSource
  void theResultDoesNotDependOnTheNumberOfRanks(Launcher launcher)
      throws IOException, InterruptedException {
    List<String> expected = RealRows.expected();
    List<String> reports = new ArrayList<>();
    for (int ranks : new int[] {1, 2, 4}) {
      Result result = DemoJob.run(directory, launcher, ranks, arguments(RealRows.FILE));

      assertThat(result.status()).as(result.err()).isZero();
      assertThat(result.out()).contains("20,000 rows from " + ranks + " rank(s)");
      assertThat(result.count(" row(s) skipped")).as("only the master sums up").isEqualTo(1);
      assertThat(files()).containsExactly("flights.h5", "report.csv", "report.html");
      assertThat(sum(Dump.dataset(flights(), "delay"))).isEqualTo(154_078);
      assertThat(sum(Dump.dataset(flights(), "distance"))).isEqualTo(14_476_934);
      assertThat(Dump.dataset(flights(), "origin").stream().distinct()).hasSize(220);
      assertThat(Dump.dataset(flights(), "destination").stream().distinct()).hasSize(223);
      RealRows.assertIn(flights(), expected);
      Map<String, Long> rowsOfRank =
          Dump.dataset(flights(), "rank").stream()
              .collect(Collectors.groupingBy(rank -> rank, TreeMap::new, Collectors.counting()));
      assertThat(rowsOfRank).hasSize(ranks);
      assertThat(rowsOfRank.values()).containsOnly(20_000L / ranks);
      reports.add(Files.readString(output.resolve("report.csv")));
    }
    assertThat(reports.getFirst().lines()).hasSize(221);
    assertThat(reports).containsOnly(reports.getFirst());
  }

  /** The launchers only start the ranks there. */
  @ParameterizedTest
  @EnumSource
  void theResultIsTheSameOverMpjExpress(Launcher launcher)
      throws IOException, InterruptedException {
    Result result =
        DemoJob.run(directory, launcher, 4, arguments(RealRows.FILE, "--mpilock.transport=mpj"));

    assertThat(result.status()).as(result.err()).isZero();
    assertThat(result.out()).contains("20,000 rows from 4 rank(s)");
    RealRows.assertIn(flights(), RealRows.expected());
  }

  @Test
  void oneRankNeedsNoLauncher() throws IOException, InterruptedException {
    Result result =
        DemoJob.runAlone(directory, arguments(RealRows.FILE, "--mpilock.transport=local"));

    assertThat(result.status()).as(result.err()).isZero();
    RealRows.assertIn(flights(), RealRows.expected());
  }

  @Test
  void malformedRowsWithinTheLimitAreReportedAndTheOthersAreWritten()
      throws IOException, InterruptedException {
    Path input = RealRows.withMalformed(directory, 4);

    Result result =
        DemoJob.run(directory, Launcher.OPEN_MPI, 3, arguments(input, "--demo.skip-limit=4"));

    assertThat(result.status()).as(result.err()).isZero();
    assertThat(result.out())
        .contains("4 malformed row(s) skipped")
        .contains("broken.csv:2: has 1 field(s) instead of 5")
        .contains("broken.csv:15005: has 1 field(s) instead of 5");
    RealRows.assertIn(flights(), RealRows.expected());
  }

  @ParameterizedTest
  @EnumSource
  void aMissingInputFailsOnAllRanksWithOneMessage(Launcher launcher)
      throws IOException, InterruptedException {
    assertFails(launcher, directory.resolve("missing.csv"), "missing.csv does not exist.");
    assertThat(files()).containsExactly("flights.h5");
  }

  @ParameterizedTest
  @EnumSource
  void moreMalformedRowsThanAllowedFailOnAllRanksWithOneMessage(Launcher launcher)
      throws IOException, InterruptedException {
    // no rank is over the limit alone
    assertFails(
        launcher,
        RealRows.withMalformed(directory, 12),
        "More malformed rows than the 10 that demo.skip-limit allows",
        "broken.csv:2: ",
        "rows are done and kept. Start the job again to go on");
    assertThat(files()).containsExactly("flights.h5", "flights.h5.partial", "journal.partial");
  }

  @Test
  void anOutputThatIsNoDirectoryFailsOnAllRanksWithOneMessage()
      throws IOException, InterruptedException {
    Files.delete(output);
    Files.writeString(output, BEFORE);

    assertFailsOnAllRanks(
        Launcher.OPEN_MPI, arguments(RealRows.FILE), "output is not a directory.");
    assertThat(output).hasContent(BEFORE);
  }

  private void assertFails(Launcher launcher, Path input, String... messages)
      throws IOException, InterruptedException {
    Files.writeString(flights(), BEFORE);

    assertFailsOnAllRanks(launcher, arguments(input), messages);
    assertThat(flights()).hasContent(BEFORE);
  }

  private void assertFailsOnAllRanks(Launcher launcher, String[] arguments, String... messages)
      throws IOException, InterruptedException {
    Result result = DemoJob.run(directory, launcher, 3, arguments);
    assertThat(result.status()).isNotZero();
    assertThat(result.count("demo-batch failed")).as(result.err()).isEqualTo(1);
    assertThat(result.err()).contains(messages).doesNotContain("\tat ");

    Result ofEach = DemoJob.runWithStatuses(directory, launcher, 3, arguments);
    assertThat(ofEach.count("status=1")).as(ofEach.out() + ofEach.err()).isEqualTo(3);
  }

  @ParameterizedTest
  @EnumSource
  void aKilledRankEndsTheJobAndLeavesTheEarlierResult(Launcher launcher)
      throws IOException, InterruptedException {
    Files.writeString(flights(), BEFORE);
    try (DemoJob job =
        DemoJob.start(
            directory, launcher, 3, arguments(RealRows.FILE, "--demo.chunk-pause=500ms"))) {
      while (files().stream().noneMatch(name -> name.startsWith("progress."))) {
        job.checkRuns();
        Thread.sleep(20);
      }
      List<ProcessHandle> ranks = job.ranks();
      assertThat(ranks).hasSize(3);
      ranks.getLast().destroyForcibly();

      Result result = job.await();
      assertThat(result.status()).isNotZero();
      assertThat(result.count("demo-batch failed")).as(result.err()).isLessThanOrEqualTo(1);
      assertThat(result.err()).doesNotContain("\tat ");
    }
    assertThat(flights()).hasContent(BEFORE);
  }

  /**
   * The launchers pass a signal on to all ranks, MPICH's as it is, Open MPI's always as SIGTERM and
   * some seconds later. The ranks get it at slightly different times. The status of MPICH's
   * launcher itself may be 0 then, though each rank ended with another: in 4.0, the proxy of a host
   * takes 0 for each rank that it waits for after it passed a signal on and all ranks closed their
   * output ({@code forced_cleanup} in its pmip.c). So each rank tells its own.
   */
  @ParameterizedTest
  @CsvSource({
    "OPEN_MPI,launcher,TERM",
    "OPEN_MPI,ranks,TERM",
    "MPICH,launcher,TERM",
    "MPICH,launcher,INT",
    "MPICH,ranks,TERM"
  })
  void aSignalStopsAllRanksAndKeepsWhatIsDone(Launcher launcher, String to, String signal)
      throws IOException, InterruptedException {
    Files.writeString(flights(), BEFORE);
    Path temporary = Files.createDirectory(directory.resolve("t"));
    boolean toRanks = to.equals("ranks");
    boolean statuses = toRanks || launcher == Launcher.MPICH;
    int status = 128 + (signal.equals("INT") ? 2 : 15);
    try (DemoJob job =
        DemoJob.startForSignal(
            directory,
            temporary,
            launcher,
            statuses,
            !toRanks,
            arguments(RealRows.FILE, "--demo.chunk-size=25", "--demo.chunk-pause=150ms"))) {
      job.awaitOutput("Writing: ");
      List<ProcessHandle> ranks = job.ranks();
      assertThat(ranks).hasSize(4);
      Set<Path> shared = job.sharedMemory();
      for (ProcessHandle process : toRanks ? ranks : List.of(job.launcher())) {
        signal(process, signal);
      }

      Result result = job.await();

      assertThat(result.count("demo-batch STOPPED: ")).as(result.out() + result.err()).isEqualTo(1);
      assertThat(result.err()).doesNotContain("\tat ").doesNotContain("rank ");
      if (statuses) {
        assertThat(result.count("status=" + status)).as(result.out()).isEqualTo(4);
      }
      if (launcher == Launcher.MPICH) {
        assertThat(result.status()).isIn(status, 0);
      } else if (!toRanks) { // else mpirun is told not to mind
        assertThat(result.status()).isNotZero(); // mpirun's own
      }
      for (ProcessHandle rank : ranks) {
        rank.onExit().orTimeout(60, TimeUnit.SECONDS).join(); // mpirun need not wait for them
      }
      assertThat(shared).allSatisfy(file -> assertThat(file).doesNotExist());
    }
    try (Stream<Path> left = Files.walk(temporary)) {
      assertThat(left.filter(Files::isRegularFile)).isEmpty();
    }
    assertThat(flights()).hasContent(BEFORE);
    assertThat(files()).containsExactly("flights.h5", "flights.h5.partial", "journal.partial");
  }

  private static void signal(ProcessHandle process, String name)
      throws IOException, InterruptedException {
    int status =
        new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid())).start().waitFor();
    assertThat(status).isZero();
  }

  @Test
  void withoutTheLockSeveralRanksFailOrLoseRows() throws IOException, InterruptedException {
    List<String> expected = RealRows.expected();
    boolean spoilt = false;
    for (int attempt = 0; attempt < 5 && !spoilt; attempt++) {
      Result result =
          DemoJob.run(
              directory, Launcher.OPEN_MPI, 4, arguments(RealRows.FILE, "--mpilock.enabled=false"));
      spoilt = result.status() != 0 || !Dump.sortedRows(flights()).equals(expected);
    }

    assertThat(spoilt).as("the job went well without the lock, five times").isTrue();
  }

  @Test
  void withTheLockTheyNeverDoHoweverSmallTheChunks() throws IOException, InterruptedException {
    List<String> expected = RealRows.expected();
    for (int attempt = 0; attempt < 3; attempt++) {
      Result result =
          DemoJob.run(
              directory, Launcher.OPEN_MPI, 4, arguments(RealRows.FILE, "--demo.chunk-size=50"));

      assertThat(result.status()).as(result.err()).isZero();
      RealRows.assertIn(flights(), expected);
    }
  }
}
