/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

/**
 * Work without a result to do under a lock.
 *
 * @param <E> what it may throw; a lambda that throws nothing checked makes it {@link
 *     RuntimeException}
 * @since 0.1.0
 */
@FunctionalInterface
public interface LockedRunnable<E extends Throwable> {

  /**
   * Does the work. Runs on the calling thread, which holds the lock until this returns or throws.
   *
   * @throws E whatever the work throws; it reaches the caller as it is
   */
  void run() throws E;
}
