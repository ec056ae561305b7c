/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

/**
 * A timed request was not granted in time. The request left no trace: no thread waits for it. The
 * message names who held the lock.
 *
 * @since 0.1.0
 */
public final class LockTimeoutException extends MpilockException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message what happened, to whom, and what to do
   */
  public LockTimeoutException(String message) {
    super(message);
  }
}
