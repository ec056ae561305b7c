/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One thread's wait for one thing: spins shortly, then yields, then sleeps on a bell, and knows
 * when to give up. Made when a wait begins, used by one thread.
 *
 * <p>Spinning is for a holder on another core, yielding for one that waits for this core; both
 * together last at most some milliseconds, so a wait of 100 ms costs less than 5 % of a core.
 * Sleeps come in slices, in which deadline, interruption, closing, dead ranks and stalls are looked
 * at: these are what ends a wait when the bell never rings.
 */
public final class Waiter {
  public static final long FOREVER = Long.MAX_VALUE;

  public static final long SLICE_NANOS = 20_000_000;
  public static final long CHECK_NANOS = 250_000_000;

  /**
   * So long before its end, or in its second half, a timed wait asks ahead, and then sleeps this
   * shortly.
   */
  private static final long ASK_NANOS = 500_000_000;

  private static final long ASK_SLICE_NANOS = 5_000_000;

  /** Looks for deadlocks that one wait is part of. */
  public interface DeadlockCheck {

    /** Looks; throws if this request is to be given up. */
    void look();

    /** The wait is over. */
    void end();
  }

  /** What a waiter looks at now and then; called with no word of the window held. */
  public interface Watch {
    /** Looks for dead ranks, and throws or recovers. */
    void check();

    /**
     * Tells in words what is waited for, by whom, and who holds it. Does not take longer than the
     * wait may last still.
     */
    String describe(long waitedNanos);

    /**
     * Whether this wait is to be reported now, after a stall warning's time, or somebody else has
     * reported what is the same stall.
     *
     * @param now by the node's clock, in nanoseconds
     * @param interval the stall warning's time
     * @return 0 if it is to be reported, else how long to wait before it is asked again
     */
    default long untilStall(long now, long interval) {
      return 0;
    }

    /**
     * Whether the thread holds something that others may wait for, so that cycles are to be looked
     * for also while it waits for other threads of its rank.
     */
    default boolean holdsAny() {
      return false;
    }

    /**
     * What looks for cycles of waits that this one is part of, or null if nothing does. Asked for
     * once.
     *
     * @param waitedNanos how long the wait has lasted
     */
    default @Nullable DeadlockCheck deadlockCheck(long waitedNanos) {
      return null;
    }

    /**
     * The time is nearly over: what is to be told then may be asked for. Takes no time to speak of.
     *
     * @return whether to be called again soon
     */
    default boolean askAhead() {
      return false;
    }
  }

  private final RankContext node;
  private final String resource;
  private final Watch watch;
  private final long start;
  private final long timeoutNanos;
  private int spins;
  private boolean interrupted;
  private boolean uninterruptible;
  private boolean cleared;
  private @Nullable BooleanSupplier refused;
  private @Nullable DeadlockCheck deadlockCheck;

  /** Until it is found, after a while, that the thread holds nothing, and so is in no cycle. */
  private boolean looksForDeadlocks = true;

  private long nextCheck = CHECK_NANOS;
  private long nextStall;

  /**
   * Begins a wait.
   *
   * @param start when the caller's time began, by {@link System#nanoTime()}
   * @param timeoutNanos how long after that it ends, or {@link #FOREVER}
   */
  public Waiter(RankContext node, String resource, long start, long timeoutNanos, Watch watch) {
    this.node = node;
    this.resource = resource;
    this.start = start;
    this.timeoutNanos = timeoutNanos;
    this.watch = watch;
    this.nextStall = node.settings().stallWarning().toNanos();
  }

  /** Gives up when somebody would have to be waited for: for a try that must ask another node. */
  public Waiter untilRefused(BooleanSupplier condition) {
    refused = condition;
    return this;
  }

  public boolean isTry() {
    return refused != null;
  }

  /** Waits on when the thread is interrupted; to be followed by {@link #end}. */
  public Waiter uninterruptible() {
    uninterruptible = true;
    return this;
  }

  /** Ends the wait: tells the thread of an interrupt through which it waited. */
  public void end() {
    if (deadlockCheck != null) {
      deadlockCheck.end();
    }
    if (cleared) {
      cleared = false;
      Thread.currentThread().interrupt();
    }
  }

  /** Looks whether this wait is part of a cycle of waits; throws if it is to be given up. */
  private void checkDeadlock() {
    DeadlockCheck looks =
        deadlockCheck == null ? watch.deadlockCheck(node.nanoTime() - start) : deadlockCheck;
    deadlockCheck = looks;
    if (looks != null) {
      looks.look();
    }
  }

  private boolean isInterrupted() {
    if (uninterruptible) {
      cleared |= Thread.interrupted();
      return false;
    }
    boolean now = Thread.currentThread().isInterrupted();
    interrupted |= now;
    return now;
  }

  /**
   * Waits a little.
   *
   * @return true to look again; false to give up, because time is over, the thread was {@linkplain
   *     #wasInterrupted() interrupted}, or the controller was closed
   */
  public boolean pause(Bell bell, BooleanSupplier done) {
    return !(node.isClosed() && spins >= node.spinLimit()) && pauseInClose(bell, done);
  }

  /**
   * Waits for another thread of this rank to wake this one, which looks at dead ranks and stalls.
   *
   * @return as {@link #pause}
   */
  public boolean park(Object blocker) {
    long left = remainingNanos();
    if (node.isClosed() || left <= 0 || isInterrupted()) {
      return false;
    }
    long slice = looksForDeadlocks ? Math.min(left, CHECK_NANOS) : left;
    node.threads().park(blocker, slice);
    long waited = slice < left ? node.nanoTime() - start : 0;
    if (waited >= nextCheck) {
      nextCheck = waited + CHECK_NANOS;
      looksForDeadlocks = watch.holdsAny(); // not before: a thread may have many holds to look at
      if (looksForDeadlocks) {
        checkDeadlock();
      }
    }
    return true;
  }

  /** As {@link #pause}, for waits that are part of closing. */
  public boolean pauseInClose(Bell bell, BooleanSupplier done) {
    BooleanSupplier refusal = refused;
    if (refusal != null && refusal.getAsBoolean()) {
      return false;
    }
    if (spins < node.spinLimit()) {
      spins++;
      Thread.onSpinWait();
      return true;
    }
    long waited = node.nanoTime() - start;
    if (waited >= timeoutNanos) {
      return false;
    }
    if (isInterrupted()) {
      return false;
    }
    if (waited < node.yieldNanos()) {
      yieldCore();
      return true;
    }
    boolean asks =
        timeoutNanos - waited <= Math.min(ASK_NANOS, timeoutNanos / 2) && watch.askAhead();
    bell.sleep(
        refusal == null ? done : () -> done.getAsBoolean() || refusal.getAsBoolean(),
        Math.min(asks ? ASK_SLICE_NANOS : bell.longestSleep(), timeoutNanos - waited));
    look(node.nanoTime() - start);
    return true;
  }

  /** Waits on though interrupted, or closed: for what the other ranks rely on. */
  void awaitUninterruptibly(Bell bell, BooleanSupplier done) {
    boolean cleared = false;
    try {
      while (!done.getAsBoolean()) {
        if (!pauseInClose(bell, done)) {
          cleared |= Thread.interrupted();
        }
      }
    } finally {
      if (cleared) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Goes on as after the spinning: for a loop whose turns are long by themselves. */
  public void skipSpinning() {
    spins = node.spinLimit();
  }

  /** Backs off in a loop that ends within microseconds unless the other side lost its core. */
  public static void backOff(int turn) {
    if (turn % 16 == 0) {
      yieldCore();
    } else {
      Thread.onSpinWait();
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // a hint only: correctness never rests on the scheduler
  private static void yieldCore() {
    Thread.yield();
  }

  private void look(long waited) {
    if (waited >= nextCheck) {
      nextCheck = waited + CHECK_NANOS;
      watch.check();
      checkDeadlock();
    }
    if (waited >= nextStall) {
      long interval = node.settings().stallWarning().toNanos();
      long left = watch.untilStall(start + waited, interval);
      nextStall = waited + (left > 0 ? left : interval);
      if (left <= 0) {
        node.stalled(resource, watch.describe(waited));
      }
    }
  }

  public boolean wasInterrupted() {
    return interrupted;
  }

  public long remainingNanos() {
    return timeoutNanos == FOREVER
        ? FOREVER
        : Math.max(0, timeoutNanos - (node.nanoTime() - start));
  }
}
