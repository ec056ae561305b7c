package io.mpilock.demo.report;

import java.util.List;

/** The steps in which mean delays are coloured; the colours themselves stand in the style sheet. */
enum DelayScale {
  EARLY("d0", "early", 0),
  UP_TO_4("d1", "0 to 4 min late", 4),
  UP_TO_8("d2", "4 to 8", 8),
  UP_TO_12("d3", "8 to 12", 12),
  UP_TO_16("d4", "12 to 16", 16),
  MORE("d5", "more", Double.POSITIVE_INFINITY);

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
