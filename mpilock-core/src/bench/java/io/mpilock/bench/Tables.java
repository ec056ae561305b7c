/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import java.util.Arrays;
import java.util.Locale;

/** Markdown tables of figures, on standard output. */
public final class Tables {
  private Tables() {}

  /**
   * Begins a table.
   *
   * @param title its heading
   * @param columns their names; the first has words, the others have numbers
   */
  public static void head(String title, String... columns) {
    System.out.printf("%n### %s%n%n", title);
    System.out.println("| " + String.join(" | ", columns) + " |");
    System.out.println("|---|" + "---:|".repeat(columns.length - 1));
  }

  /**
   * Prints a row.
   *
   * @param cells text as it is, and numbers by {@link #number}
   */
  public static void row(Object... cells) {
    StringBuilder line = new StringBuilder("|");
    for (Object cell : cells) {
      line.append(' ').append(cell instanceof Double value ? number(value) : cell).append(" |");
    }
    System.out.println(line);
  }

  /**
   * Writes a number with three digits, or all that are before the point.
   *
   * @param value the number
   * @return nothing for what is no number
   */
  public static String number(double value) {
    if (!Double.isFinite(value)) {
      return "";
    }
    if (value == 0) {
      return "0";
    }
    double size = Math.abs(value);
    if (size < 0.001) {
      return "<0.001"; // such as the time of a loop that was compiled away
    }
    String format = size < 0.1 ? "%.3f" : size < 10 ? "%.2f" : size < 100 ? "%.1f" : "%,.0f";
    return String.format(Locale.ROOT, format, value);
  }

  /**
   * Writes the range of some rounds.
   *
   * @param figures what they measured
   * @return such as {@code 0.9 to 1.2}
   */
  public static String range(Figures figures) {
    String most = number(figures.most());
    return most.isEmpty() ? "" : number(figures.least()) + " to " + most;
  }

  /**
   * Writes the median of some ratios and their range.
   *
   * @param rounds at least one figure
   * @param base as many, from the same rounds
   * @return such as {@code 1.0 (0.9 to 1.2)}
   */
  public static String ratio(double[] rounds, double[] base) {
    Figures ratios = Figures.ofRatios(rounds, base);
    String median = number(ratios.median());
    return median.isEmpty() ? "" : median + " (" + range(ratios) + ")";
  }

  /**
   * Writes figures in one column with blanks between them, as {@link BenchRanks#result} takes them.
   *
   * @param figures they
   * @return their text
   */
  static String joined(double... figures) {
    StringBuilder text = new StringBuilder();
    Arrays.stream(figures)
        .forEach(figure -> text.append(text.isEmpty() ? "" : " ").append((float) figure));
    return text.toString();
  }
}
