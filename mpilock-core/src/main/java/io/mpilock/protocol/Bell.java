package io.mpilock.protocol;

import io.mpilock.transport.NodeWindow;
import java.util.function.BooleanSupplier;

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
 * @param window where the words are
 * @param epoch the index of the epoch; the number of sleepers stands behind it
 */
record Bell(NodeWindow window, long epoch) {

  /**
   * Wakes everyone who sleeps. What they wait for must have changed before, by get-and-add, CAS or
   * set.
   */
  void ring() {
    if (window.get(epoch + 1) != 0) {
      window.getAndAdd(epoch, 1);
      window.wake(epoch);
    }
  }

  /** Sleeps until a ring, unless {@code done} already; returns early at will. */
  void sleep(BooleanSupplier done, long nanos) {
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
