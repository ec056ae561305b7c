/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

/**
 * A rank died, or left while it held the lock, and this call would have waited for it, or would
 * have read what it left half-written.
 *
 * @since 0.1.0
 */
public final class RankFailedException extends MpilockException {
  private static final long serialVersionUID = 1L;

  private final int rank;

  /**
   * Makes an exception.
   *
   * @param rank the rank that failed, in the controller's communicator
   * @param message what happened, to whom, and what to do
   */
  public RankFailedException(int rank, String message) {
    super(message);
    this.rank = rank;
  }

  /**
   * Tells who failed.
   *
   * @return the rank in the controller's communicator
   */
  public int rank() {
    return rank;
  }
}
