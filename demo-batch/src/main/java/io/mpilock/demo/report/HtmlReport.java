package io.mpilock.demo.report;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import io.mpilock.demo.airport.Airport;
import io.mpilock.demo.airport.Airports;
import io.mpilock.demo.report.ConicProjection.Point;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
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
import java.util.Optional;

/** Writes {@code report.html}: one file that needs no other, with the pictures as inline SVG. */
public final class HtmlReport {
  private static final int LABELLED_AIRPORTS = 14;
  private static final int WORST_AIRPORTS = 16;
  private static final double LARGEST_BUBBLE = 23;
  private static final double SMALLEST_BUBBLE = 1.8;
  private static final DateTimeFormatter DAY =
      DateTimeFormatter.ofPattern("d MMMM uuuu", Locale.ENGLISH);

  private final Airports airports;
  private final int fewestFlights;

  /**
   * Makes a writer.
   *
   * @param airports where the airports are
   * @param fewestFlights how many flights an airport needs to be ranked
   */
  public HtmlReport(Airports airports, int fewestFlights) {
    this.airports = airports;
    this.fewestFlights = fewestFlights;
  }

  /** An airport on the map. */
  record Bubble(String x, String y, String r, String css, String title) {}

  /** An airport's code on the map. */
  record Code(String x, String y, String text) {}

  /** An airport in the ranking. */
  record Worst(
      String code,
      String name,
      String flights,
      String mean,
      String late,
      String width,
      String css) {}

  /**
   * Writes the report.
   *
   * @param file where; replaced if it exists
   * @param flights what the flights add up to
   * @param run how the run went
   * @throws IOException if it cannot be written
   */
  public void write(Path file, FlightFigures flights, RunFigures run) throws IOException {
    Map<String, Object> page = new HashMap<>();
    headline(page, flights, run);
    map(page, flights);
    ranking(page, flights);
    page.putAll(RunSection.of(run));
    try (BufferedWriter out = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      template().execute(page, out);
    }
  }

  private static Template template() throws IOException {
    try (InputStream in = HtmlReport.class.getResourceAsStream("report.html.mustache");
        Reader text =
            new InputStreamReader(
                Objects.requireNonNull(in, "report.html.mustache"), StandardCharsets.UTF_8)) {
      return Mustache.compiler().compile(text);
    }
  }

  private static void headline(Map<String, Object> page, FlightFigures flights, RunFigures run) {
    Optional<AirportFigures> total = flights.total();
    page.put("rows", String.format(Locale.ROOT, "%,d", run.rows()));
    page.put("ranks", run.loads().size());
    page.put("severalRanks", run.loads().size() > 1);
    page.put("seconds", String.format(Locale.ROOT, "%.1f", run.seconds()));
    page.put("airports", flights.airports().size());
    page.put("mean", total.map(all -> minutes(all.meanDelay())).orElse("–"));
    page.put("late", total.map(all -> percent(all.shareLate())).orElse("–"));
    page.put("lateMinutes", AirportFigures.LATE_MINUTES);
    page.put("period", period(flights));
  }

  private static String period(FlightFigures flights) {
    Optional<LocalDateTime> first = flights.first();
    Optional<LocalDateTime> last = flights.last();
    if (first.isEmpty() || last.isEmpty()) {
      return "no flights";
    }
    return DAY.format(first.get()) + " to " + DAY.format(last.get());
  }

  private void map(Map<String, Object> page, FlightFigures flights) {
    List<AirportFigures> largestFirst =
        flights.airports().stream()
            .sorted(Comparator.comparingLong(AirportFigures::flights).reversed())
            .toList();
    double most = largestFirst.isEmpty() ? 1 : largestFirst.getFirst().flights();
    List<Bubble> bubbles = new ArrayList<>();
    List<Code> codes = new ArrayList<>();
    for (AirportFigures figures : largestFirst) {
      Optional<Point> place = airports.find(figures.code()).flatMap(HtmlReport::place);
      if (place.isPresent()) {
        Point point = place.get();
        double radius =
            Math.max(SMALLEST_BUBBLE, LARGEST_BUBBLE * Math.sqrt(figures.flights() / most));
        bubbles.add(
            new Bubble(
                number(point.x()),
                number(point.y()),
                number(radius),
                DelayScale.of(figures.meanDelay()).css(),
                title(figures)));
        if (codes.size() < LABELLED_AIRPORTS) {
          codes.add(new Code(number(point.x()), number(point.y()), figures.code()));
        }
      }
    }
    page.put("mapWidth", UsMap.WIDTH);
    page.put("mapHeight", UsMap.HEIGHT);
    page.put("outlines", UsMap.outlines());
    page.put("bubbles", bubbles);
    page.put("codes", codes);
    page.put("scale", DelayScale.steps());
  }

  private static Optional<Point> place(Airport airport) {
    return UsMap.place(airport.longitude(), airport.latitude());
  }

  private void ranking(Map<String, Object> page, FlightFigures flights) {
    List<AirportFigures> worst =
        flights.airports().stream()
            .filter(airport -> airport.flights() >= fewestFlights && airport.delay() > 0)
            .sorted(Comparator.comparingDouble(AirportFigures::meanDelay).reversed())
            .limit(WORST_AIRPORTS)
            .toList();
    double longest = worst.isEmpty() ? 1 : worst.getFirst().meanDelay();
    page.put("fewestFlights", fewestFlights);
    page.put("anyRanked", !worst.isEmpty());
    page.put(
        "ranking",
        worst.stream()
            .map(airport ->
                new Worst(
                    airport.code(),
                    airport.name(),
                    String.format(Locale.ROOT, "%,d", airport.flights()),
                    minutes(airport.meanDelay()),
                    percent(airport.shareLate()),
                    number(100 * airport.meanDelay() / longest),
                    DelayScale.of(airport.meanDelay()).css()))
            .toList());
  }

  private static String title(AirportFigures figures) {
    return String.format(
        Locale.ROOT,
        "%s %s: %,d flights, mean delay %s min, %s late",
        figures.code(),
        figures.name(),
        figures.flights(),
        minutes(figures.meanDelay()),
        percent(figures.shareLate()));
  }

  static String minutes(double value) {
    return String.format(Locale.ROOT, "%.1f", value).replace('-', '−');
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * share);
  }

  static String number(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }
}
