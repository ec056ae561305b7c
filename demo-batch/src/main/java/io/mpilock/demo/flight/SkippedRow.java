/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.flight;

import java.io.Serializable;
import java.util.Comparator;

/**
 * A malformed row of the input, which the job skips.
 *
 * @param file the input file's name
 * @param line its line, counted from 1
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

  /** Returns the form in which compilers point at a line. */
  @Override
  public String toString() {
    return file + ":" + line + ": " + reason;
  }

  /** Thrown by the reader, for the skip policy of the step. */
  public static final class MalformedRowException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final SkippedRow row;

    MalformedRowException(SkippedRow row) {
      super(row.toString());
      this.row = row;
    }

    /** {@return where the row is and what is wrong with it} */
    public SkippedRow row() {
      return row;
    }
  }
}
