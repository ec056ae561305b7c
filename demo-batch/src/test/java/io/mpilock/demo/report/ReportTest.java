package io.mpilock.demo.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.demo.airport.AirportJoin;
import io.mpilock.demo.airport.Airports;
import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.FlightReader;
import io.mpilock.demo.flight.RowRanges;
import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.store.FileDigest;
import io.mpilock.demo.store.FlightRow;
import io.mpilock.demo.timing.RankTimes;
import io.mpilock.demo.timing.Span;
import io.mpilock.demo.timing.Span.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.batch.infrastructure.item.ExecutionContext;

class ReportTest {
  @TempDir Path directory;

  private final Airports airports = Airports.bundled();

  private static FlightRow row(String origin, int delay) {
    LocalDateTime date = LocalDateTime.of(2001, 1, 1, 0, 0);
    return new FlightRow(new Flight(date, delay, 100, origin, "LAS"), "Name of " + origin, 0);
  }

  private FlightFigures realFlights() throws IOException {
    FlightFigures figures = new FlightFigures();
    AirportJoin join = new AirportJoin(airports, 0);
    FlightReader reader =
        new FlightReader(() -> Path.of("data", "flights.csv"), 0, 1, () -> 20_000, RowRanges::new);
    reader.open(new ExecutionContext());
    for (Flight flight = reader.read(); flight != null; flight = reader.read()) {
      FlightRow row = join.process(flight);
      assertThat(row.isOriginKnown()).isTrue();
      figures.accept(row);
    }
    return figures;
  }

  private static RunFigures run(int ranks) {
    List<RankLoad> loads = new ArrayList<>();
    List<RankTimes> times = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      FileDigest written = new FileDigest(20_000 / ranks, 0, 0, 0);
      loads.add(
          new RankLoad(
              rank, written, List.of(new SkippedRow("flights.csv", 7 + rank, "<b>bad</b>")), 1));
      times.add(new RankTimes(rank, spans(rank, ranks)));
    }
    return new RunFigures(RankLoad.none(-1), loads, times, 2.5);
  }

  private static List<Span> spans(int rank, int ranks) {
    List<Span> spans = new ArrayList<>();
    IntStream.range(0, 80 / ranks)
        .forEach(i -> {
          long turn = (i * ranks + rank) * 9_000L;
          spans.add(new Span(Kind.WAITED, Math.max(0, turn - 15_000), turn));
          spans.add(new Span(Kind.WROTE, turn, turn + 8_500));
        });
    spans.add(new Span(Kind.READ, 740_000, 790_000 + rank * 3_000L));
    return spans;
  }

  @Test
  void lateIsMoreThanFifteenMinutes() {
    FlightFigures figures = new FlightFigures();
    List.of(row("DTW", 15), row("DTW", 16), row("DTW", -4), row("ABE", 30)).forEach(figures);

    assertThat(figures.airports())
        .containsExactly(
            new AirportFigures("ABE", "Name of ABE", 1, 30, 1),
            new AirportFigures("DTW", "Name of DTW", 3, 27, 1));
    assertThat(figures.airports().getLast().meanDelay()).isEqualTo(9.0);
  }

  @Test
  void theRealFlightsAddUp() throws IOException {
    FlightFigures figures = realFlights();

    assertThat(figures.airports()).hasSize(220);
    AirportFigures total = figures.total().orElseThrow();
    assertThat(total.flights()).isEqualTo(20_000);
    assertThat(total.delay()).isEqualTo(154_078);
  }

  @Test
  void theCsvHasARowForEachAirport() throws IOException {
    Path file = directory.resolve("report.csv");
    CsvReport.write(
        file,
        List.of(
            new AirportFigures("BTR", "Baton Rouge Metropolitan, Ryan", 3, -4, 1),
            new AirportFigures("XYZ", "XYZ", 1, 16, 1)));

    assertThat(file)
        .content()
        .isEqualToNormalizingNewlines(
            """
            code,name,flights,mean_delay,share_late
            BTR,"Baton Rouge Metropolitan, Ryan",3,-1.33,0.3333
            XYZ,XYZ,1,16.00,1.0000
            """);
  }

  @Test
  void thePageNeedsNoOtherFileAndShowsEveryAirportAndRank() throws IOException {
    Path file = Path.of("target", "report-sample.html");
    new HtmlReport(airports, 50).write(file, realFlights(), run(4));

    assertThat(Files.readString(file))
        .contains("20,000 flights, 4 ranks, one file")
        .contains("1 January 2001 to 31 March 2001")
        .contains("prefers-color-scheme: dark")
        .contains("ORD Chicago O&#39;Hare International: ")
        .contains(">rank 3<")
        .contains("flights.csv:7: &lt;b&gt;bad&lt;/b&gt;")
        .doesNotContain("http")
        .doesNotContain("src=")
        .doesNotContain("{{");
    assertThat(Files.readString(file).split("<circle", -1)).hasSize(221);
  }

  @Test
  void aRunWithoutRowsHasAPageToo() throws IOException {
    Path file = directory.resolve("empty.html");
    RunFigures none =
        new RunFigures(
            RankLoad.none(-1),
            List.of(RankLoad.none(0)),
            List.of(new RankTimes(0, List.of())),
            0.1);

    new HtmlReport(airports, 50).write(file, new FlightFigures(), none);

    assertThat(file).content().contains("0 flights, 1 rank, one file").doesNotContain("NaN");
  }

  @Test
  void aTimelineOfManyChunksMergesWhatTouches() {
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      spans.add(new Span(Kind.WROTE, i * 100L, i * 100L + 99));
    }

    assertThat(new Timeline(List.of(new RankTimes(0, spans))).bars()).hasSize(1);
  }
}
