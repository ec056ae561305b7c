/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.NodeWindow;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;

/**
 * One rank's side of a counter: the VALUE of a resource that users cannot name.
 *
 * <p>If all ranks are on one node, VALUE is all there is: it is changed by atomic steps, and nobody
 * takes the lock. Else the node that may write the resource has the number, which comes with the
 * permission; so who changes it takes the write, and who looks takes a read. A rank that dies in
 * its write has changed VALUE, or it has not.
 *
 * <p>Over several nodes a rank takes a run of numbers for {@link #next} at a time, and hands it out
 * by itself: those from {@code position} up to {@code end}. A run is put in place by who has the
 * write: first nothing is left, then the new position, then the new end. A thread that takes
 * numbers reads the position before the end, and moves it by compare-and-set; so it takes of one
 * run only.
 */
public final class RankCounter {

  /** The highest number; the lowest is as far below 0. So no step can wrap around. */
  public static final long MOST = 1L << 62;

  /**
   * More than this is not added in one blind step: as many threads as there can be do not get from
   * {@link #MOST} to where it wraps around.
   */
  private static final long MOST_BLINDLY = 1L << 31;

  /** A run has at most this often what {@link #next} is asked for. */
  private static final long MOST_AHEAD = 1024;

  private static final long NO_NUMBER = Long.MIN_VALUE;

  private static final VarHandle POSITION;

  static {
    try {
      POSITION = MethodHandles.lookup().findVarHandle(RankCounter.class, "position", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final RankLock lock;
  private final RankContext node;
  private final NodeWindow window;
  private final long value;
  private final boolean onOneNode;

  private volatile long position = -MOST;
  private volatile long end = -MOST;

  /** How many numbers the last run had; written under the write. */
  private long run;

  /**
   * Makes this rank's side.
   *
   * @param lock of the counter's resource
   */
  public RankCounter(RankLock lock) {
    this.lock = lock;
    this.node = lock.threads().node();
    this.window = node.window();
    this.value = lock.words().valueIndex();
    this.onOneNode = node.agent() < 0;
  }

  /** The lock of the counter's resource. */
  public RankLock lock() {
    return lock;
  }

  /**
   * Tells what it stands at.
   *
   * @return the number
   */
  public long get() {
    if (!onOneNode) {
      return getUnderRead();
    }
    lock.checkOpen();
    try {
      return clamped(window.get(value));
    } catch (IllegalStateException e) {
      throw lock.unusable(e);
    } finally {
      Reference.reachabilityFence(lock); // as in ThreadHold: its entry is its own as long
    }
  }

  /** Between a step that goes too far and its taking back it stands higher for an instant. */
  private static long clamped(long number) {
    return Math.clamp(number, -MOST, MOST);
  }

  private long getUnderRead() {
    ThreadHold hold = lock.hold();
    if (!hold.acquireRead(lock, ThreadHold.FOREVER)) {
      throw lock.closedFailure(); // only for a rank that takes no part any more
    }
    try {
      return clamped(window.get(value));
    } catch (IllegalStateException e) {
      throw lock.unusable(e);
    } finally {
      hold.releaseRead(lock);
    }
  }

  /**
   * Adds.
   *
   * @param amount what
   * @return what it stood at before
   * @throws ArithmeticException if it would go too far; then nothing is added
   */
  public long add(long amount) {
    if (!onOneNode) {
      return addUnderWrite(amount);
    }
    lock.checkOpen();
    try {
      return step(amount);
    } catch (IllegalStateException e) {
      throw lock.unusable(e);
    } finally {
      Reference.reachabilityFence(lock);
    }
  }

  private long addUnderWrite(long amount) {
    ThreadHold hold = takeWrite();
    try {
      return stepAsWriter(amount);
    } catch (IllegalStateException e) {
      throw lock.unusable(e);
    } finally {
      hold.releaseWrite(lock);
    }
  }

  private ThreadHold takeWrite() {
    ThreadHold hold = lock.hold();
    if (!hold.acquireWrite(lock, ThreadHold.FOREVER)) {
      throw lock.closedFailure(); // as above
    }
    return hold;
  }

  /** A rank that others have recovered does not write any more, whatever its thread was about. */
  private long stepAsWriter(long amount) {
    if (!node.enter()) {
      throw lock.closedFailure();
    }
    try {
      return step(amount);
    } finally {
      node.leave();
    }
  }

  private long step(long amount) {
    if (amount > MOST_BLINDLY || amount < -MOST_BLINDLY) {
      return stepFar(amount);
    }
    long before = window.getAndAdd(value, amount);
    long after = before + amount;
    if (after > MOST || after < -MOST) {
      window.getAndAdd(value, -amount);
      throw tooFar(before, amount);
    }
    return before;
  }

  private long stepFar(long amount) {
    while (true) {
      long before = window.get(value);
      if (amount > 0 ? before > MOST - amount : before < -MOST - amount) {
        throw tooFar(before, amount);
      }
      if (window.compareAndSet(value, before, before + amount)) {
        return before;
      }
    }
  }

  private ArithmeticException tooFar(long before, long amount) {
    return new ArithmeticException(
        "The %s stands at %d, and %s adds %d: a counter goes from %d to %d. Reset it, or use another."
            .formatted(lock.quotedName(), clamped(before), lock.me(), amount, -MOST, MOST));
  }

  /**
   * Takes numbers that nobody else gets.
   *
   * @param count how many, at least 1
   * @return the first of them
   * @throws ArithmeticException if there are not as many any more
   */
  public long next(long count) {
    if (onOneNode) {
      return add(count);
    }
    lock.checkOpen();
    long first = take(count);
    return first != NO_NUMBER ? first : takeUnderWrite(count);
  }

  private long take(long count) {
    while (true) {
      long first = position; // before the end
      if (end - first < count) {
        return NO_NUMBER;
      }
      if (POSITION.compareAndSet(this, first, first + count)) {
        return first;
      }
    }
  }

  private long takeUnderWrite(long count) {
    ThreadHold hold = takeWrite();
    try {
      long first = take(count); // another thread may have fetched a run meanwhile
      while (first == NO_NUMBER) {
        fetch(count);
        first = take(count);
      }
      return first;
    } catch (IllegalStateException e) {
      throw lock.unusable(e);
    } finally {
      hold.releaseWrite(lock);
    }
  }

  /** Puts the next run in place, as the writer; behind the last one if nobody came between. */
  private void fetch(long count) {
    long length = count;
    if (count <= MOST / MOST_AHEAD) {
      long wanted = Math.clamp(2 * run, count, MOST_AHEAD * count);
      long room = Math.max(0, MOST - window.get(value)); // at the end they come one by one
      length = Math.max(count, Math.min(wanted, room) / count * count);
    }
    boolean mayGoOn = run != 0;
    long first = stepAsWriter(length);
    run = length;
    if (!mayGoOn || first != end) {
      end = -MOST;
      position = first;
    }
    end = first + length;
  }

  /** Forgets the numbers that this rank has taken and not handed out. */
  public void dropRun() {
    end = -MOST;
    run = 0;
  }

  /**
   * Has it stand at a number, as the writer.
   *
   * @param number which
   */
  public void set(long number) {
    if (!node.enter()) {
      throw lock.closedFailure();
    }
    try {
      window.set(value, number);
    } finally {
      node.leave();
    }
  }
}
