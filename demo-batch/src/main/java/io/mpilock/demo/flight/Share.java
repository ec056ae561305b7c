package io.mpilock.demo.flight;

import java.util.Objects;

/**
 * Which rows of the input are a rank's: row {@code i} of {@code rows}, counted from 0, belongs to
 * rank {@code i * size / rows} in whole numbers. So each rank has one contiguous run of rows, every
 * row has exactly one rank, and no two shares differ by more than one row.
 *
 * @param rank from 0 to {@code size} - 1
 * @param size the number of ranks, at least 1
 */
public record Share(int rank, int size) {

  /** Checks the rank. */
  public Share {
    Objects.checkIndex(rank, size);
  }

  /**
   * The first row of the share.
   *
   * @param rows the number of rows of the input
   * @return from 0 to {@code rows}
   */
  public long first(long rows) {
    return firstOf(rank, rows);
  }

  /**
   * The row after the last one of the share.
   *
   * @param rows the number of rows of the input
   * @return from {@link #first} to {@code rows}
   */
  public long end(long rows) {
    return firstOf(rank + 1, rows);
  }

  /** The smallest i with i * size / rows >= rank, which is rank * rows / size rounded up. */
  private long firstOf(int someRank, long rows) {
    return Math.ceilDivExact(Math.multiplyExact(someRank, rows), size);
  }
}
