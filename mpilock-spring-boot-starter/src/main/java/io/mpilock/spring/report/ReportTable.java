/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.Comparator;
import java.util.List;
import org.HdrHistogram.Histogram;

/** The report as text, at most 100 columns wide. */
final class ReportTable {
  private static final int WIDTH = 100;
  private static final int MOST_ROWS = 40;
  private static final int MOST_RANKS = 16;

  private ReportTable() {}

  static String of(JobReport report) {
    StringBuilder text = new StringBuilder("mpilock: the locks of %s".formatted(ranks(report)));
    text.append(" in %s%n%n".formatted(Units.time(report.endNanos() - report.beginNanos())));
    if (report.modes().isEmpty()) {
      text.append("No lock was used.\n");
    } else {
      text.append(modes(report)).append('\n').append(skew(report));
    }
    if (!report.pairs().isEmpty()) {
      text.append("\nWorst pair: ").append(Units.waitedFor(report.pairs().getFirst())).append('\n');
      if (report.kept() < report.recorded()) {
        text.append(
            "Pairs are of the %,d events that were kept, of %,d.%n"
                .formatted(report.kept(), report.recorded()));
      }
    }
    Units.missing(report.missing()).forEach(line -> text.append(line).append('\n'));
    return text.toString().stripTrailing();
  }

  private static String ranks(JobReport report) {
    int known = report.ranks().size();
    String of = known == report.size() ? "" : known + " of ";
    return of + report.size() + (report.size() == 1 ? " rank" : " ranks");
  }

  private static String modes(JobReport report) {
    TextTable table =
        new TextTable(2, WIDTH)
            .row("", "", "", "wait", "", "", "hold", "", "", "gave", "")
            .row(
                "resource",
                "mode",
                "granted",
                "p50",
                "p99",
                "max",
                "p50",
                "max",
                "waited",
                "up",
                "failed");
    List<ModeRecord> most =
        report.modes().stream()
            .sorted(Comparator.comparingLong(ModeRecord::waitNanos).reversed())
            .limit(MOST_ROWS)
            .toList();
    report.modes().stream().filter(most::contains).forEach(mode -> table.row(cells(mode)));
    int left = report.modes().size() - most.size();
    return table.text() + (left > 0 ? "and %d more that waited less%n".formatted(left) : "");
  }

  private static String[] cells(ModeRecord mode) {
    boolean isSingleWrite = mode.use() == LockUse.SINGLE_WRITE;
    return new String[] {
      mode.resource(),
      mode.use().toString(),
      Units.count(mode.granted()),
      percentile(mode.waits(), 50),
      percentile(mode.waits(), 99),
      Units.time(mode.waits().getMaxValue()),
      percentile(mode.holds(), 50),
      Units.time(mode.holds().getMaxValue()),
      isSingleWrite ? "–" : Units.share(mode.contended(), mode.granted()),
      Units.count(mode.gaveUp()),
      Units.count(mode.failed())
    };
  }

  private static String percentile(Histogram histogram, double percent) {
    return Units.time(histogram.getValueAtPercentile(percent));
  }

  private static String skew(JobReport report) {
    TextTable table = new TextTable(2, WIDTH).row("rank", "host", "granted", "waited", "held");
    List<RankRecord> most =
        report.ranks().stream()
            .sorted(Comparator.comparingLong(RankRecord::waitNanos).reversed())
            .limit(MOST_RANKS)
            .toList();
    report.ranks().stream()
        .filter(most::contains)
        .forEach(rank ->
            table.row(
                Integer.toString(rank.rank()),
                rank.host(),
                Units.count(rank.granted()),
                Units.time(rank.waitNanos()),
                Units.time(rank.holdNanos())));
    int left = report.ranks().size() - most.size();
    return table.text() + (left > 0 ? "and %d ranks that waited less%n".formatted(left) : "");
  }
}
