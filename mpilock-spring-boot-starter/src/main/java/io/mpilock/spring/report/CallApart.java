/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.time.Duration;

/**
 * Collective calls that may take only so long, made on a thread of their own: a single write has a
 * time-out until its body begins, and none after that. For mpilock's own packages.
 *
 * @since 0.1.0
 */
public final class CallApart {
  /** Usually enough beyond the calls' own time-outs, and for their giving up. */
  public static final Duration GRACE = Duration.ofSeconds(1);

  private CallApart() {}

  /**
   * Makes the calls. If they take too long, or the caller is interrupted, their thread is
   * interrupted, and left behind if it does not end at once: another call of this rank must not
   * overtake theirs and stand in its place.
   *
   * @param name of the thread
   * @param time how long the calls may take by their own time-outs
   * @param grace what is waited for beyond that, and then once more for their giving up
   * @param calls do not throw, and end soon when they are interrupted
   * @return whether they ended in time
   * @throws InterruptedException if the caller was interrupted
   */
  public static boolean make(String name, Duration time, Duration grace, Runnable calls)
      throws InterruptedException {
    Thread thread = Thread.ofPlatform().daemon().name(name).start(calls);
    try {
      if (thread.join(time.plus(grace))) {
        return true;
      }
    } catch (InterruptedException e) {
      end(thread, grace);
      throw e;
    }
    end(thread, grace);
    return false;
  }

  private static void end(Thread thread, Duration grace) {
    thread.interrupt();
    try {
      thread.join(grace);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
