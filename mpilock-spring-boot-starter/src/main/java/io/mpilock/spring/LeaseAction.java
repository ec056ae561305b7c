/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Work to do under a lock that uses the hold itself. It is a {@link Function} too, so that methods
 * which take either get lambdas as this, in Java, and keep what they throw.
 *
 * @param <L> the hold: a {@link LeasedRead} or a {@link LeasedWrite}
 * @param <T> what it returns
 * @param <E> what it may throw; a lambda that throws nothing checked makes it {@link
 *     RuntimeException}
 * @since 0.1.0
 */
@FunctionalInterface
public interface LeaseAction<L, T extends @Nullable Object, E extends Throwable>
    extends Function<L, T> {

  /**
   * Does the work. Runs on the calling thread.
   *
   * @param lease the hold, for this thread and until this returns or throws
   * @return a value for the caller; may be null if {@code T} allows it
   * @throws E whatever the work throws; it reaches the caller as it is
   */
  T run(L lease) throws E;

  /** As {@link #run}, whatever that throws. */
  @Override
  @SuppressWarnings("unchecked") // what is thrown is not checked when it runs
  default T apply(L lease) {
    return ((LeaseAction<L, T, RuntimeException>) this).run(lease);
  }
}
