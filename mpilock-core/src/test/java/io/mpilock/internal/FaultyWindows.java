/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;

/** Windows that are wrong on purpose, each in one thing that the protocol rests on. */
final class FaultyWindows {
  private FaultyWindows() {}

  /** Nobody is woken. */
  static final class LostWake extends InterleavedWindow {
    LostWake(long words) {
      super(words);
    }

    @Override
    public void wake(long index) {}
  }

  /** Two threads that add at once may count for one. */
  static final class TornAdd extends InterleavedWindow {
    TornAdd(long words) {
      super(words);
    }

    @Override
    public long getAndAdd(long index, long delta) {
      long before = get(index);
      set(index, before + delta);
      return before;
    }
  }

  /** A reader that has counted itself is told that no writer has come. */
  static final class NoSecondLook extends InterleavedWindow {
    private final long state;

    NoSecondLook(long words, long lockLine) {
      super(words);
      this.state = lockLine + Layout.STATE;
    }

    @Override
    public long getAndAdd(long index, long delta) {
      long before = super.getAndAdd(index, delta);
      boolean counted = delta == LockWords.ONE_HOLD && index > state;
      InterleavedThread.counted(counted);
      return before;
    }

    @Override
    public long get(long index) {
      long value = super.get(index);
      return index == state && InterleavedThread.counted(false)
          ? LockWords.withPending(value, 0)
          : value;
    }
  }

  /** Everybody gets the lock of the directory at once. */
  static final class OpenDirectory extends InterleavedWindow {
    OpenDirectory(long words) {
      super(words);
    }

    @Override
    public boolean compareAndSet(long index, long expected, long value) {
      return super.compareAndSet(index, expected, value) || index == Layout.DIRECTORY_LOCK;
    }

    @Override
    public long get(long index) {
      return index == Layout.DIRECTORY_LOCK ? 0 : super.get(index);
    }
  }
}
