package io.mpilock.spring;

import org.jspecify.annotations.Nullable;

/**
 * Work to do under a lock that uses the hold itself.
 *
 * @param <L> the hold: a {@link LeasedRead} or a {@link LeasedWrite}
 * @param <T> what it returns
 * @param <E> what it may throw; a lambda that throws nothing checked makes it {@link
 *     RuntimeException}
 */
@FunctionalInterface
public interface LeaseAction<L, T extends @Nullable Object, E extends Throwable> {

  /**
   * Does the work. Runs on the calling thread.
   *
   * @param lease the hold, for this thread and until this returns or throws
   * @return a value for the caller; may be null if {@code T} allows it
   * @throws E whatever the work throws; it reaches the caller as it is
   */
  T run(L lease) throws E;
}
