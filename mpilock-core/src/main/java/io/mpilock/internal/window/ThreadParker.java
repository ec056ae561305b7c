/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * How threads of one rank keep each other out, and wait for each other. A test may have its own.
 */
public interface ThreadParker {

  /** As threads do it outside of tests. */
  ThreadParker REAL =
      new ThreadParker() {
        @Override
        public boolean isReal() {
          return true;
        }

        @Override
        public void park(Object blocker, long nanos) {
          if (nanos == Waiter.FOREVER) {
            LockSupport.park(blocker);
          } else {
            LockSupport.parkNanos(blocker, nanos);
          }
        }

        @Override
        public void unpark(Thread thread) {
          LockSupport.unpark(thread);
        }
      };

  /** Whether they may start a thread that sleeps for others. */
  default boolean isReal() {
    return false;
  }

  /** Starts one; what it throws is that of {@link Thread#start}, such as for want of memory. */
  default Thread startDaemon(String name, Runnable body) {
    return Thread.ofPlatform().daemon().name(name).start(body);
  }

  /**
   * Runs what one thread of the rank at a time may be in: a synchronized block, which nothing that
   * is thrown leaves locked. A {@code ReentrantLock} may throw for want of stack when it has locked
   * (JEP 270). Not to be nested.
   */
  default <T extends @Nullable Object> T alone(Object monitor, Supplier<T> piece) {
    synchronized (monitor) {
      return piece.get();
    }
  }

  /** As {@link LockSupport#parkNanos(Object, long)}, or without end. */
  void park(Object blocker, long nanos);

  /** As {@link LockSupport#unpark}. */
  void unpark(Thread thread);
}
