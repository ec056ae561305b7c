package io.mpilock.spring.report;

import java.util.ArrayList;
import java.util.List;

/** Aligned columns for the log: the first ones to the left, those of numbers to the right. */
public final class TextTable {
  private static final String GAP = "  ";
  private static final int NARROWEST = 8; // of the first column, however little room there is

  private final int leftColumns;
  private final int widest;
  private final List<List<String>> rows = new ArrayList<>();

  /**
   * Makes a table.
   *
   * @param leftColumns how many columns are text
   * @param widest the width that the first column is shortened for
   */
  public TextTable(int leftColumns, int widest) {
    this.leftColumns = leftColumns;
    this.widest = widest;
  }

  /**
   * Adds a row.
   *
   * @param cells as many as the first row has
   * @return this table
   */
  public TextTable row(String... cells) {
    rows.add(List.of(cells));
    return this;
  }

  /**
   * Puts the rows together.
   *
   * @return the lines, each with its end
   */
  public String text() {
    int[] widths = new int[rows.getFirst().size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], length(row.get(i)));
      }
    }
    int all = GAP.length() * (widths.length - 1);
    for (int width : widths) {
      all += width;
    }
    if (all > widest) {
      widths[0] = Math.max(Math.min(widths[0], NARROWEST), widths[0] - (all - widest));
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        String cell = shorten(row.get(i), widths[i]);
        String space = " ".repeat(widths[i] - length(cell));
        line.append(i == 0 ? "" : GAP).append(i < leftColumns ? cell + space : space + cell);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  /** Cuts what is longer than the width, and says so with an ellipsis. */
  static String shorten(String cell, int width) {
    return length(cell) <= width
        ? cell
        : cell.substring(0, cell.offsetByCodePoints(0, width - 1)) + "…";
  }

  private static int length(String cell) {
    return cell.codePointCount(0, cell.length());
  }
}
