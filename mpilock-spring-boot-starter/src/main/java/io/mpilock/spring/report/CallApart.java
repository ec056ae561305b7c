package io.mpilock.spring.report;

import java.time.Duration;

/**
 * Collective calls that may take only so long, made on a thread of their own: a single write has a
 * time-out until its body begins, and none after that. For mpilock's own packages.
 */
public final class CallApart {
  /** What is waited for beyond the calls' own time-outs, and for their giving up. */
  private static final Duration GRACE = Duration.ofSeconds(1);

  private CallApart() {}

  /**
   * Makes the calls. If they take too long, or the caller is interrupted, their thread is
   * interrupted, and left behind if it does not end at once: another call of this rank must not
   * overtake theirs and stand in its place.
   *
   * @param name of the thread
   * @param time how long the calls may take by their own time-outs
   * @param calls do not throw, and end soon when they are interrupted
   * @return whether they ended in time
   * @throws InterruptedException if the caller was interrupted
   */
  public static boolean make(String name, Duration time, Runnable calls)
      throws InterruptedException {
    Thread thread = Thread.ofPlatform().daemon().name(name).start(calls);
    try {
      if (thread.join(time.plus(GRACE))) {
        return true;
      }
    } catch (InterruptedException e) {
      end(thread);
      throw e;
    }
    end(thread);
    return false;
  }

  private static void end(Thread thread) {
    thread.interrupt();
    try {
      thread.join(GRACE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
