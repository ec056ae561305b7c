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
  private static final Path REAL = Path.of("data", "flights.csv").toAbsolutePath();
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

  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.list(output)) {
      return all.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    }
  }

  /** The rows as the input and the airports have them, without any code of the demo. */
  private static List<String> expectedRows() throws IOException {
    Map<String, String> names =
        Files.readAllLines(Path.of("data", "airports.csv")).stream()
            .skip(1)
            .collect(Collectors.toMap(line -> line.substring(0, 3), DemoUnderMpirunTest::name));
    return Files.readAllLines(REAL).stream()
        .skip(1)
        .map(line -> line.replace(',', '|') + "|" + names.get(line.split(",", -1)[3]))
        .sorted()
        .toList();
  }

  private static String name(String line) {
    return line.charAt(4) == '"'
        ? line.substring(5, line.indexOf('"', 5))
        : line.substring(4, line.indexOf(',', 4));
  }

  /** Names the first row that differs, and not all the others. */
  private void assertRows(List<String> expected) throws IOException, InterruptedException {
    List<String> found = Dump.sortedRows(flights());
    assertThat(found.size()).isEqualTo(expected.size());
    for (int i = 0; i < found.size(); i++) {
      assertThat(found.get(i)).isEqualTo(expected.get(i));
    }
  }

  private static long sum(List<String> values) {
    return values.stream().mapToLong(Long::parseLong).sum();
  }

  @ParameterizedTest
  @EnumSource
  void theResultDoesNotDependOnTheNumberOfRanks(Launcher launcher)
      throws IOException, InterruptedException {
    List<String> expected = expectedRows();
    List<String> reports = new ArrayList<>();
    for (int ranks : new int[] {1, 2, 4}) {
      Result result = DemoJob.run(directory, launcher, ranks, arguments(REAL));

      assertThat(result.status()).as(result.err()).isZero();
      assertThat(result.out()).contains("20,000 rows from " + ranks + " rank(s)");
      assertThat(result.count(" row(s) skipped")).as("only the master sums up").isEqualTo(1);
      assertThat(files()).containsExactly("flights.h5", "report.csv", "report.html");
      assertThat(sum(Dump.dataset(flights(), "delay"))).isEqualTo(154_078);
      assertThat(sum(Dump.dataset(flights(), "distance"))).isEqualTo(14_476_934);
      assertThat(Dump.dataset(flights(), "origin").stream().distinct()).hasSize(220);
      assertThat(Dump.dataset(flights(), "destination").stream().distinct()).hasSize(223);
      assertRows(expected);
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

  @Test
  void oneRankNeedsNoLauncher() throws IOException, InterruptedException {
    Result result = DemoJob.runAlone(directory, arguments(REAL, "--mpilock.transport=local"));

    assertThat(result.status()).as(result.err()).isZero();
    assertRows(expectedRows());
  }

  @Test
  void malformedRowsWithinTheLimitAreReportedAndTheOthersAreWritten()
      throws IOException, InterruptedException {
    Path input = withMalformedRows(4);

    Result result =
        DemoJob.run(directory, Launcher.OPEN_MPI, 3, arguments(input, "--demo.skip-limit=4"));

    assertThat(result.status()).as(result.err()).isZero();
    assertThat(result.out())
        .contains("4 malformed row(s) skipped")
        .contains("broken.csv:2: has 1 field(s) instead of 5")
        .contains("broken.csv:15005: has 1 field(s) instead of 5");
    assertRows(expectedRows());
  }

  @ParameterizedTest
  @EnumSource
  void aMissingInputFailsOnAllRanksWithOneMessage(Launcher launcher)
      throws IOException, InterruptedException {
    assertFails(launcher, directory.resolve("missing.csv"), "missing.csv does not exist.");
  }

  @ParameterizedTest
  @EnumSource
  void moreMalformedRowsThanAllowedFailOnAllRanksWithOneMessage(Launcher launcher)
      throws IOException, InterruptedException {
    // no rank is over the limit alone
    assertFails(
        launcher,
        withMalformedRows(12),
        "More malformed rows than the 10 that demo.skip-limit allows",
        "broken.csv:2: ");
  }

  @Test
  void anOutputThatIsNoDirectoryFailsOnAllRanksWithOneMessage()
      throws IOException, InterruptedException {
    Files.delete(output);
    Files.writeString(output, BEFORE);

    assertFailsOnAllRanks(Launcher.OPEN_MPI, arguments(REAL), "output is not a directory.");
    assertThat(output).hasContent(BEFORE);
  }

  private void assertFails(Launcher launcher, Path input, String... messages)
      throws IOException, InterruptedException {
    Files.writeString(flights(), BEFORE);

    assertFailsOnAllRanks(launcher, arguments(input), messages);
    assertThat(flights()).hasContent(BEFORE);
    assertThat(files()).containsExactly("flights.h5");
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
        DemoJob.start(directory, launcher, 3, arguments(REAL, "--demo.chunk-pause=500ms"))) {
      while (files().stream().noneMatch(name -> name.startsWith("progress."))) {
        assertThat(job.isAlive()).isTrue();
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
   * some seconds later. The ranks get it at slightly different times.
   */
  @ParameterizedTest
  @CsvSource({
    "OPEN_MPI,launcher,TERM",
    "OPEN_MPI,ranks,TERM",
    "MPICH,launcher,TERM",
    "MPICH,launcher,INT",
    "MPICH,ranks,TERM"
  })
  void aSignalStopsAllRanksAndLeavesNothingBehind(Launcher launcher, String to, String signal)
      throws IOException, InterruptedException {
    Files.writeString(flights(), BEFORE);
    Path temporary = Files.createDirectory(directory.resolve("t"));
    boolean toRanks = to.equals("ranks");
    try (DemoJob job =
        DemoJob.startForSignal(
            directory,
            temporary,
            launcher,
            toRanks,
            arguments(REAL, "--demo.chunk-size=25", "--demo.chunk-pause=150ms"))) {
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
      if (toRanks) {
        assertThat(result.count("status=143")).as(result.out()).isEqualTo(4);
      } else if (launcher == Launcher.MPICH) {
        assertThat(result.status()).isEqualTo(signal.equals("INT") ? 130 : 143);
      } else {
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
    assertThat(files()).containsExactly("flights.h5");
  }

  private static void signal(ProcessHandle process, String name)
      throws IOException, InterruptedException {
    int status =
        new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid())).start().waitFor();
    assertThat(status).isZero();
  }

  @Test
  void withoutTheLockSeveralRanksFailOrLoseRows() throws IOException, InterruptedException {
    List<String> expected = expectedRows();
    boolean spoilt = false;
    for (int attempt = 0; attempt < 5 && !spoilt; attempt++) {
      Result result =
          DemoJob.run(directory, Launcher.OPEN_MPI, 4, arguments(REAL, "--mpilock.enabled=false"));
      spoilt = result.status() != 0 || !Dump.sortedRows(flights()).equals(expected);
    }

    assertThat(spoilt).as("the job went well without the lock, five times").isTrue();
  }

  @Test
  void withTheLockTheyNeverDoHoweverSmallTheChunks() throws IOException, InterruptedException {
    List<String> expected = expectedRows();
    for (int attempt = 0; attempt < 3; attempt++) {
      Result result =
          DemoJob.run(directory, Launcher.OPEN_MPI, 4, arguments(REAL, "--demo.chunk-size=50"));

      assertThat(result.status()).as(result.err()).isZero();
      assertRows(expected);
    }
  }

  /** The real rows with malformed ones spread among them, the first of them on line 2. */
  private Path withMalformedRows(int count) throws IOException {
    List<String> lines = new ArrayList<>(Files.readAllLines(REAL));
    int distance = 20_000 / count;
    for (int i = count - 1; i >= 0; i--) {
      lines.add(1 + i * distance, "broken");
    }
    return Files.write(directory.resolve("broken.csv"), lines);
  }
}
