/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Work to do under a lock. It is a {@link Callable} too, so that methods which take either get
 * lambdas as this, in Java, and keep what they throw.
 *
 * @param <T> what it returns
 * @param <E> what it may throw; a lambda that throws nothing checked makes it {@link
 *     RuntimeException}
 * @since 0.1.0
 */
@FunctionalInterface
public interface LockedAction<T extends @Nullable Object, E extends Throwable> extends Callable<T> {

  /**
   * Does the work. Runs on the calling thread, which holds the lock until this returns or throws.
   *
   * @return a value for the caller; may be null if {@code T} allows it
   * @throws E whatever the work throws; it reaches the caller as it is
   */
  T run() throws E;

  /** As {@link #run}, whatever that throws. */
  @Override
  @SuppressWarnings("unchecked") // what is thrown is not checked when it runs
  default T call() throws Exception {
    return ((LockedAction<T, Exception>) this).run();
  }
}
