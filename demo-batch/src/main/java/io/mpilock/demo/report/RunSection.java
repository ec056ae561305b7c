package io.mpilock.demo.report;

import io.mpilock.demo.timing.RankTimes;
import io.mpilock.demo.timing.Span.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The part of the page that tells how the run went. */
final class RunSection {
  private static final int SKIPPED_SHOWN = 50;

  private RunSection() {}

  /** A rank's row of the table. */
  record RankLine(
      String rank,
      String rows,
      int skipped,
      String waited,
      String longest,
      String wrote,
      String read) {}

  static Map<String, Object> of(RunFigures run) {
    Map<String, Object> page = new HashMap<>();
    Timeline timeline = new Timeline(run.times());
    page.put("timelineWidth", Timeline.WIDTH);
    page.put("timelineHeight", timeline.height());
    page.put("axisY", timeline.axisY());
    page.put("axisLabelY", timeline.axisY() + 18);
    page.put("laneLabelX", timeline.left() - 10);
    page.put("laneLeft", timeline.left());
    page.put("laneLabels", timeline.labels());
    page.put("bars", timeline.bars());
    page.put("ticks", timeline.ticks());
    page.put("rankLines", lines(run));
    page.put("skipped", run.skipped().stream().limit(SKIPPED_SHOWN).map(Object::toString).toList());
    page.put("skippedCount", run.skipped().size());
    page.put("anySkipped", !run.skipped().isEmpty());
    page.put("unknownAirports", run.unknownAirports());
    page.put("anyUnknown", run.unknownAirports() > 0);
    return page;
  }

  private static List<RankLine> lines(RunFigures run) {
    List<RankLine> lines = new ArrayList<>();
    if (run.isRestart()) {
      RankLoad earlier = run.earlier();
      lines.add(line("earlier runs", earlier, new RankTimes(earlier.rank(), List.of())));
    }
    for (int rank = 0; rank < run.loads().size(); rank++) {
      lines.add(line(String.valueOf(rank), run.loads().get(rank), run.times().get(rank)));
    }
    return lines;
  }

  private static RankLine line(String rank, RankLoad load, RankTimes times) {
    return new RankLine(
        rank,
        String.format(Locale.ROOT, "%,d", load.written().rows()),
        load.skipped().size(),
        seconds(times.seconds(Kind.WAITED)),
        seconds(times.longest(Kind.WAITED)),
        seconds(times.seconds(Kind.WROTE)),
        seconds(times.seconds(Kind.READ)));
  }

  private static String seconds(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }
}
