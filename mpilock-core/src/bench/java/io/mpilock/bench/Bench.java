/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.testing.MpiJob;
import io.mpilock.testing.MpiRun;
import io.mpilock.testing.MpiRun.Launcher;
import io.mpilock.testing.SimulatedHosts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Runs the benchmark's programs as ranks and prints what they measured as Markdown tables, with
 * ratios from the same rounds. Started by {@code config/bench.sh}.
 */
public final class Bench {
  private static final Duration BOUND = Duration.ofMinutes(15);
  private static final String FIRST_NAME = "to name a resource for the first time";

  private final boolean quick;
  private final List<Launcher> launchers;

  private Bench(boolean quick) {
    this.quick = quick;
    launchers = quick ? List.of(Launcher.OPEN_MPI) : List.of(Launcher.values());
  }

  /**
   * Runs one part.
   *
   * @param args its name, and {@code --quick} for less
   * @throws IOException if it fails
   */
  public static void main(String[] args) throws IOException {
    Bench bench = new Bench(Arrays.asList(args).contains("--quick"));
    switch (args[0]) {
      case "free" -> bench.free();
      case "mixes" -> bench.mixes();
      case "waits" -> {
        bench.handOver();
        bench.waiting();
      }
      case "threads" -> bench.threads();
      case "sharing" -> bench.sharing();
      case "resources" -> bench.resources();
      case "start" -> {
        bench.start();
        bench.sync();
      }
      case "hosts" -> bench.hosts();
      default -> throw new IllegalArgumentException("no part " + args[0]);
    }
  }

  private void free() {
    for (Launcher launcher : Launcher.values()) {
      free(job(launcher, 2), launcher.toString());
    }
    // By default Open MPI's windows of MPI_Win_allocate are osc/rdma's. With this variable it has
    // osc/sm alone to choose from, as by "--mca osc sm", and cannot make the window with any other.
    free(job(Launcher.OPEN_MPI, 2).env("OMPI_MCA_osc", "sm"), "Open MPI with osc/sm");
  }

  private void free(MpiRun run, String how) {
    Map<String, List<double[]>> results =
        results(run, UncontendedBench.class, quick ? "5" : "21", quick ? "25" : "200");
    Tables.head(
        "A free lock, 2 ranks, " + how + ": ns for enter and exit",
        "",
        "median",
        "least",
        "most",
        "to the bare pair",
        "to mpilock's write",
        "bytes allocated");
    double[] pair = behind(results.get("bare compare-and-set pair").getFirst(), 1);
    double[] write = behind(results.get("write").getFirst(), 1);
    results.forEach((name, rows) -> {
      double[] rounds = behind(rows.getFirst(), 1);
      Figures figures = Figures.of(rounds);
      Tables.row(
          name,
          figures.median(),
          figures.least(),
          figures.most(),
          Tables.ratio(rounds, pair),
          Tables.ratio(rounds, write),
          (double) Math.round(rows.getFirst()[0]));
    });
  }

  private void mixes() {
    for (Launcher launcher : launchers) {
      Map<String, List<double[]>> results =
          results(job(launcher, 8), MixBench.class, quick ? "2" : "7", quick ? "50" : "250");
      Tables.head(
          "All at one lock, " + launcher,
          "",
          "inside",
          "ranks",
          "threads of each",
          "turns/s: median",
          "least",
          "most",
          "to 1 rank",
          "50 % within µs",
          "99 %",
          "99.9 %",
          "all",
          "worst wait ms: median round",
          "worst round",
          "Jain's index, least");
      results.forEach((name, rows) -> {
        String[] what = name.split(" ", -1);
        double[] times = rows.getFirst();
        List<double[]> rounds = rows.subList(1, rows.size());
        Figures rates = Figures.of(column(rounds, 0));
        String oneRank = String.join(" ", what[0], what[1], "1", what[3]);
        List<double[]> alone = results.get(oneRank);
        Tables.row(
            mix(Integer.parseInt(what[0])),
            what[1].equals("0") ? "nothing" : "10 µs",
            what[2],
            what[3],
            rates.median(),
            rates.least(),
            rates.most(),
            Tables.ratio(column(rounds, 0), column(alone.subList(1, alone.size()), 0)),
            times[0] / 1e3,
            times[1] / 1e3,
            times[2] / 1e3,
            times[3] / 1e3,
            Figures.of(column(rounds, 1)).median(),
            Figures.of(column(rounds, 1)).most(),
            String.format(Locale.ROOT, "%.4f", Figures.of(column(rounds, 2)).least()));
      });
    }
  }

  private static String mix(int writes) {
    return writes == 100 ? "all write" : "%d/%d, reads/writes".formatted(100 - writes, writes);
  }

  private void handOver() {
    for (Launcher launcher : launchers) {
      Map<String, List<double[]>> results =
          quick
              ? results(job(launcher, 2), HandoverBench.class, "2", "100", "500")
              : results(job(launcher, 2), HandoverBench.class, "15", "300", "3000");
      Tables.head(
          "From release to grant, beside waking a sleeping thread, 2 ranks, " + launcher + ": µs",
          "held for",
          "mpilock: median",
          "99 % within",
          "all",
          "futex: median",
          "99 % within",
          "all",
          "mpilock's median to the futex's");
      results.forEach((name, rounds) -> {
        String held = name.substring(0, name.indexOf(' '));
        if (name.endsWith("lock")) {
          List<double[]> futex = results.get(held + " futex");
          double micros = Double.parseDouble(held);
          Tables.row(
              micros < 1e3
                  ? held + " µs"
                  : micros < 1e6
                      ? Math.round(micros / 1e3) + " ms"
                      : Math.round(micros / 1e6) + " s",
              Figures.of(column(rounds, 0)).median(),
              Figures.of(column(rounds, 1)).median(),
              Figures.of(column(rounds, 2)).most(),
              Figures.of(column(futex, 0)).median(),
              Figures.of(column(futex, 1)).median(),
              Figures.of(column(futex, 2)).most(),
              Tables.ratio(column(rounds, 0), column(futex, 0)));
        }
      });
    }
  }

  private void waiting() {
    for (Launcher launcher : launchers) {
      Map<String, List<double[]>> results =
          results(job(launcher, 9), WaitBench.class, quick ? "1" : "2", quick ? "500" : "5000");
      Tables.head(
          "Waiting %s s for a lock, %s: %% of a core for each rank"
              .formatted(quick ? "0.5" : "5", launcher),
          "ranks that wait",
          "mean of the ranks",
          "the most",
          "mean to that of a JVM asleep");
      List<double[]> asleep = results.get("8 sleep");
      results.forEach((name, rounds) ->
          Tables.row(
              name.replace(" write", ", for a write")
                  .replace(" read", ", for a read")
                  .replace(" sleep", ", asleep, for no lock"),
              Figures.of(column(rounds, 0)).median(),
              Figures.of(column(rounds, 1)).most(),
              Tables.ratio(column(rounds, 0), column(asleep, 0))));
    }
  }

  private void threads() {
    for (Launcher launcher : launchers) {
      Map<String, List<double[]>> results =
          results(
              job(launcher, 1), ThreadsBench.class, quick ? "3" : "7", quick ? "1000" : "10000");
      Tables.head(
          "Threads of one rank that wait, beside ReentrantReadWriteLock(true), "
              + launcher
              + ": ms",
          "threads",
          "for",
          "inside",
          "mpilock: all served",
          "longest wait",
          "the JDK's: all served",
          "longest wait",
          "all served, to the JDK's",
          "longest wait, to the JDK's");
      results.forEach((name, rounds) -> {
        String[] what = name.split(" ", -1);
        Tables.row(
            what[0] + (what[1].equals("true") ? " virtual" : " platform"),
            what[2].equals("true") ? "a read" : "the write",
            what[3].equals("true") ? "1 ms" : "nothing",
            Figures.of(column(rounds, 0)).median(),
            Figures.of(column(rounds, 1)).median(),
            Figures.of(column(rounds, 2)).median(),
            Figures.of(column(rounds, 3)).median(),
            Tables.ratio(column(rounds, 0), column(rounds, 2)),
            Tables.ratio(column(rounds, 1), column(rounds, 3)));
      });
    }
  }

  private void sharing() {
    for (Launcher launcher : launchers) {
      Map<String, List<double[]>> results =
          results(
              // As a heap is that has been used for a while: nothing is touched for the first time.
              job(launcher, 4).jvmArgs("-Xms1g", "-Xmx1g", "-XX:+AlwaysPreTouch"),
              ShareBench.class,
              quick ? "3" : "15",
              quick ? "2" : "7");
      Tables.head(
          "A single write that shares a byte[], one node, " + launcher,
          "bytes",
          "ranks",
          "µs: median",
          "least",
          "most",
          "MiB/s",
          "copying them once, µs",
          "speed to copying");
      results.forEach((name, rounds) -> {
        String[] what = name.split(" ", -1);
        long bytes = Long.parseLong(what[0]);
        Figures micros = Figures.of(column(rounds, 0));
        Tables.row(
            size(bytes),
            what[1],
            micros.median(),
            micros.least(),
            micros.most(),
            bytes / micros.median() * 1e6 / (1 << 20),
            bytes == 0 ? "" : Tables.number(Figures.of(column(rounds, 1)).median()),
            bytes == 0 ? "" : Tables.ratio(column(rounds, 1), column(rounds, 0)));
      });
      List<double[]> memory =
          results(job(launcher, 4).jvmArgs("-Xmx1g"), ShareBench.class, "memory").get("memory");
      Tables.head(
          "Sharing 256 MiB for the first time, 4 ranks, %s: MiB".formatted(launcher),
          "rank",
          "more resident memory, at most",
          "of it the object itself",
          "of it shared memory, such as the window",
          "µs");
      for (int rank = 0; memory != null && rank < memory.size(); rank++) {
        double[] row = memory.get(rank);
        Tables.row(
            rank == 0 ? "0, the writer, which had the object" : Integer.toString(rank),
            row[0] / (1 << 20),
            rank == 0 ? "0" : "256",
            row[1] / (1 << 20),
            row[2]);
      }
    }
  }

  private static String size(long bytes) {
    return bytes < 1 << 10
        ? bytes + " B"
        : bytes < 1 << 20 ? (bytes >> 10) + " KiB" : (bytes >> 20) + " MiB";
  }

  private void resources() {
    for (Launcher launcher : launchers) {
      Map<String, List<double[]>> results =
          results(job(launcher, 2), ResourcesBench.class, quick ? "5" : "15", quick ? "30" : "100");
      Tables.head(
          "One of many resources at random, 2 ranks, " + launcher + ": ns for enter and exit",
          "resources, and what is done",
          "median",
          "least",
          "most",
          "to a bare pair on as many lines",
          "to one resource");
      results.forEach((name, rounds) -> {
        if (Character.isDigit(name.charAt(0))) {
          int blank = name.indexOf(' ');
          List<double[]> pairs =
              results.get(name.substring(0, blank) + " bare compare-and-set pair");
          List<double[]> one = results.get("1" + name.substring(blank));
          Figures figures = Figures.of(column(rounds, 0));
          Tables.row(
              name,
              figures.median(),
              figures.least(),
              figures.most(),
              Tables.ratio(column(rounds, 0), column(pairs, 0)),
              Tables.ratio(column(rounds, 0), column(one, 0)));
        }
      });
      Tables.row(
          FIRST_NAME, Figures.of(column(results.get(FIRST_NAME), 0)).median(), "", "", "", "");
      Tables.head(
          "The memory of rank 0, 2 ranks, %s: bytes".formatted(launcher),
          "",
          "live heap of the rank",
          "shared memory that it has touched",
          "its proportional part of that",
          "more heap than before",
          "more shared memory");
      double[] before = null;
      for (var result : results.entrySet()) {
        if (result.getKey().startsWith(ResourcesBench.MEMORY)) {
          double[] now = result.getValue().getFirst();
          Tables.row(
              result.getKey().substring(ResourcesBench.MEMORY.length()),
              now[0],
              now[1],
              now[2],
              before == null ? "" : Tables.number(now[0] - before[0]),
              before == null ? "" : Tables.number(now[1] - before[1]));
          if (before != null && result.getKey().endsWith(ResourcesBench.USED)) {
            double number = ResourcesBench.MOST;
            Tables.row(
                "for each of these",
                "",
                "",
                "",
                (now[0] - before[0]) / number,
                (now[1] - before[1]) / number);
          }
          before = now;
        }
      }
    }
  }

  private void start() throws IOException {
    Path directory = Files.createTempDirectory("mpilock-bench");
    directory.toFile().deleteOnExit();
    try {
      Map<String, MpiRun> ways = new LinkedHashMap<>();
      ways.put("local, 1 rank", job(Launcher.OPEN_MPI, 1)); // the launcher has no part in it
      for (int ranks : quick ? new int[] {4} : new int[] {2, 4}) {
        for (Launcher launcher : Launcher.values()) {
          ways.put(launcher + ", " + ranks + " ranks", job(launcher, ranks));
        }
        ways.put(
            "mpj, " + ranks + " ranks",
            job(Launcher.OPEN_MPI, ranks).env("MPILOCK_MPJ_DIRECTORY", directory.toString()));
      }
      Map<String, List<double[]>> slowest = new LinkedHashMap<>();
      for (int round = quick ? 0 : -1; round < (quick ? 2 : 9); round++) {
        for (var way : ways.entrySet()) {
          String transport = way.getKey().split(",", -1)[0];
          String name = Character.isUpperCase(transport.charAt(0)) ? "native" : transport;
          double[] figures =
              results(way.getValue(), StartBench.class, name).values().stream()
                  .map(List::getFirst)
                  .max((one, other) -> Double.compare(one[1], other[1]))
                  .orElseThrow();
          if (round >= 0) {
            slowest.computeIfAbsent(way.getKey(), key -> new ArrayList<>()).add(figures);
          }
        }
      }
      Tables.head(
          "From the start of the JVM to a controller, the slowest rank: ms",
          "",
          "median",
          "least",
          "most",
          "of it before main()",
          "to local");
      slowest.forEach((name, rounds) -> {
        Figures figures = Figures.of(column(rounds, 1));
        Tables.row(
            name,
            figures.median(),
            figures.least(),
            figures.most(),
            Figures.of(column(rounds, 0)).median(),
            Tables.ratio(column(rounds, 1), column(slowest.get("local, 1 rank"), 1)));
      });
    } finally {
      Files.delete(directory);
    }
  }

  private void sync() {
    for (Launcher launcher : launchers) {
      Map<String, List<double[]>> results =
          results(job(launcher, 4), SyncBench.class, quick ? "5" : "21", quick ? "5" : "40");
      Tables.head(
          "sync and close of a controller, warm, %s: µs".formatted(launcher),
          "ranks",
          "median",
          "least",
          "most",
          "a duplicate and a window, µs",
          "to that");
      results.forEach((name, rounds) -> {
        Figures figures = Figures.of(column(rounds, 0));
        Tables.row(
            name,
            figures.median(),
            figures.least(),
            figures.most(),
            Figures.of(column(rounds, 1)).median(),
            Tables.ratio(column(rounds, 0), column(rounds, 1)));
      });
    }
  }

  private void hosts() throws IOException {
    for (Launcher launcher : launchers) {
      Path file = Files.createTempFile("turns", ".words");
      file.toFile().deleteOnExit();
      try (SimulatedHosts hosts = SimulatedHosts.create(2)) {
        Map<String, List<double[]>> results =
            results(
                MpiRun.under(launcher).on(hosts, 1, 1).jvmArgs("-Xmx2g"),
                HostsBench.class,
                quick ? "3" : "21",
                quick ? "2" : "7",
                quick ? "1000" : "5000",
                file.toString());
        Tables.head(
            "Two simulated hosts with a rank each, " + launcher,
            "",
            "median",
            "least",
            "most",
            "to MPI's own");
        results.forEach((name, rows) -> {
          double[] rounds = rows.getFirst();
          Figures figures = Figures.of(rounds);
          List<double[]> own = results.get(HostsBench.own(name));
          Tables.row(
              name,
              figures.median(),
              figures.least(),
              figures.most(),
              own == null ? "" : Tables.ratio(rounds, own.getFirst()));
        });
      } finally {
        Files.delete(file);
      }
    }
  }

  /** On this machine. */
  private static MpiRun job(Launcher launcher, int ranks) {
    return MpiRun.under(launcher).ranks(ranks);
  }

  private static double[] behind(double[] row, int columns) {
    return Arrays.copyOfRange(row, columns, row.length);
  }

  private static double[] column(List<double[]> rows, int column) {
    return rows.stream().mapToDouble(row -> row[column]).toArray();
  }

  /**
   * Runs ranks, which end with this JVM at the latest.
   *
   * @param run how
   * @param program their main class
   * @param args its arguments
   * @return what they printed by {@link BenchRanks#result}, by its name
   */
  public static Map<String, List<double[]>> results(MpiRun run, Class<?> program, String... args) {
    MpiJob job = run.start(program, args);
    Thread atExit = new Thread(job::close, "ends the ranks");
    Runtime.getRuntime().addShutdownHook(atExit);
    try (job) {
      return results(job.await(BOUND).succeeded().output());
    } finally {
      forget(atExit);
    }
  }

  /**
   * Takes back what was to run at the JVM's end.
   *
   * @param atExit a shutdown hook
   */
  public static void forget(Thread atExit) {
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // The JVM is ending, and the hook has nothing left to do.
    }
  }

  /**
   * Finds what ranks printed by {@link BenchRanks#result}.
   *
   * @param output all that they printed
   * @return the rows of figures of each name, in the order of the names
   */
  public static Map<String, List<double[]>> results(String output) {
    Map<String, List<double[]>> results = new LinkedHashMap<>();
    output
        .lines()
        .filter(line -> line.startsWith("RESULT|"))
        .map(line -> line.split("\\|", -1))
        .forEach(parts ->
            results
                .computeIfAbsent(parts[2], name -> new ArrayList<>())
                .add(
                    Arrays.stream(parts[3].split(" ", -1))
                        .mapToDouble(Double::parseDouble)
                        .toArray()));
    if (results.isEmpty()) {
      throw new AssertionError("no results:\n" + output);
    }
    return results;
  }
}
