/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import org.jspecify.annotations.Nullable;

/**
 * Receives what happens to the locks of one rank's controller, for meters and traces. mpilock calls
 * it on the thread that locks, so an implementation must be quick and must not throw. Whatever it
 * throws, an {@link Error} included, is logged once and otherwise ignored: the lock is granted or
 * released all the same, and the other listeners are called. It must not lock. Times are
 * nanoseconds by {@link System#nanoTime()}.
 *
 * <p>Only a thread's outermost read and outermost write of a resource are reported: a nested one
 * waits for no other thread. When no listener is registered, nothing is measured and no clock is
 * read. With a listener, a lock that is granted without a wait reads the clock twice, at the
 * request and after the release; one that had to wait reads it at the grant, too.
 *
 * @since 0.1.0
 */
public interface LockListener {

  /**
   * A thread asks for a resource.
   *
   * @param resource the resource's name
   * @param mode how
   */
  default void requested(String resource, LockMode mode) {}

  /**
   * The request was granted.
   *
   * @param resource the resource's name
   * @param mode how
   * @param waitNanos the time from the request to the grant; 0 if it did not wait
   * @param contended whether it had to wait for another holder
   */
  default void granted(String resource, LockMode mode, long waitNanos, boolean contended) {}

  /**
   * The request was granted, with the time of it. Override this instead of {@link #granted(String,
   * LockMode, long, boolean)}, which it calls, where the time matters.
   *
   * @param resource the resource's name
   * @param mode how
   * @param waitNanos the time from the request to the grant; 0 if it did not wait
   * @param contended whether it had to wait for another holder
   * @param now the grant, by {@link System#nanoTime()}
   */
  default void granted(
      String resource, LockMode mode, long waitNanos, boolean contended, long now) {
    granted(resource, mode, waitNanos, contended);
  }

  /**
   * The hold ended.
   *
   * @param resource the resource's name
   * @param mode how it was held
   * @param holdNanos the time from the grant to the release
   */
  default void released(String resource, LockMode mode, long holdNanos) {}

  /**
   * The hold ended, with the time of it. Override this instead of {@link #released(String,
   * LockMode, long)}, which it calls, where the time matters.
   *
   * @param resource the resource's name
   * @param mode how it was held
   * @param holdNanos the time from the grant to the release
   * @param now the release, by {@link System#nanoTime()}
   */
  default void released(String resource, LockMode mode, long holdNanos, long now) {
    released(resource, mode, holdNanos);
  }

  /**
   * The request was not granted: a try found the resource held, or the time was over.
   *
   * @param resource the resource's name
   * @param mode how it was asked for
   * @param waitNanos the time from the request to giving up
   */
  default void timedOut(String resource, LockMode mode, long waitNanos) {}

  /**
   * The request failed: the thread was interrupted, a rank died, the controller was closed; or an
   * {@link Error} came in between, as for want of stack or memory.
   *
   * @param resource the resource's name
   * @param mode how it was asked for
   * @param waitNanos the time from the request to the failure
   * @param failure what the caller gets
   */
  default void failed(String resource, LockMode mode, long waitNanos, Throwable failure) {}

  /**
   * A single write ended on this rank.
   *
   * @param resource the resource's name
   * @param writer whether this rank was the one that wrote
   * @param nanos the time from the call to the end
   * @param sharedBytes the size of what was shared, encoded; 0 if nothing was
   * @param failure what the caller gets, or null if it succeeded
   */
  default void singleWrite(
      String resource, boolean writer, long nanos, long sharedBytes, @Nullable Throwable failure) {}

  /**
   * A collective call that takes no lock ended on this rank.
   *
   * @param resource the name of the resource that it was made on
   * @param call which call
   * @param nanos the time from the call to the end
   * @param sharedBytes the size of what this rank sent and received, encoded
   * @param failure what the caller gets, or null if it succeeded
   */
  default void collective(
      String resource,
      CollectiveCall call,
      long nanos,
      long sharedBytes,
      @Nullable Throwable failure) {}

  /**
   * A wait has lasted for the stall warning's time, and is reported to the log too.
   *
   * @param resource the resource's name
   * @param report who holds it and who waits, in words
   */
  default void stalled(String resource, String report) {}
}
