/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

import org.jspecify.annotations.Nullable;

/**
 * The root of everything that mpilock throws on its own account.
 *
 * @since 0.1.0
 */
public class MpilockException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message what happened, to whom, and what to do
   */
  public MpilockException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a cause.
   *
   * @param message what happened, to whom, and what to do
   * @param cause what led to it, or null
   */
  public MpilockException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
