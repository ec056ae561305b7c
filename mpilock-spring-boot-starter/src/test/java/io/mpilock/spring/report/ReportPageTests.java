/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.mpilock.LocalRanks;
import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.interactions.WheelInput;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/**
 * The page in a real browser. With {@code -Dmpilock.picture=FILE} it also leaves a picture of it,
 * which is how {@code docs/images/report.png} was made.
 */
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ReportPageTests {
  private static final int RANKS = 6;
  private static final int TOP = 6; // as in lock-report.js
  private static final int AXIS = 30;
  private static final int LEFT = 66;
  private static final int RIGHT = 10;

  @TempDir static Path directory;

  private @Nullable ChromeDriver opened;

  @BeforeAll
  void openTheReportOfARun() throws Exception {
    LocalRanks.run(
        RANKS,
        controller -> {
          LockReport report = LockReport.record(controller, 10_000);
          work(controller);
          report.finish(directory, controller.options().shutdownTimeout());
        });
    ChromeOptions options = new ChromeOptions();
    options.setBinary(program("chromium"));
    options.addArguments(
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--user-data-dir=" + Files.createDirectory(directory.resolve("profile")));
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable(LogType.BROWSER, Level.ALL);
    options.setCapability(ChromeOptions.LOGGING_PREFS, logs);
    opened =
        new ChromeDriver(
            new ChromeDriverService.Builder()
                .usingDriverExecutable(program("chromedriver"))
                .build(),
            options);
    opened.manage().window().setSize(new Dimension(1200, 1000));
  }

  @AfterAll
  void close() {
    if (opened != null) {
      opened.quit();
    }
  }

  /** A file that all write, an index that they read, and single writes at both ends. */
  private static void work(WindowController controller) {
    Random random = new Random(controller.rank());
    ResourceLock file = controller.resource("flights.h5");
    ResourceLock index = controller.resource("index.db");
    file.singleWrite(() -> pause(random, 30));
    for (int i = 0; i < 6; i++) {
      pause(random, 90);
      try (ReadLease _ = index.read()) {
        pause(random, 20);
      }
      try (WriteLease _ = file.write()) {
        pause(random, 25);
      }
      if (i % 3 == controller.rank() % 3) {
        try (WriteLease _ = index.write()) {
          pause(random, 12);
        }
      }
    }
    file.singleWrite(() -> pause(random, 20));
    try (ReadLease _ = file.read()) {
      pause(random, 60);
    }
  }

  private static int pause(Random random, int millis) {
    LockSupport.parkNanos((long) (millis * 1e6 * (0.5 + random.nextDouble())));
    return millis;
  }

  private static File program(String name) {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1))
        .map(folder -> new File(folder, name))
        .filter(File::canExecute)
        .findFirst()
        .orElseThrow(
            () -> new AssertionError(name + " is missing (config/build/setup.sh installs it)"));
  }

  private ChromeDriver browser() {
    return Objects.requireNonNull(opened);
  }

  private ChromeDriver open() {
    browser().get(directory.resolve(ReportFiles.HTML).toUri().toString());
    return browser();
  }

  private WebElement byId(String id) {
    return browser().findElement(By.id(id));
  }

  private double middleOfWait(String event) {
    Object middle =
        browser()
            .executeScript(
                """
                const event = JSON.parse(document.getElementById('data').textContent).events[arguments[0]];
                return event[5] + event[6] / 2;
                """,
                event);
    return ((Number) Objects.requireNonNull(middle)).doubleValue();
  }

  private List<WebElement> resources() {
    return browser().findElements(By.cssSelector("#resource option"));
  }

  private double range(String end) {
    return Double.parseDouble(attribute(byId("range"), "data-" + end));
  }

  private double span() {
    return range("to") - range("from");
  }

  private static String attribute(WebElement element, String name) {
    return Objects.requireNonNull(element.getDomAttribute(name), name);
  }

  private void assertNoComplaints() {
    assertThat(browser().manage().logs().get(LogType.BROWSER).getAll()).isEmpty();
  }

  /** Points at the middle of the shown time, at a height in a rank's lane from 0 to 1. */
  private void pointAt(int rank, double height) {
    pointAt(rank, height, (range("from") + range("to")) / 2);
  }

  private void pointAt(int rank, double height, double nanos) {
    WebElement canvas = byId("lanes");
    int width = canvas.getSize().width;
    double x = LEFT + (nanos - range("from")) / span() * (width - LEFT - RIGHT);
    double lane = (canvas.getSize().height - TOP - AXIS) / (double) RANKS;
    int y = (int) (TOP + (rank + height) * lane - canvas.getSize().height / 2.0);
    new Actions(browser()).moveToElement(canvas, (int) (x - width / 2.0), y).perform();
  }

  @Test
  void itHasALaneForEachRankAndTheTables() {
    open();
    assertThat(browser().getTitle()).startsWith("mpilock: 6 ranks, ");
    assertThat(byId("lanes").getSize().height).isEqualTo(RANKS * 44 + TOP + AXIS);
    assertThat(browser().findElements(By.cssSelector("#ranks tbody tr"))).hasSize(RANKS);
    assertThat(byId("locks").getText()).contains("flights.h5", "index.db", "single write");
    assertThat(byId("pairs").getText()).contains("rank ");
    // Every lane has been drawn into: some pixel in it has a colour of its own.
    Object drawn =
        browser()
            .executeScript(
                """
                const canvas = document.getElementById('lanes');
                const ratio = canvas.width / canvas.clientWidth;
                const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                const colours = lane => {
                  const y = Math.round((6 + lane * 44 + 16) * ratio);
                  const seen = new Set();
                  for (let x = Math.ceil(70 * ratio); x < canvas.width - 20 * ratio; x++) {
                    const i = 4 * (y * canvas.width + x);
                    seen.add(data.slice(i, i + 4).join());
                  }
                  return seen.size;
                };
                return [0, 1, 2, 3, 4, 5].map(colours).every(count => count >= 3);
                """);
    assertThat(drawn).isEqualTo(true);
    assertNoComplaints();
  }

  @Test
  void theWorstWaitIsAClickAwayAndThePointerTellsItsDetails() {
    open();
    double all = span();
    WebElement row = browser().findElement(By.cssSelector("#waits tr.wait"));
    List<WebElement> cells = row.findElements(By.tagName("td"));
    String wait = cells.get(0).getText();
    int rank = Integer.parseInt(cells.get(1).getText());
    String mode = cells.get(2).getText();
    String resource = cells.get(3).getText();
    String thread = cells.get(4).getText();
    row.findElement(By.tagName("button")).click();

    assertThat(span()).isLessThan(all);
    assertThat(row.getDomAttribute("class")).contains("on");
    assertThat(byId("selected").getText())
        .contains("rank " + rank + ", " + mode + " of " + resource, wait);
    assertThat(attribute(byId("selected"), "data-event")).isEqualTo(attribute(row, "data-event"));

    pointAt(rank, 0.8);
    assertThat(byId("tip").isDisplayed()).isTrue();
    assertThat(attribute(byId("tip"), "data-event")).isEqualTo(attribute(row, "data-event"));
    assertThat(byId("tip").getText())
        .contains("rank " + rank + ", " + mode + " of " + resource)
        .contains(thread)
        .contains(wait);
    new Actions(browser()).moveToElement(byId("waits")).perform();
    assertThat(byId("tip").isDisplayed()).isFalse();
    assertNoComplaints();
  }

  @Test
  void theWheelTheButtonsAndTheKeysZoomAndMove() {
    open();
    double all = span();
    byId("in").click();
    assertThat(span()).isEqualTo(all / 2, within(1.0));
    double from = range("from");
    byId("left").click();
    assertThat(range("from")).isLessThan(from);
    byId("all").click();
    assertThat(span()).isEqualTo(all);

    byId("lanes").sendKeys("+", "+");
    assertThat(span()).isLessThan(all / 3);
    from = range("from");
    byId("lanes").sendKeys(Keys.ARROW_RIGHT);
    assertThat(range("from")).isGreaterThan(from);
    byId("lanes").sendKeys(Keys.HOME);
    assertThat(span()).isEqualTo(all);
    byId("lanes").sendKeys("n");
    assertThat(byId("selected").getText()).startsWith("rank ");

    new Actions(browser())
        .scrollFromOrigin(WheelInput.ScrollOrigin.fromElement(byId("lanes")), 0, -300)
        .perform();
    assertThat(span()).isLessThan(all);
    assertThat(byId("range").getText()).contains(" of ");
    assertNoComplaints();
  }

  @Test
  void aResourceCanBeShownAlone() {
    open();
    assertThat(resources())
        .extracting(WebElement::getText)
        .containsExactly("all", "flights.h5", "index.db");
    WebElement row =
        browser().findElement(By.xpath("//table[@id='waits']//tr[td[text()='flights.h5']]"));
    int rank = Integer.parseInt(row.findElements(By.tagName("td")).get(1).getText());
    row.findElement(By.tagName("button")).click();
    resources().get(2).click();
    pointAt(rank, 0.8);
    assertThat(byId("tip").getText()).doesNotContain("flights.h5");
    resources().get(1).click();
    pointAt(rank, 0.7);
    assertThat(byId("tip").getText()).contains("flights.h5");
    assertNoComplaints();
  }

  @Test
  void aHostileNameIsShownAsItIs() throws Exception {
    String name = "</script><script>document.title='taken'</script><b>x</b>";
    Path file = directory.resolve("hostile.html");
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      HtmlReport.write(
          Records.report(
              2,
              Records.rank(0, Records.event(name, LockUse.WRITE, 0, 0, 5_000_000)),
              Records.rank(1, Records.event(name, LockUse.WRITE, 1, 4_999_999, 1_000))),
          out);
    }
    browser().get(file.toUri().toString());
    assertThat(browser().getTitle()).startsWith("mpilock: 2 ranks");
    assertThat(byId("locks").getText()).contains(name);
    browser().findElement(By.cssSelector("#waits tr.wait button")).click();
    assertThat(byId("selected").getText()).contains(name);
    assertThat(resources().get(1).getText()).isEqualTo(name);
    assertThat(browser().findElements(By.tagName("script"))).hasSize(2);
    assertThat(browser().getTitle()).startsWith("mpilock: 2 ranks");
    assertNoComplaints();
  }

  @Test
  void aHundredThousandEventsAreDrawn() throws Exception {
    Path file = directory.resolve("large.html");
    Random random = new Random(1);
    RankRecord[] ranks = new RankRecord[RANKS];
    for (int rank = 0; rank < RANKS; rank++) {
      LockEvent[] events = new LockEvent[100_000 / RANKS];
      for (int i = 0; i < events.length; i++) {
        events[i] =
            Records.event(
                "r" + i % 5,
                i % 2 == 0 ? LockUse.READ : LockUse.WRITE,
                i * 50_000L,
                random.nextInt(30_000),
                10_000);
      }
      ranks[rank] = Records.rank(rank, events);
    }
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      HtmlReport.write(Records.report(RANKS, ranks), out);
    }
    browser().get(file.toUri().toString());
    double all = span();
    for (int i = 0; i < 10; i++) {
      byId("in").click();
    }
    assertThat(span()).isLessThan(all / 500);
    pointAt(3, 0.4);
    assertNoComplaints();
  }

  @Test
  void thePictureIsOfAPageInLightAndInDark() throws IOException {
    for (String scheme : List.of("dark", "light")) {
      browser()
          .executeCdpCommand(
              "Emulation.setEmulatedMedia",
              Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
      open();
      WebElement row = browser().findElement(By.xpath("//table[@id='waits']//tr[td[3]='write']"));
      int rank = Integer.parseInt(row.findElements(By.tagName("td")).get(1).getText());
      row.findElement(By.tagName("button")).click();
      byId("out").click();
      byId("out").click();
      browser().executeScript("window.scrollTo(0, 0)");
      pointAt(rank, 0.8, middleOfWait(attribute(row, "data-event")));
      String background = browser().findElement(By.tagName("body")).getCssValue("background-color");
      assertThat(background).contains(scheme.equals("dark") ? "20, 24, 28" : "247, 246, 243");
      byte[] picture = browser().getScreenshotAs(OutputType.BYTES);
      assertThat(picture).hasSizeGreaterThan(10_000);
      String target = System.getProperty("mpilock.picture");
      if (target != null) {
        Path file = Path.of(scheme.equals("light") ? target : target.replace(".png", "-dark.png"));
        Files.write(file, picture);
      }
    }
    assertNoComplaints();
  }
}
