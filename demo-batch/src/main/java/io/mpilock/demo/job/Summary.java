package io.mpilock.demo.job;

import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.report.RankLoad;
import io.mpilock.demo.report.RunFigures;
import io.mpilock.demo.timing.RankTimes;
import io.mpilock.demo.timing.Span.Kind;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Prints how the run went. */
final class Summary {
  private static final String LINE = "  %-6s %10s %9s %11s %13s %10s %9s%n";

  private final PrintStream out;
  private final Path directory;

  Summary(PrintStream out, Path directory) {
    this.out = out;
    this.directory = directory;
  }

  void print(RunFigures run) {
    List<SkippedRow> skipped = run.skipped();
    out.printf(
        Locale.ROOT,
        "%,d rows from %d rank(s) in %.2f s, %d malformed row(s) skipped%n",
        run.rows(),
        run.loads().size(),
        run.seconds(),
        skipped.size());
    RankLoad earlier = run.earlier();
    if (run.isRestart()) {
      out.printf(
          Locale.ROOT,
          "%,d of them, and %,d of the skipped rows, were done by earlier runs%n",
          earlier.written().rows(),
          earlier.skipped().size());
    }
    for (SkippedRow row : skipped) {
      out.println("  " + row);
    }
    if (run.unknownAirports() > 0) {
      out.printf(
          Locale.ROOT,
          "%,d flight(s) left an airport that airports.csv does not know; its code stands for the name%n",
          run.unknownAirports());
    }
    out.printf(
        LINE, "rank", "rows", "skipped", "waited (s)", "longest wait", "wrote (s)", "read (s)");
    for (int rank = 0; rank < run.loads().size(); rank++) {
      RankLoad load = run.loads().get(rank);
      RankTimes times = run.times().get(rank);
      line(String.valueOf(rank), load.written().rows(), load.skipped().size(), List.of(times));
    }
    if (run.isRestart()) {
      line("before", earlier.written().rows(), earlier.skipped().size(), List.of());
    }
    line("all", run.rows(), skipped.size(), run.times());
    out.printf("flights.h5, report.csv and report.html are in %s%n", directory);
    out.flush();
  }

  private void line(String rank, long rows, int skipped, List<RankTimes> times) {
    out.printf(
        LINE,
        rank,
        String.format(Locale.ROOT, "%,d", rows),
        skipped,
        sum(times, Kind.WAITED),
        seconds(times.stream().mapToDouble(t -> t.longest(Kind.WAITED)).max().orElse(0)),
        sum(times, Kind.WROTE),
        sum(times, Kind.READ));
  }

  private static String sum(List<RankTimes> times, Kind kind) {
    return seconds(times.stream().mapToDouble(t -> t.seconds(kind)).sum());
  }

  private static String seconds(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }
}
