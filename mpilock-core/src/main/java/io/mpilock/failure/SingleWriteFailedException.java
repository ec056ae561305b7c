package io.mpilock.failure;

/**
 * The body of a single write failed on the rank that ran it. Every other rank gets this exception;
 * on the writing rank the body's own exception goes on as it was thrown. The message carries the
 * original's message, and {@link #remoteStackTrace()} its stack trace, both as text: no class of it
 * needs to exist here.
 */
public final class SingleWriteFailedException extends MpilockException {
  private static final long serialVersionUID = 1L;

  private final int rank;
  private final String remoteStackTrace;

  /**
   * Makes an exception.
   *
   * @param rank the rank that ran the body
   * @param message what happened, with the original's message
   * @param remoteStackTrace the original's stack trace as text; empty if there was no exception
   */
  public SingleWriteFailedException(int rank, String message, String remoteStackTrace) {
    super(remoteStackTrace.isEmpty() ? message : message + "\n" + remoteStackTrace.stripTrailing());
    this.rank = rank;
    this.remoteStackTrace = remoteStackTrace;
  }

  /**
   * Tells who ran the body.
   *
   * @return the rank in the controller's communicator
   */
  public int rank() {
    return rank;
  }

  /**
   * Gives the stack trace of the writing rank.
   *
   * @return the stack trace as text, empty if the body ended without an exception
   */
  public String remoteStackTrace() {
    return remoteStackTrace;
  }
}
