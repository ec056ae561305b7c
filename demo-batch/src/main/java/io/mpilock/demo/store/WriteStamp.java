/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.store;

import java.io.Serializable;
import java.time.Instant;
import java.util.Comparator;

/**
 * Who wrote, and when in the order of all writes: a later run of the job before an earlier one, and
 * within a run by the lock's fencing token. The tokens of a run begin anew, so they alone would not
 * keep out a process that an earlier run has left behind.
 *
 * @param run when the run began, in milliseconds since 1970, and more than that of the run before;
 *     0 if nobody keeps order, as without locks
 * @param token the fencing token of the write
 * @param rank the rank that wrote
 */
public record WriteStamp(long run, long token, int rank)
    implements Comparable<WriteStamp>, Serializable {

  /** Without order: a file that begins with it lets everybody write. */
  public static final WriteStamp NONE = new WriteStamp(0, 0, 0);

  private static final Comparator<WriteStamp> BY_TIME =
      Comparator.comparingLong(WriteStamp::run).thenComparingLong(WriteStamp::token);

  @Override
  public int compareTo(WriteStamp other) {
    return BY_TIME.compare(this, other);
  }

  /** Returns the form for people. */
  @Override
  public String toString() {
    return "rank %d, token %d of the run of %s".formatted(rank, token, Instant.ofEpochMilli(run));
  }
}
