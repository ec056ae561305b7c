/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

/**
 * How the lock's words are made up.
 *
 * <pre>
 *   STATE    63 sequence 32 | 31 pending 16 | 15 owner 0
 *            sequence  the number of the newest write request; wraps around
 *            pending   write requests that are not done: waiting, or owning
 *            owner     node rank + 1 of the rank that owns the write; 0 nobody; FFFF poisoned
 *   REQUEST  63 sequence 32 | 2 phase 0
 *            NONE -> INTENT -> WAITING -> CLAIMED -> NONE, or WAITING -> INTENT -> NONE when it
 *            gives up; INTENT says that it is about to be counted in pending, or to be no more.
 *            CLAIMED -> ABANDONED -> NONE when it gives up before the claim is done;
 *            RETURNING in between if it is this very rank that ends it
 *   READS    63 batch 41 | 40 draining | 39 waiting 20 | 19 holds 0
 *            holds     threads of the rank that read
 *            waiting   threads that wait for the end of the write (phase-fair only)
 *            draining  a writer sleeps until holds is 0
 *            batch     how often waiting readers were let in
 * </pre>
 */
public final class LockWords {
  private LockWords() {}

  public static final long ONE_SEQUENCE = 1L << 32;
  public static final long ONE_PENDING = 1L << 16;
  public static final long OWNER_MASK = 0xFFFF;
  public static final int POISONED = 0xFFFF;

  /**
   * How many members a node has at most. Each counts once in pending, who owns perhaps once more,
   * for the next thread of its rank, and so does the poison: {@code MAX_MEMBERS + 2} is FFFF.
   */
  public static final int MAX_MEMBERS = 0xFFFF - 2;

  /** How many ranks a job has at most: a decision of the collective calls has 16 bits for one. */
  public static final int MAX_RANKS = 1 << 16;

  public static final int NONE = 0;
  public static final int WAITING = 1;
  public static final int CLAIMED = 2;
  public static final int INTENT = 3;
  public static final int ABANDONED = 4;
  public static final int RETURNING = 5;

  public static final long ONE_HOLD = 1;
  public static final long ONE_WAITING = 1L << 20;
  public static final long COUNT_MASK = ONE_WAITING - 1;
  public static final long DRAINING = 1L << 40;

  /**
   * As many threads of a rank may read. One that finds this bit set has counted itself already, and
   * takes that back: so holds carries only if 2^19 threads are between these two steps at once.
   */
  public static final long MANY_HOLDS = 1L << 19;

  /** As many threads of a rank may wait to be let in; with those that read they fit in holds. */
  public static final long MANY_WAITING = 1L << 18;

  public static final long ONE_BATCH = 1L << 41;

  public static int pending(long state) {
    return (int) (state >>> 16) & 0xFFFF;
  }

  public static int owner(long state) {
    return (int) (state & OWNER_MASK);
  }

  public static long withOwner(long state, int owner) {
    return (state & ~OWNER_MASK) | owner;
  }

  /** Nobody owns the write, and nobody asks for it. */
  public static boolean isFree(long state) {
    return (int) state == 0;
  }

  public static long withPending(long state, int pending) {
    return (state & ~(0xFFFFL << 16)) | (long) pending << 16;
  }

  /**
   * Marks a token that is not that of the last write any more: the node has no permission, and
   * others may write.
   */
  public static final long STALE = Long.MIN_VALUE;

  public static int phase(long request) {
    return (int) (request & 7);
  }

  public static long request(long sequence, int phase) {
    return sequence << 32 | phase;
  }

  public static int sequence(long word) {
    return (int) (word >>> 32);
  }

  /** Serial number order (RFC 1982): requests that wait at one time are less than 2^31 apart. */
  public static boolean isBefore(int sequence, int other) {
    return sequence - other < 0;
  }

  public static long holds(long reads) {
    return reads & COUNT_MASK;
  }

  public static long waiting(long reads) {
    return (reads >>> 20) & COUNT_MASK;
  }

  public static long batch(long reads) {
    return reads >>> 41;
  }
}
