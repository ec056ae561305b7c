package io.mpilock.demo;

import org.jspecify.annotations.Nullable;

/** Something that the user of the demo can put right. The message says all that there is to say. */
public final class DemoException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message what is wrong and what to do, for the console
   */
  public DemoException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a cause.
   *
   * @param message what is wrong and what to do, for the console
   * @param cause what led to it, or null
   */
  public DemoException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
