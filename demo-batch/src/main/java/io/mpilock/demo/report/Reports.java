/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.report;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import de.siegmar.fastcsv.writer.CsvWriter;
import io.mpilock.demo.flight.Airports;
import io.mpilock.demo.report.FlightFigures.AirportFigures;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;

/**
 * Writes {@code report.csv}, with a row for each airport, and {@code report.html}, a page that
 * needs no other file: its scripts, of which d3-geo draws the map, are inside it.
 */
public final class Reports {
  private static final int LABELLED_AIRPORTS = 14;
  private static final int WORST_AIRPORTS = 16;
  private static final int SKIPPED_SHOWN = 50;
  private static final DateTimeFormatter DAY =
      DateTimeFormatter.ofPattern("d MMMM uuuu", Locale.ENGLISH);

  private final Airports airports;
  private final int fewestFlights;

  /**
   * Creates a writer.
   *
   * @param airports where the airports are
   * @param fewestFlights how many flights an airport needs to be ranked
   */
  public Reports(Airports airports, int fewestFlights) {
    this.airports = airports;
    this.fewestFlights = fewestFlights;
  }

  /**
   * Writes {@code report.csv}.
   *
   * @param file where; replaced if it exists
   * @param figures the figures of each airport
   * @throws IOException if it cannot be written
   */
  public static void writeCsv(Path file, List<AirportFigures> figures) throws IOException {
    try (CsvWriter csv = CsvWriter.builder().build(file)) {
      csv.writeRecord("code", "name", "flights", "mean_delay", "share_late");
      for (AirportFigures airport : figures) {
        csv.writeRecord(
            airport.code(),
            airport.name(),
            String.valueOf(airport.flights()),
            String.format(Locale.ROOT, "%.2f", airport.meanDelay()),
            String.format(Locale.ROOT, "%.4f", airport.shareLate()));
      }
    }
  }

  /**
   * How the run went, over all ranks.
   *
   * @param earlier what earlier runs of the same work did, all ranks together
   * @param loads what each rank did with its slice, by rank
   * @param seconds from the start of the job to the report
   * @param locks mpilock's report of the locks so far, as an HTML page; null without locks
   */
  public record RunFigures(
      RankLoad earlier, List<RankLoad> loads, double seconds, @Nullable String locks) {
    private RankLoad total() {
      return loads.stream().reduce(earlier, RankLoad::plus);
    }

    private boolean isRestart() {
      return earlier.rows() > 0;
    }
  }

  /** An airport, as the template takes it. */
  record AirportRow(
      String code, String name, long flights, double meanDelay, String late, String place) {}

  /** What a rank did, as the template takes it. */
  record RankRow(String rank, long rows, int skipped) {
    static RankRow of(String rank, RankLoad load) {
      return new RankRow(rank, load.written(), load.skipped().size());
    }
  }

  /**
   * Writes {@code report.html}.
   *
   * @param file where; replaced if it exists
   * @param flights what the flights add up to
   * @param run how the run went
   * @throws IOException if it cannot be written
   */
  public void writeHtml(Path file, FlightFigures flights, RunFigures run) throws IOException {
    Map<String, Object> page = new HashMap<>();
    describeFlights(page, flights);
    describeRun(page, run);
    page.put("d3Array", library("d3-array"));
    page.put("d3Geo", library("d3-geo"));
    page.put("states", resource("us-states.geojson"));
    page.put("script", resource("report.js"));
    Template template =
        Mustache.compiler()
            .withFormatter(Reports::format)
            .compile(resource("report.html.mustache"));
    try (BufferedWriter out = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      template.execute(page, out);
    }
  }

  /**
   * Prints how the run went.
   *
   * @param out where
   * @param run how it went
   * @param directory where the results are
   */
  public static void print(PrintStream out, RunFigures run, Path directory) {
    RankLoad total = run.total();
    RankLoad earlier = run.earlier();
    out.printf(
        Locale.ROOT,
        "%,d rows from %d rank(s) in %.2f s, %d malformed row(s) skipped%n",
        total.written(),
        run.loads().size(),
        run.seconds(),
        total.skipped().size());
    if (run.isRestart()) {
      out.printf(
          Locale.ROOT,
          "%,d of them, and %,d of the skipped rows, were done by earlier runs%n",
          earlier.written(),
          earlier.skipped().size());
    }
    total.skipped().forEach(row -> out.println("  " + row));
    if (total.unknownAirports() > 0) {
      out.printf(
          Locale.ROOT,
          "%,d flight(s) left an airport that airports.csv does not know; its code is used as the name%n",
          total.unknownAirports());
    }
    out.printf("  %-12s %10s %9s%n", "rank", "rows", "skipped");
    for (RankRow row : rankRows(run)) {
      out.printf(Locale.ROOT, "  %-12s %,10d %,9d%n", row.rank(), row.rows(), row.skipped());
    }
    out.printf("flights.h5, report.csv and report.html are in %s%n", directory);
    out.flush();
  }

  private static List<RankRow> rankRows(RunFigures run) {
    List<RankRow> rows = new ArrayList<>();
    for (int rank = 0; rank < run.loads().size(); rank++) {
      rows.add(RankRow.of(String.valueOf(rank), run.loads().get(rank)));
    }
    if (run.isRestart()) {
      rows.add(RankRow.of("earlier runs", run.earlier()));
    }
    return rows;
  }

  private void describeFlights(Map<String, Object> page, FlightFigures flights) {
    AirportFigures total = flights.total();
    LocalDateTime first = flights.first();
    LocalDateTime last = flights.last();
    boolean any = first != null && last != null;
    page.put("period", any ? DAY.format(first) + " to " + DAY.format(last) : "no flights");
    page.put("mean", any ? total.meanDelay() : "–");
    page.put("late", any ? percent(total.shareLate()) : "–");
    List<AirportRow> largestFirst =
        flights.airports().stream()
            .sorted(Comparator.comparingLong(AirportFigures::flights).reversed())
            .map(this::row)
            .toList();
    page.put("airportCount", largestFirst.size());
    page.put("airports", largestFirst);
    page.put("labelled", largestFirst.stream().limit(LABELLED_AIRPORTS).toList());
    List<AirportRow> worst =
        largestFirst.stream()
            .filter(airport -> airport.flights() >= fewestFlights && airport.meanDelay() > 0)
            .sorted(Comparator.comparingDouble(AirportRow::meanDelay).reversed())
            .limit(WORST_AIRPORTS)
            .toList();
    page.put("fewestFlights", fewestFlights);
    page.put("ranking", worst);
    page.put("anyRanked", !worst.isEmpty());
  }

  private AirportRow row(AirportFigures figures) {
    String place =
        airports
            .find(figures.code())
            .map(airport -> airport.longitude() + " " + airport.latitude())
            .orElse("");
    return new AirportRow(
        figures.code(),
        figures.name(),
        figures.flights(),
        figures.meanDelay(),
        percent(figures.shareLate()),
        place);
  }

  private static void describeRun(Map<String, Object> page, RunFigures run) {
    RankLoad total = run.total();
    page.put("rows", total.written());
    page.put("rankCount", run.loads().size());
    page.put("severalRanks", run.loads().size() > 1);
    page.put("seconds", run.seconds());
    page.put("ranks", rankRows(run));
    page.put("locks", run.locks() == null ? List.of() : List.of(run.locks()));
    page.put("skipped", total.skipped().stream().limit(SKIPPED_SHOWN).toList());
    page.put("skippedCount", total.skipped().size());
    page.put("anySkipped", !total.skipped().isEmpty());
    page.put("unknownAirports", total.unknownAirports());
    page.put("anyUnknown", total.unknownAirports() > 0);
  }

  private static String format(Object value) {
    return switch (value) {
      case Double number -> String.format(Locale.ROOT, "%.1f", number);
      case Integer number -> String.format(Locale.ROOT, "%,d", number);
      case Long number -> String.format(Locale.ROOT, "%,d", number);
      default -> value.toString();
    };
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * share);
  }

  /** The script of a library, whichever version the POM names. */
  private static String library(String name) throws IOException {
    String script = "classpath*:META-INF/resources/webjars/%1$s/*/dist/%1$s.min.js".formatted(name);
    return new PathMatchingResourcePatternResolver()
        .getResources(script)[0].getContentAsString(StandardCharsets.UTF_8);
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = Reports.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
