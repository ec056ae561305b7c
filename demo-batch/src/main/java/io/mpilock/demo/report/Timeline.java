package io.mpilock.demo.report;

import io.mpilock.demo.timing.RankTimes;
import io.mpilock.demo.timing.Span;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A lane for each rank, with a bar for each time in which it waited, wrote or read. */
final class Timeline {
  static final int WIDTH = 960;
  private static final int LEFT = 64;
  private static final int RIGHT = 12;
  private static final int AXIS = 26;
  private static final double LANE_ROOM = 420;
  private static final double WIDEST_LANE = 34;
  private static final double NARROWEST_BAR = 0.7;
  private static final int MOST_TICKS = 8;

  private final List<RankTimes> ranks;
  private final long start;
  private final long micros;
  private final double lane;

  Timeline(List<RankTimes> ranks) {
    this.ranks = ranks;
    this.start =
        ranks.stream()
            .flatMap(r -> r.spans().stream())
            .mapToLong(Span::startMicros)
            .min()
            .orElse(0);
    long end =
        ranks.stream()
            .flatMap(r -> r.spans().stream())
            .mapToLong(Span::endMicros)
            .max()
            .orElse(start);
    this.micros = Math.max(1, end - start);
    this.lane = Math.min(WIDEST_LANE, Math.max(6, LANE_ROOM / Math.max(1, ranks.size())));
  }

  /** A bar of a lane, as the template wants it. */
  record Bar(String kind, String x, String y, String width, String height, String title) {}

  /** A rank's name before its lane. */
  record Label(String text, String y) {}

  /** A time on the axis. */
  record Tick(String text, String x) {}

  int height() {
    return (int) Math.ceil(ranks.size() * lane) + AXIS;
  }

  int left() {
    return LEFT;
  }

  int axisY() {
    return height() - AXIS;
  }

  List<Label> labels() {
    List<Label> labels = new ArrayList<>();
    int step = (int) Math.ceil(14 / lane);
    for (int i = 0; i < ranks.size(); i += step) {
      labels.add(new Label("rank " + ranks.get(i).rank(), number((i + 0.5) * lane)));
    }
    return labels;
  }

  List<Bar> bars() {
    List<Bar> bars = new ArrayList<>();
    for (int i = 0; i < ranks.size(); i++) {
      Map<Span.Kind, List<Span>> merged = new EnumMap<>(Span.Kind.class);
      for (Span span : ranks.get(i).spans()) {
        merge(merged.computeIfAbsent(span.kind(), kind -> new ArrayList<>()), span);
      }
      for (List<Span> spans : merged.values()) {
        for (Span span : spans) {
          bars.add(bar(i, span));
        }
      }
    }
    return bars;
  }

  /** Spans that would touch on the screen become one, so that a page of many chunks stays small. */
  private void merge(List<Span> spans, Span span) {
    long touching = (long) (micros / (double) (WIDTH - LEFT) * 0.4);
    Span last = spans.isEmpty() ? null : spans.getLast();
    if (last != null && span.startMicros() - last.endMicros() <= touching) {
      spans.set(
          spans.size() - 1,
          new Span(span.kind(), last.startMicros(), Math.max(last.endMicros(), span.endMicros())));
    } else {
      spans.add(span);
    }
  }

  private Bar bar(int index, Span span) {
    double from = x(span.startMicros());
    double width = Math.max(NARROWEST_BAR, x(span.endMicros()) - from);
    double gap = lane * 0.14;
    String kind = span.kind().name().toLowerCase(Locale.ROOT);
    return new Bar(
        kind,
        number(from),
        number(index * lane + gap),
        number(width),
        number(lane - 2 * gap),
        String.format(
            Locale.ROOT,
            "rank %d %s for %.1f ms, at %.3f s",
            ranks.get(index).rank(),
            kind,
            span.micros() / 1e3,
            (span.startMicros() - start) / 1e6));
  }

  List<Tick> ticks() {
    double seconds = micros / 1e6;
    double step = Math.pow(10, Math.floor(Math.log10(seconds)));
    for (double divisor : new double[] {10, 5, 2}) {
      if (seconds / (step / divisor) <= MOST_TICKS) {
        step /= divisor;
        break;
      }
    }
    List<Tick> ticks = new ArrayList<>();
    for (int i = 0; i * step <= seconds; i++) {
      String text =
          String.format(
              Locale.ROOT, step < 0.1 ? "%.2f s" : step < 1 ? "%.1f s" : "%.0f s", i * step);
      ticks.add(new Tick(text, number(x(start + Math.round(i * step * 1e6)))));
    }
    return ticks;
  }

  private double x(long at) {
    return LEFT + (at - start) * (double) (WIDTH - LEFT - RIGHT) / micros;
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }
}
