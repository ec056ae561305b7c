/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Interrupts one thread while it waits for a lock, and never outside. */
final class Alarm {
  private static final ScheduledExecutorService CLOCK =
      Executors.newSingleThreadScheduledExecutor(
          task -> Thread.ofPlatform().daemon().name("soak-alarm").unstarted(task));

  private final Thread thread;
  private long armed;
  private long last;

  /** For the calling thread. */
  Alarm() {
    this.thread = Thread.currentThread();
  }

  /** Interrupts the thread at once, or at a time soon. */
  void arm(SplittableRandom random) {
    long number;
    synchronized (this) {
      number = ++last;
      armed = number;
    }
    if (random.nextInt(4) == 0) {
      thread.interrupt();
    } else {
      var _ = CLOCK.schedule(() -> ring(number), random.nextInt(3_000), TimeUnit.MICROSECONDS);
    }
  }

  private synchronized void ring(long number) {
    if (armed == number) {
      thread.interrupt();
    }
  }

  /** From here on the thread is not interrupted; tells whether it was. */
  synchronized boolean disarm() {
    armed = 0;
    return Thread.interrupted();
  }
}
