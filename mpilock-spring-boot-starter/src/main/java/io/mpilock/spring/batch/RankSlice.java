/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import java.util.Objects;

/**
 * A rank's part of numbered items, which is one contiguous run.
 *
 * @param first the first item of the part; if it is empty, where it would begin
 * @param end the item after the last one, not below {@code first}
 * @since 0.1.0
 */
public record RankSlice(long first, long end) {

  /** Checks the order. */
  public RankSlice {
    if (end < first) {
      throw new IllegalArgumentException(
          "A slice cannot end at %d, before its start at %d.".formatted(end, first));
    }
  }

  /**
   * Gives a rank's part of items that are counted from 0. Item {@code i} belongs to rank {@code i *
   * size / items} in whole numbers: every item has exactly one rank, and no two parts differ by
   * more than one item.
   *
   * @param rank from 0 to {@code size} - 1
   * @param size the number of ranks
   * @param items the number of items, not negative
   * @return the part
   */
  public static RankSlice of(int rank, int size, long items) {
    Objects.checkIndex(rank, size);
    if (items < 0) {
      throw new IllegalArgumentException("The number of items is negative: " + items);
    }
    return new RankSlice(firstOf(rank, size, items), firstOf(rank + 1L, size, items));
  }

  /** The smallest i with i * size / items >= rank: rank * items / size rounded up. */
  private static long firstOf(long rank, int size, long items) {
    return items / size * rank + Math.ceilDiv(items % size * rank, size); // cannot overflow
  }

  /**
   * The number of items.
   *
   * @return 0 or more
   */
  public long count() {
    return end - first;
  }

  /**
   * The last item, for {@code WHERE id BETWEEN first AND last}.
   *
   * @return {@code end - 1}, which is below {@code first} if the slice is empty
   */
  public long last() {
    return end - 1;
  }

  /** Moves the slice. */
  RankSlice plus(long offset) {
    return new RankSlice(Math.addExact(first, offset), Math.addExact(end, offset));
  }
}
