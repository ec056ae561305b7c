/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the locks are checked against: a readers-writer lock without concurrency. Each grant and
 * each release of the real lock is told to it from inside the hold, and must be a legal step of it;
 * a request that is refused must have overlapped with one that could be the reason.
 */
final class SequentialLock {
  private static final int WRITER = 1 << 20;

  // Fields of the activity word: requests and their holds, begun so far and going on.
  private static final long BEGUN = 1;
  private static final long RUNNING = 1L << 16;
  private static final long WRITE_BEGUN = 1L << 32;
  private static final long WRITE_RUNNING = 1L << 48;
  private static final long MASK = 0xFFFF;

  private final AtomicInteger holders = new AtomicInteger();
  private final AtomicLong activity = new AtomicLong();

  // Two halves of what the lock guards, plain: the number of writes so far, which is the token.
  private int left;
  private int right;

  static void check(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }

  /** A request begins; what it gives is for {@link #refused}. */
  long begin(boolean write) {
    return activity.getAndAdd(BEGUN + RUNNING + (write ? WRITE_BEGUN + WRITE_RUNNING : 0));
  }

  void end(boolean write) {
    activity.getAndAdd(-RUNNING - (write ? WRITE_RUNNING : 0));
  }

  /** A request was refused that began with {@code before}: was there a reason to? */
  void refused(boolean write, long before) {
    long since = activity.get() - before;
    if (write) {
      check(
          (before / RUNNING & MASK) != 0 || (since & MASK) > 1,
          "a write was refused though nobody else was there");
    } else {
      check(
          (before / WRITE_RUNNING & MASK) != 0 || (since / WRITE_BEGUN & MASK) > 0,
          "a read was refused though no write was asked for");
    }
  }

  void beginRead(long token) {
    check(holders.getAndAdd(1) < WRITER, "a reader beside a writer");
    look(token);
  }

  void look(long token) {
    int writes = left;
    check(writes == right, "a read of what is half written");
    check(writes == token, "token " + token + " after " + writes + " writes");
  }

  void endRead() {
    check(left == right, "a write in the midst of a read");
    holders.getAndAdd(-1);
  }

  /** Tells how many writes there were before. */
  int beginWrite(long token) {
    check(holders.getAndAdd(WRITER) == 0, "a writer beside others");
    int before = left;
    check(before == right, "a write in the midst of a write");
    left = before + 1;
    check(token == before + 1L, "token " + token + " after " + before + " writes");
    return before;
  }

  void endWrite() {
    endWriteAsReader();
    holders.getAndAdd(-1);
  }

  /** A downgrade: the hold goes on as a read. */
  void endWriteAsReader() {
    int writes = right + 1;
    right = writes;
    check(left == writes, "a write was lost");
    holders.getAndAdd(1 - WRITER);
  }

  /** Two looks at once, for an optimistic read. */
  int left() {
    return left;
  }

  int right() {
    return right;
  }

  boolean isHeld() {
    return holders.get() != 0;
  }
}
