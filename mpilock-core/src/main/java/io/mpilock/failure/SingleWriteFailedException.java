/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

/**
 * The body of a single write failed on the rank that ran it, which {@link #rank()} tells. Every
 * other rank gets this exception; on the writing rank the body's own exception goes on as it was
 * thrown.
 *
 * @since 0.1.0
 */
public final class SingleWriteFailedException extends CollectiveFailedException {
  private static final long serialVersionUID = 3L;

  /**
   * Makes an exception.
   *
   * @param rank the rank that ran the body
   * @param message what happened, in a line
   * @param remoteClass the name of the original's class; empty if there was no exception
   * @param remoteStackTrace the original's stack trace as text; empty if there was no exception
   */
  public SingleWriteFailedException(
      int rank, String message, String remoteClass, String remoteStackTrace) {
    super(rank, message, remoteClass, remoteStackTrace);
  }
}
