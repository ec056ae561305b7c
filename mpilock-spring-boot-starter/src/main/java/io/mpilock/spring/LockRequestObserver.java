/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.CollectiveCall;
import io.mpilock.LockMode;
import io.mpilock.LockedAction;
import io.mpilock.ResourceLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Is around each request of a template, on the thread that asks.
 *
 * @since 0.1.0
 */
public interface LockRequestObserver {

  /**
   * Asks for a lease.
   *
   * @param <L> the type of the lease
   * @param lock the resource's lock
   * @param mode what is asked for
   * @param request gives the lease, or null if it is not granted, or throws; to be called once
   * @return what the request gave; if this throws after that, it has closed the lease
   */
  <L extends AutoCloseable> @Nullable L request(
      ResourceLock lock, LockMode mode, Supplier<? extends @Nullable L> request);

  /**
   * Makes a single write.
   *
   * @param <T> the type of the result
   * @param <E> what the call may throw
   * @param lock the resource's lock
   * @param writer the rank that writes
   * @param call makes it; to be called once
   * @return what the call returned
   * @throws E what the call threw
   */
  <T extends @Nullable Object, E extends Throwable> T collective(
      ResourceLock lock, int writer, LockedAction<T, E> call) throws E;

  /**
   * Makes a collective call that takes no lock.
   *
   * @param <T> the type of the result
   * @param <E> what the call may throw
   * @param lock the lock of the resource that it is made on
   * @param kind which call
   * @param call makes it; to be called once
   * @return what the call returned
   * @throws E what the call threw
   */
  <T extends @Nullable Object, E extends Throwable> T together(
      ResourceLock lock, CollectiveCall kind, LockedAction<T, E> call) throws E;
}
