package io.mpilock.demo.flight;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/** A set of rows of the input, kept as ranges. Not for several threads. */
public final class RowRanges implements Serializable {
  private static final long serialVersionUID = 1L;

  /** The end of each range by its first row; no two overlap or touch. */
  private final TreeMap<Long, Long> ends = new TreeMap<>();

  /** Makes an empty set. */
  public RowRanges() {}

  /**
   * Adds rows; some of them may be there already.
   *
   * @param first the first row, from 0
   * @param end the row after the last one
   */
  public void add(long first, long end) {
    if (first >= end) {
      return;
    }
    long from = first;
    long to = end;
    Map.Entry<Long, Long> before = ends.floorEntry(to);
    while (before != null && before.getValue() >= from) {
      from = Math.min(from, before.getKey());
      to = Math.max(to, before.getValue());
      ends.remove(before.getKey());
      before = ends.floorEntry(to);
    }
    ends.put(from, to);
  }

  /**
   * Tells whether a row is in the set.
   *
   * @param row from 0
   * @return whether it was added
   */
  public boolean contains(long row) {
    Map.Entry<Long, Long> range = ends.floorEntry(row);
    return range != null && row < range.getValue();
  }

  /**
   * Counts.
   *
   * @return the number of rows in the set
   */
  public long count() {
    return ends.entrySet().stream().mapToLong(range -> range.getValue() - range.getKey()).sum();
  }
}
