/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

/**
 * A waiting thread was interrupted. The request left no trace, and the thread's interrupt status is
 * set.
 *
 * @since 0.1.0
 */
public final class LockInterruptedException extends MpilockException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message which request was interrupted
   */
  public LockInterruptedException(String message) {
    super(message);
  }
}
