/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

/**
 * A rank failed in a collective call that all ranks had begun. Every other rank gets this
 * exception; on the rank itself its own exception goes on as it was thrown. The message is one
 * line, with the start of the original's. The name of the original's class and its stack trace,
 * with the whole message, are beside it, as text: no class of it needs to exist here.
 *
 * @since 0.1.0
 */
public class CollectiveFailedException extends MpilockException {
  private static final long serialVersionUID = 1L;

  private final int rank;
  private final String remoteClass;
  private final String remoteStackTrace;

  /**
   * Makes an exception.
   *
   * @param rank the rank that failed
   * @param message what happened, in a line
   * @param remoteClass the name of the original's class; empty if there was no exception
   * @param remoteStackTrace the original's stack trace as text; empty if there was no exception
   */
  public CollectiveFailedException(
      int rank, String message, String remoteClass, String remoteStackTrace) {
    super(message);
    this.rank = rank;
    this.remoteClass = remoteClass;
    this.remoteStackTrace = remoteStackTrace;
  }

  /**
   * Tells who failed.
   *
   * @return the rank in the controller's communicator
   */
  public int rank() {
    return rank;
  }

  /**
   * Gives the name of the class of what was thrown on that rank.
   *
   * @return such as {@code java.io.IOException}, empty if it ended without an exception
   */
  public String remoteClass() {
    return remoteClass;
  }

  /**
   * Gives the stack trace of that rank.
   *
   * @return the stack trace as text, with message and causes; empty if it ended without an
   *     exception
   */
  public String remoteStackTrace() {
    return remoteStackTrace;
  }
}
