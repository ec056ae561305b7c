/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
import io.mpilock.demo.Browser;
import io.mpilock.demo.flight.Airports;
import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.FlightReader;
import io.mpilock.demo.flight.FlightReader.Input;
import io.mpilock.demo.flight.FlightRow;
import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.report.FlightFigures.AirportFigures;
import io.mpilock.demo.report.Reports.RunFigures;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.report.LockReport;
import io.mpilock.transport.local.LocalCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.batch.infrastructure.item.ExecutionContext;

class ReportTest {
  @TempDir Path directory;

  private final Airports airports = new Airports();

  private static FlightRow row(String origin, int delay) {
    LocalDateTime date = LocalDateTime.of(2001, 1, 1, 0, 0);
    return new FlightRow(new Flight(date, delay, 100, origin, "LAS"), "Name of " + origin, 0);
  }

  private FlightFigures realFlights() throws IOException {
    FlightFigures figures = new FlightFigures();
    FlightReader reader =
        new FlightReader(
            0, 1, () -> new Input(Path.of("data", "flights.csv"), 20_000, new BitSet()));
    reader.open(new ExecutionContext());
    for (Flight flight = reader.read(); flight != null; flight = reader.read()) {
      FlightRow row = airports.join(flight, 0);
      assertThat(row.isOriginKnown()).isTrue();
      figures.accept(row);
    }
    return figures;
  }

  /** With the page of a real report of the locks, in whose timeline the ranks take turns. */
  private static RunFigures run(int ranks) {
    List<RankLoad> loads = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      loads.add(
          new RankLoad(
              20_000 / ranks,
              0,
              1,
              List.of(new SkippedRow("flights.csv", 7 + rank, "<b>bad</b>"))));
    }
    return new RunFigures(RankLoad.NONE, loads, 2.5, lockPage(ranks));
  }

  private static String lockPage(int ranks) {
    AtomicReference<String> page = new AtomicReference<>("");
    LocalCluster cluster = new LocalCluster(ranks);
    List<Thread> threads =
        IntStream.range(0, ranks)
            .mapToObj(rank ->
                Thread.ofPlatform()
                    .start(() -> {
                      try (WindowController controller =
                          WindowController.sync(
                              cluster.world(rank), ControllerOptions.defaults())) {
                        LockReport report = LockReport.record(controller, 1_000);
                        LockTemplate locks = LockTemplate.of(controller).on("flights.h5");
                        for (int i = 0; i < 20; i++) {
                          locks.writeWithoutResult(() -> LockSupport.parkNanos(2_000_000));
                        }
                        locks.readWithoutResult(() -> LockSupport.parkNanos(5_000_000));
                        report.page(Duration.ofSeconds(30)).ifPresent(page::set);
                      }
                    }))
            .toList();
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    return page.get();
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
    AirportFigures total = figures.total();
    assertThat(total.flights()).isEqualTo(20_000);
    assertThat(total.delay()).isEqualTo(154_078);
  }

  @Test
  void theCsvHasARowForEachAirport() throws IOException {
    Path file = directory.resolve("report.csv");
    Reports.writeCsv(
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
    new Reports(airports, 50).writeHtml(file, realFlights(), run(4));

    String page = Files.readString(file);
    assertThat(page)
        .contains("20,000 flights, 4 ranks, one file")
        .contains("1 January 2001 to 31 March 2001")
        .contains("prefers-color-scheme: dark")
        .contains("ORD Chicago O&#39;Hare International: ")
        .contains("<td>3</td>")
        .contains("flights.csv:7: &lt;b&gt;bad&lt;/b&gt;")
        .contains("default-src 'none'") // so the browser loads nothing, whatever the scripts do
        .doesNotContain("src=\"")
        .doesNotContain("{{");
    assertThat(page.lines().filter(line -> !line.contains("// https://d3js.org/")).toList())
        .noneMatch(line -> line.contains("http:") || line.contains("https:"));
    assertThat(page.split("<circle", -1)).hasSize(221);
  }

  /** The scripts run in a real browser, without a network. */
  @Test
  void theBrowserDrawsTheMapTheBarsAndTheTimeline() throws IOException, InterruptedException {
    Path file = directory.resolve("report.html");
    new Reports(airports, 50).writeHtml(file, realFlights(), run(4));

    String drawn = Browser.draw(file);

    Pattern circle = Pattern.compile("<circle [^>]*transform=\"translate\\([\\d.]+,[\\d.]+\\)\"");
    assertThat(circle.matcher(drawn).results()).hasSize(220);
    assertThat(drawn.split("class=\"land\" d=\"M", -1)).as("the states and the islands").hasSize(3);
    assertThat(Pattern.compile("<i [^>]*style=\"width: [\\d.]+%;\"").matcher(drawn).results())
        .hasSize(16);
    assertThat(drawn).contains("style=\"width: 100%;\"");
    assertThat(Pattern.compile("<iframe [^>]*style=\"height: (\\d+)px;\"").matcher(drawn).results())
        .as("the report of the locks was laid out")
        .singleElement()
        .satisfies(height -> assertThat(Integer.parseInt(height.group(1))).isGreaterThan(500));
  }

  @Test
  void aRunWithoutRowsHasAPageToo() throws IOException, InterruptedException {
    Path file = directory.resolve("empty.html");
    RunFigures none = new RunFigures(RankLoad.NONE, List.of(RankLoad.NONE), 0.1, null);

    new Reports(airports, 50).writeHtml(file, new FlightFigures(), none);

    assertThat(file).content().contains("0 flights, 1 rank, one file");
    assertThat(Browser.draw(file).replaceAll("(?s)<script.*?</script>", ""))
        .contains("class=\"land\"")
        .doesNotContain("NaN")
        .doesNotContain("undefined");
  }
}
