package io.mpilock.demo.report;

import java.util.List;

/** The steps in which mean delays are coloured; the colours themselves stand in the style sheet. */
enum DelayScale {
  EARLY("d0", "before time", 0),
  UP_TO_5("d1", "0–5 min", 5),
  UP_TO_10("d2", "5–10", 10),
  UP_TO_15("d3", "10–15", 15),
  UP_TO_20("d4", "15–20", 20),
  MORE("d5", "over 20 min", Double.POSITIVE_INFINITY);

  private final String css;
  private final String label;
  private final double below;

  DelayScale(String css, String label, double below) {
    this.css = css;
    this.label = label;
    this.below = below;
  }

  static DelayScale of(double minutes) {
    for (DelayScale step : values()) {
      if (minutes < step.below) {
        return step;
      }
    }
    return MORE;
  }

  static List<DelayScale> steps() {
    return List.of(values());
  }

  /** The class in the style sheet. */
  public String css() {
    return css;
  }

  /** What the legend says. */
  public String label() {
    return label;
  }
}
