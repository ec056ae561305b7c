package io.mpilock;

import org.jspecify.annotations.Nullable;

/**
 * Work to do under a lock.
 *
 * @param <T> what it returns
 * @param <E> what it may throw; a lambda that throws nothing checked makes it {@link
 *     RuntimeException}
 */
@FunctionalInterface
public interface LockedAction<T extends @Nullable Object, E extends Throwable> {

  /**
   * Does the work. Runs on the calling thread, which holds the lock until this returns or throws.
   *
   * @return a value for the caller; may be null if {@code T} allows it
   * @throws E whatever the work throws; it reaches the caller as it is
   */
  T run() throws E;
}
