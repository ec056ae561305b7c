package io.mpilock.demo.job;

import io.mpilock.demo.report.RankLoad;
import io.mpilock.demo.report.RunFigures;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;

/** Prints how the run went. */
final class Summary {
  private final PrintStream out;
  private final Path directory;

  Summary(PrintStream out, Path directory) {
    this.out = out;
    this.directory = directory;
  }

  void print(RunFigures run) {
    RankLoad total = run.total();
    out.printf(
        Locale.ROOT,
        "%,d rows from %d rank(s) in %.2f s, %d malformed row(s) skipped%n",
        total.written().rows(),
        run.loads().size(),
        run.seconds(),
        total.skipped().size());
    RankLoad earlier = run.earlier();
    if (run.isRestart()) {
      out.printf(
          Locale.ROOT,
          "%,d of them, and %,d of the skipped rows, were done by earlier runs%n",
          earlier.written().rows(),
          earlier.skipped().size());
    }
    total.skipped().forEach(row -> out.println("  " + row));
    if (total.unknownAirports() > 0) {
      out.printf(
          Locale.ROOT,
          "%,d flight(s) left an airport that airports.csv does not know; its code is used as the name%n",
          total.unknownAirports());
    }
    out.printf("  %-6s %10s %9s%n", "rank", "rows", "skipped");
    for (int rank = 0; rank < run.loads().size(); rank++) {
      line(String.valueOf(rank), run.loads().get(rank));
    }
    if (run.isRestart()) {
      line("before", earlier);
    }
    line("all", total);
    out.printf("flights.h5, report.csv and report.html are in %s%n", directory);
    out.flush();
  }

  private void line(String rank, RankLoad load) {
    out.printf(
        Locale.ROOT, "  %-6s %,10d %,9d%n", rank, load.written().rows(), load.skipped().size());
  }
}
