/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import org.jspecify.annotations.Nullable;

/**
 * What somebody has in the words of a lock, and in the queue of its rank's threads. Each field is
 * written directly behind the step that it tells of, with no call between them. So it is right
 * wherever something is thrown, and {@link NodeLock#giveBack} gives back what a call has left that
 * was cut short, and {@link NodeLock#finish} goes on with a release that was. Used by one thread at
 * a time.
 */
public class UndoRecord {
  static final int NOBODY = -1;

  /** Not 0: the holds in this rank's READS count this one. */
  public int reads;

  /** Not 0: STATE names this rank the owner, for this one. */
  public int writes;

  /** Owns, and pending does not count that. */
  boolean uncounted;

  /** Owns, and has claimed the request of this member, which STATE does not name yet. */
  int heir = NOBODY;

  /** DRAINS says that this rank's owner waits for readers. */
  public boolean drains;

  /** The waiting in this rank's READS counts this one. */
  boolean waits;

  /** READS before it waited: whoever lets it in changes the batch in there. */
  long waitsSince;

  /** WAITING_READERS counts this one. */
  boolean shows;

  /** TRIES counts this one, and ENDED_TRIES does not yet. */
  public boolean tries;

  /** Its place among the threads of its rank that want to write. */
  public WriteQueue.@Nullable Turn turn;

  /** How often it is between {@link RankContext#enter} and {@link RankContext#leave}. */
  int entered;

  /** What it has made of its rank's ABANDONED request, which STATE counts still; 0 if nothing. */
  long returning;

  /** The request of this member is over, and stands in the table still. */
  int ends = NOBODY;

  /** RECOVERER names this rank. */
  boolean recovers;

  /** Has given ownership away without waking anybody. */
  boolean silent;

  /** The batch of readers in which it waits until it is let in; less than 0 if in none. */
  public final long waitsInBatch() {
    return waits ? LockWords.batch(waitsSince) : -1;
  }

  /** There is nothing any more that it could be given back to. */
  public final void forget() {
    reads = 0;
    writes = 0;
    uncounted = false;
    heir = NOBODY;
    drains = false;
    waits = false;
    shows = false;
    tries = false;
    turn = null;
    entered = 0;
    returning = 0;
    ends = NOBODY;
    recovers = false;
    silent = false;
  }
}
