/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import io.mpilock.transport.NodeWindow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An event count over two words of a window: sleepers wait for a ring, and a ring with nobody
 * asleep costs one read.
 *
 * <p>No wake-up is lost. A ringer changes what is waited for and then reads {@code sleepers}; a
 * sleeper counts itself in {@code sleepers}, reads {@code epoch} and then looks at what it waits
 * for. All of these are sequentially consistent, so either the ringer sees the sleeper and moves
 * the epoch, or the sleeper sees the change. A sleeper that dies stays counted, which costs ringers
 * a system call and nothing else; a ringer that dies between the two steps costs sleepers one slice
 * of their sleep.
 *
 * <p>The upper half of {@code sleepers} counts guests, who sleep by their rank's {@link
 * BellWatcher}.
 */
public final class Bell {
  private static final long ONE_GUEST = 1L << 32;

  private final NodeWindow window;
  private final long epoch;
  private final @Nullable BellWatcher bellWatcher;
  private final int from;
  private final int to;

  /** Set while a thread of this process sleeps here itself; null if each may. */
  private final @Nullable AtomicBoolean taken;

  /**
   * A bell that has no guests.
   *
   * @param window where the words are
   * @param epoch the index of the epoch; the number of sleepers stands behind it
   */
  public Bell(NodeWindow window, long epoch) {
    this.window = window;
    this.epoch = epoch;
    this.bellWatcher = null;
    this.from = 0;
    this.to = 0;
    this.taken = null;
  }

  /**
   * A bell of a lock.
   *
   * @param bellWatcher this rank's
   * @param from the first rank whose threads may sleep here
   * @param to the one behind the last
   * @param many whether many threads of a rank sleep here, so that one does it for all
   */
  public Bell(
      NodeWindow window, long epoch, BellWatcher bellWatcher, int from, int to, boolean many) {
    this.window = window;
    this.epoch = epoch;
    this.bellWatcher = bellWatcher;
    this.from = from;
    this.to = to;
    this.taken = many ? new AtomicBoolean() : null;
  }

  long epoch() {
    return epoch;
  }

  /** Counts a guest, or counts one off. */
  void addGuest(int change) {
    window.getAndAdd(epoch + 1, change * ONE_GUEST);
  }

  /**
   * Wakes everyone who sleeps. What they wait for must have changed before, by get-and-add, CAS or
   * set.
   */
  public void ring() {
    long sleepers = window.get(epoch + 1);
    if (sleepers != 0) {
      window.getAndAdd(epoch, 1);
      if ((int) sleepers != 0) {
        window.wake(epoch);
      }
      if (bellWatcher != null && sleepers >>> 32 != 0) {
        bellWatcher.ring(from, to);
      }
    }
  }

  /** Sleeps until a ring, unless {@code done} already; returns early at will. */
  public void sleep(BooleanSupplier done, long nanos) {
    if (bellWatcher == null || !bellWatcher.isOpen()) {
      sleepHere(done, nanos);
    } else if (bellWatcher.isFor(Thread.currentThread())) {
      bellWatcher.sleep(this, done, taken == null ? Math.min(nanos, Waiter.CHECK_NANOS) : nanos);
    } else if (taken == null) {
      sleepHere(done, Math.min(nanos, Waiter.SLICE_NANOS));
    } else if (taken.compareAndSet(false, true)) {
      try {
        sleepHere(done, Math.min(nanos, Waiter.SLICE_NANOS));
      } finally {
        taken.set(false);
      }
    } else {
      bellWatcher.sleep(this, done, nanos);
    }
  }

  /** How long a wait may sleep here at once: then it looks about. */
  long longestSleep() {
    return bellWatcher == null || !bellWatcher.isOpen()
        ? Waiter.SLICE_NANOS
        : BellWatcher.GUEST_NANOS;
  }

  private void sleepHere(BooleanSupplier done, long nanos) {
    window.getAndAdd(epoch + 1, 1);
    try {
      int seen = (int) window.get(epoch);
      if (!done.getAsBoolean()) {
        window.sleepWhile(epoch, seen, nanos);
      }
    } finally {
      window.getAndAdd(epoch + 1, -1);
    }
  }
}
