/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Aligned columns for the log: the first ones to the left, those of numbers to the right. If there
 * is too little room, the widest text is cut: in places where names that differ stay apart.
 *
 * @since 0.1.0
 */
public final class TextTable {
  private static final String GAP = "  ";
  private static final int NARROWEST = 8; // of a column of text, however little room there is

  private final int leftColumns;
  private final int widest;
  private final List<List<String>> rows = new ArrayList<>();

  /**
   * Makes a table.
   *
   * @param leftColumns how many columns are text
   * @param widest the width that the columns of text are cut for
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
    for (int column = widestText(widths);
        all > widest && widths[column] > NARROWEST;
        column = widestText(widths)) {
      widths[column]--;
      all--;
    }
    List<Map<String, String>> cut = new ArrayList<>();
    for (int i = 0; i < leftColumns; i++) {
      cut.add(apart(column(i), widths[i]));
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        String cell = i < leftColumns ? cut.get(i).getOrDefault(row.get(i), "") : row.get(i);
        String space = " ".repeat(widths[i] - length(cell));
        line.append(i == 0 ? "" : GAP).append(i < leftColumns ? cell + space : space + cell);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  private int widestText(int[] widths) {
    int column = 0;
    for (int i = 1; i < leftColumns; i++) {
      column = widths[i] > widths[column] ? i : column;
    }
    return column;
  }

  private Set<String> column(int i) {
    Set<String> cells = new LinkedHashSet<>();
    rows.forEach(row -> cells.add(row.get(i)));
    return cells;
  }

  /**
   * Cuts names that are longer than the width so that no two are alike: at the end, or where that
   * takes away what they differ in, in the middle or at the beginning, or else they are counted.
   */
  static Map<String, String> apart(Set<String> names, int width) {
    Map<String, String> cut = new HashMap<>();
    Set<String> taken = new HashSet<>();
    for (String name : names) {
      if (length(name) <= width) {
        cut.put(name, name);
        taken.add(name);
      }
    }
    for (int tail : new int[] {0, width / 2, width - 1}) {
      Map<String, List<String>> alike = new LinkedHashMap<>();
      for (String name : names) {
        if (!cut.containsKey(name)) {
          alike.computeIfAbsent(cut(name, width, tail), none -> new ArrayList<>()).add(name);
        }
      }
      alike.forEach((shortened, of) -> {
        if (of.size() == 1 && taken.add(shortened)) {
          cut.put(of.getFirst(), shortened);
        }
      });
    }
    int number = 1;
    for (String name : names) {
      while (!cut.containsKey(name)) {
        String counted = "…" + number++;
        String shortened = cut(name, Math.max(1, width - length(counted) + 1), 0);
        shortened = shortened.substring(0, shortened.length() - 1) + counted;
        if (taken.add(shortened)) {
          cut.put(name, shortened);
        }
      }
    }
    return cut;
  }

  /** The beginning and, of a length, the end, with an ellipsis between them. */
  private static String cut(String name, int width, int tail) {
    int end = name.offsetByCodePoints(name.length(), -tail);
    return name.substring(0, name.offsetByCodePoints(0, width - 1 - tail))
        + "…"
        + name.substring(end);
  }

  /** Cuts what is longer than the width, and says so with an ellipsis. */
  static String shorten(String cell, int width) {
    return length(cell) <= width ? cell : cut(cell, width, 0);
  }

  private static int length(String cell) {
    return cell.codePointCount(0, cell.length());
  }
}
