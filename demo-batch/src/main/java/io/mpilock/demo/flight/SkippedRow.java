package io.mpilock.demo.flight;

import java.io.Serializable;
import java.util.Comparator;

/**
 * A row that was left out.
 *
 * @param file the input file's name
 * @param line its line, counted from 1 as editors do
 * @param reason what is wrong with it
 */
public record SkippedRow(String file, long line, String reason)
    implements Comparable<SkippedRow>, Serializable {

  private static final Comparator<SkippedRow> BY_LINE =
      Comparator.comparingLong(SkippedRow::line).thenComparing(SkippedRow::reason);

  @Override
  public int compareTo(SkippedRow other) {
    return BY_LINE.compare(this, other);
  }

  /** Gives the form in which compilers point at a line. */
  @Override
  public String toString() {
    return file + ":" + line + ": " + reason;
  }
}
