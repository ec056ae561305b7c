/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import com.samskivert.mustache.Mustache;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The report as one page that needs no other: a timeline with a lane for each rank, the table, who
 * waited for whom, and the worst waits. Names of resources and threads are text: the template
 * escapes them, the JSON in the page holds no {@code <}, and the page's content security policy
 * allows no script but ours.
 */
final class HtmlReport {

  /** More would make a page that browsers are slow to open; the JSON file has all. */
  static final int MOST_EVENTS = 200_000;

  private static final int WORST_WAITS = 25;
  private static final int WORST_PAIRS = 12;

  private HtmlReport() {}

  /** A row of the table. */
  record LockRow(
      String resource,
      String mode,
      String css,
      String granted,
      String waitP50,
      String waitP99,
      String waitMax,
      String holdP50,
      String holdMax,
      String contended,
      String gaveUp,
      String failed) {}

  /** A rank's row. */
  record RankRow(
      int rank,
      String host,
      String granted,
      String waited,
      String held,
      String waitWidth,
      String holdWidth) {}

  /** A long wait. */
  record WaitRow(
      int index,
      int rank,
      String resource,
      String mode,
      String css,
      String thread,
      String at,
      String waited,
      String outcome) {}

  /** Two ranks. */
  record PairRow(String waiter, String holder, String resource, String time, String times) {}

  static void write(JobReport report, Writer out) throws IOException {
    String script = resource("lock-report.js");
    List<RankEvent> events = report.longestEvents(MOST_EVENTS);
    List<RankEvent> worst = report.worstWaits(WORST_WAITS);
    Map<String, Object> page = new HashMap<>();
    page.put("script", script);
    page.put("scriptHash", hash(script));
    page.put("data", JsonReport.forHtml(report, events));
    headline(page, report, worst);
    page.put("locks", report.modes().stream().map(HtmlReport::lock).toList());
    page.put("anyLocks", !report.modes().isEmpty());
    page.put("ranks", ranks(report));
    page.put("missing", Units.missing(report.missing()));
    page.put("waits", waits(report, events, worst));
    page.put("anyWaits", !worst.isEmpty());
    page.put("pairs", report.pairs().stream().limit(WORST_PAIRS).map(HtmlReport::pair).toList());
    page.put("anyPairs", !report.pairs().isEmpty());
    Mustache.compiler().compile(resource("lock-report.html.mustache")).execute(page, out);
  }

  private static void headline(Map<String, Object> page, JobReport report, List<RankEvent> worst) {
    Instant begin = JsonReport.instant(report.beginNanos()).truncatedTo(ChronoUnit.SECONDS);
    long waits = report.ranks().stream().mapToLong(RankRecord::waitNanos).sum();
    long granted = report.modes().stream().mapToLong(ModeRecord::granted).sum();
    long longest = worst.isEmpty() ? 0 : worst.getFirst().event().waitNanos();
    page.put("size", report.size());
    page.put("severalRanks", report.size() > 1);
    page.put("transport", report.transport());
    page.put("begin", begin.toString());
    page.put("duration", Units.time(report.endNanos() - report.beginNanos()));
    page.put("granted", Units.count(granted));
    page.put("resources", report.modes().stream().map(ModeRecord::resource).distinct().count());
    page.put("waited", Units.time(waits));
    page.put("longest", Units.time(longest));
    page.put("kept", Units.count(Math.min(MOST_EVENTS, report.kept())));
    page.put("recorded", Units.count(report.recorded()));
    page.put("partly", Math.min(MOST_EVENTS, report.kept()) < report.recorded());
  }

  private static LockRow lock(ModeRecord mode) {
    return new LockRow(
        mode.resource(),
        mode.use().toString(),
        css(mode.use()),
        Units.count(mode.granted()),
        Units.time(mode.waits().getValueAtPercentile(50)),
        Units.time(mode.waits().getValueAtPercentile(99)),
        Units.time(mode.waits().getMaxValue()),
        Units.time(mode.holds().getValueAtPercentile(50)),
        Units.time(mode.holds().getMaxValue()),
        mode.use() == LockUse.SINGLE_WRITE ? "–" : Units.share(mode.contended(), mode.granted()),
        Units.count(mode.gaveUp()),
        Units.count(mode.failed()));
  }

  private static List<RankRow> ranks(JobReport report) {
    long most =
        report.ranks().stream()
            .flatMap(rank -> Stream.of(rank.waitNanos(), rank.holdNanos()))
            .mapToLong(Long::longValue)
            .max()
            .orElse(0);
    return report.ranks().stream()
        .map(rank ->
            new RankRow(
                rank.rank(),
                rank.host(),
                Units.count(rank.granted()),
                Units.time(rank.waitNanos()),
                Units.time(rank.holdNanos()),
                width(rank.waitNanos(), most),
                width(rank.holdNanos(), most)))
        .toList();
  }

  private static String width(long part, long most) {
    return Long.toString(most == 0 ? 0 : Math.round(100.0 * part / most));
  }

  /** Each wait with its index among the events of the page; -1 if it was left out. */
  private static List<WaitRow> waits(
      JobReport report, List<RankEvent> events, List<RankEvent> worst) {
    Map<RankEvent, Integer> indexes = new HashMap<>();
    IntStream.range(0, events.size()).forEach(i -> indexes.putIfAbsent(events.get(i), i));
    List<WaitRow> rows = new ArrayList<>();
    for (RankEvent wait : worst) {
      LockEvent event = wait.event();
      rows.add(
          new WaitRow(
              indexes.getOrDefault(wait, -1),
              wait.rank(),
              event.resource(),
              event.use().toString(),
              css(event.use()),
              event.thread(),
              Units.time(event.beginNanos() - report.beginNanos()),
              Units.time(event.waitNanos()),
              event.outcome().toString()));
    }
    return rows;
  }

  private static PairRow pair(WaitedFor pair) {
    return new PairRow(
        "rank " + pair.waiter(),
        pair.waiter() == pair.holder() ? "its own threads" : "rank " + pair.holder(),
        pair.resource(),
        Units.time(pair.nanos()),
        Units.count(pair.times()));
  }

  private static String css(LockUse use) {
    return switch (use) {
      case READ -> "read";
      case WRITE -> "write";
      case SINGLE_WRITE -> "single";
    };
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String hash(String script) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(script.getBytes(StandardCharsets.UTF_8));
      return Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }
}
