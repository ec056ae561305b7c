package io.mpilock.bench;

import io.mpilock.testing.MpiRun;
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
 * Runs the benchmark's programs under both launchers and prints what they measured as Markdown
 * tables, with ratios from the same run. Started by {@code config/bench.sh}.
 */
public final class Bench {
  private final boolean quick;

  private Bench(boolean quick) {
    this.quick = quick;
  }

  public static void main(String[] args) throws IOException {
    Bench bench = new Bench(Arrays.asList(args).contains("--quick"));
    for (MpiRun.Launcher launcher : MpiRun.Launcher.values()) {
      bench.uncontended(launcher);
    }
    bench.contended();
    bench.waiting();
    bench.hosts();
  }

  private void hosts() throws IOException {
    System.out.printf("%n### Two simulated hosts with a rank each%n%n");
    System.out.println("| | launcher | median | least | most | to MPI's round trip |");
    System.out.println("|---|---|---:|---:|---:|---:|");
    for (MpiRun.Launcher launcher : MpiRun.Launcher.values()) {
      Path file = Files.createTempFile("turns", ".words");
      try (SimulatedHosts hosts = SimulatedHosts.create(2)) {
        Map<String, List<double[]>> results =
            results(
                MpiRun.under(launcher).on(hosts, 1, 1).jvmArgs("-Xmx2g"),
                HostsBench.class,
                quick ? "5" : "21",
                quick ? "2" : "7",
                file.toString());
        double trip = results.values().iterator().next().getFirst()[0];
        results.forEach((name, rows) -> {
          double[] row = rows.getFirst();
          System.out.printf(
              Locale.ROOT,
              "| %s | %s | %.2f | %.2f | %.2f | %s |%n",
              name,
              launcher,
              row[0],
              row[1],
              row[2],
              name.endsWith("µs") ? String.format(Locale.ROOT, "%.2f", row[0] / trip) : "");
        });
      } finally {
        Files.delete(file);
      }
    }
  }

  private void uncontended(MpiRun.Launcher launcher) {
    Map<String, List<double[]>> results =
        run(launcher, 2, UncontendedBench.class, quick ? "7" : "21", quick ? "50" : "200");
    double write = results.get("write").getFirst()[0];
    System.out.printf("%n### Uncontended, 2 ranks, %s: ns for enter and exit%n%n", launcher);
    System.out.println("| | median | least | most | to mpilock's write | bytes allocated |");
    System.out.println("|---|---:|---:|---:|---:|---:|");
    results.forEach((name, rows) -> {
      double[] row = rows.getFirst();
      System.out.printf(
          Locale.ROOT,
          "| %s | %.1f | %.1f | %.1f | %.2f | %.0f |%n",
          name,
          row[0],
          row[1],
          row[2],
          row[0] / write,
          row[3]);
    });
  }

  private void contended() {
    System.out.printf("%n### All ranks at one lock, nothing inside%n%n");
    System.out.println(
        "| | ranks | launcher | operations/s: median | least | most | worst wait ms: median round |"
            + " worst round | Jain's index, least |");
    System.out.println("|---|---:|---|---:|---:|---:|---:|---:|---:|");
    for (int ranks : new int[] {2, 4, 8}) {
      for (MpiRun.Launcher launcher : MpiRun.Launcher.values()) {
        Map<String, List<double[]>> results =
            run(launcher, ranks, ContendedBench.class, quick ? "3" : "7", quick ? "500" : "1000");
        results.forEach((name, rounds) ->
            System.out.printf(
                Locale.ROOT,
                "| %s | %d | %s | %,.0f | %,.0f | %,.0f | %.1f | %.1f | %.4f |%n",
                name,
                ranks,
                launcher,
                sorted(rounds, 0)[rounds.size() / 2],
                sorted(rounds, 0)[0],
                sorted(rounds, 0)[rounds.size() - 1],
                sorted(rounds, 1)[rounds.size() / 2],
                sorted(rounds, 1)[rounds.size() - 1],
                sorted(rounds, 2)[0]));
      }
    }
  }

  private void waiting() {
    System.out.printf("%n### A rank that waits%n%n");
    System.out.println("| | launcher | figure |");
    System.out.println("|---|---|---|");
    for (MpiRun.Launcher launcher : MpiRun.Launcher.values()) {
      run(launcher, 2, WaitBench.class, quick ? "11" : "51")
          .forEach((name, rows) -> {
            double[] row = rows.getFirst();
            String figure =
                row.length == 1
                    ? String.format(Locale.ROOT, "%.2f", row[0])
                    : String.format(
                        Locale.ROOT, "median %.1f, %.1f to %.1f", row[0], row[1], row[2]);
            System.out.printf("| %s | %s | %s |%n", name, launcher, figure);
          });
    }
  }

  private static double[] sorted(List<double[]> rounds, int column) {
    return rounds.stream().mapToDouble(round -> round[column]).sorted().toArray();
  }

  private static Map<String, List<double[]>> run(
      MpiRun.Launcher launcher, int ranks, Class<?> program, String... args) {
    return results(MpiRun.under(launcher).ranks(ranks), program, args);
  }

  private static Map<String, List<double[]>> results(MpiRun run, Class<?> program, String... args) {
    return results(run.timeout(Duration.ofMinutes(10)).run(program, args).succeeded().output());
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
