/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

/** How a collective call was decided. */
public final class Verdict {
  private Verdict() {}

  /** All ranks go. */
  public static final int GO = 1;

  /** They called different things. */
  public static final int DIFFER = 2;

  /** A rank refused the call. */
  public static final int REFUSED = 3;

  /** A rank waited for its time-out. */
  public static final int TIMED_OUT = 4;

  /** A rank was interrupted. */
  public static final int INTERRUPTED = 5;

  /** Others gave it up and went on. */
  public static final int GONE_ON = 6;

  /** A rank closes, or has closed. */
  public static final int LEFT = 7;

  /** A rank died. */
  public static final int DIED = 8;

  // Kinds of call.

  /** A single write. */
  public static final long SINGLE_WRITE = 1;

  /** The close of the controller. */
  public static final long CLOSE = 2;

  /** Not all the same. */
  public static final long DIFFERENT = 3;

  /** All ranks meet, and nothing else. */
  public static final long BARRIER = 4;

  /** Each rank shares a value in its turn, for all. */
  public static final long ALL_GATHER = 5;

  /** Each rank shares a value in its turn, for the master. */
  public static final long GATHER = 6;

  /** Each rank runs something in its turn. */
  public static final long IN_ORDER = 7;

  /**
   * Tells whether the ranks can go together in a call.
   *
   * @param kind what they called
   * @return false for a close, for what differs, and for what is no kind
   */
  public static boolean mayGo(long kind) {
    return kind == SINGLE_WRITE || (kind >= BARRIER && kind <= IN_ORDER);
  }

  /**
   * Tells whether the ranks take turns in a call.
   *
   * @param kind what they called
   * @return false for a single write, where one rank has the only turn
   */
  public static boolean takesTurns(long kind) {
    return kind >= ALL_GATHER && kind <= IN_ORDER;
  }
}
