/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.window.ThreadParker;
import io.mpilock.internal.window.Waiter;
import java.util.concurrent.locks.LockSupport;

/**
 * A thread of a Lincheck test. Its clock is its own, so that telling the time is no access that the
 * threads share: time passes only while the thread sleeps in a timed wait.
 */
abstract class InterleavedThread extends Thread {
  private long clock = 1;
  private volatile boolean timed;
  private boolean counted;

  InterleavedThread(String name) {
    super(name);
  }

  /** Threads of a rank that wait for each other: for time, as in {@link InterleavedWindow}. */
  static final class Parking implements ThreadParker {
    @Override
    public void park(Object blocker, long nanos) {
      if (!letTimePass(Math.min(nanos, Waiter.SLICE_NANOS))) {
        LockSupport.park(blocker);
      }
    }

    @Override
    public void unpark(Thread thread) {
      LockSupport.unpark(thread);
    }
  }

  static long now() {
    return Thread.currentThread() instanceof InterleavedThread self ? self.clock : 1;
  }

  /** Lets the time of a timed wait pass; false for a thread that waits for as long as it takes. */
  static boolean letTimePass(long nanos) {
    if (Thread.currentThread() instanceof InterleavedThread self && self.timed) {
      self.clock += nanos;
      return true;
    }
    return false;
  }

  /** A mark of the thread, for {@link FaultyWindows.NoSecondLook}; gives what it was. */
  static boolean counted(boolean now) {
    if (Thread.currentThread() instanceof InterleavedThread self) {
      boolean before = self.counted;
      self.counted = now;
      return before;
    }
    return false;
  }

  void timed(boolean now) {
    timed = now;
  }

  /** Ends the slices of this thread's sleep from now on, for one that waits in a closed lock. */
  void endSlices() {
    timed = true;
    LockSupport.unpark(this);
  }
}
