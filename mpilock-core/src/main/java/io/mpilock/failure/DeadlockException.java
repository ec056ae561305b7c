/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

/**
 * This request was given up since it would have waited for ever: it was the latest in a cycle of
 * threads, each of which waits for a lock that the next one holds. The request left no trace, and
 * what the thread held before it holds still, but for a read that it gave up to upgrade; once it
 * releases that, the others go on. The message names all of them. Take several locks in one order
 * everywhere, and it does not happen.
 *
 * @since 0.1.0
 */
public final class DeadlockException extends MpilockException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message what happened, to whom, and what to do
   */
  public DeadlockException(String message) {
    super(message);
  }
}
