package io.mpilock.demo.report;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import de.siegmar.fastcsv.writer.CsvWriter;
import io.mpilock.demo.airport.Airports;
import io.mpilock.demo.report.FlightFigures.AirportFigures;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
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

  /** An airport, as the template takes it. */
  record AirportRow(
      String code, String name, long flights, double meanDelay, String late, String place) {}

  /** What a rank did, as the template takes it. */
  record RankRow(String rank, long rows, int skipped) {
    static RankRow of(String rank, RankLoad load) {
      return new RankRow(rank, load.written().rows(), load.skipped().size());
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
    page.put("rows", total.written().rows());
    page.put("rankCount", run.loads().size());
    page.put("severalRanks", run.loads().size() > 1);
    page.put("seconds", run.seconds());
    List<RankRow> ranks = new ArrayList<>();
    if (run.isRestart()) {
      ranks.add(RankRow.of("earlier runs", run.earlier()));
    }
    for (RankLoad load : run.loads()) {
      ranks.add(RankRow.of(String.valueOf(ranks.size() - (run.isRestart() ? 1 : 0)), load));
    }
    page.put("ranks", ranks);
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
