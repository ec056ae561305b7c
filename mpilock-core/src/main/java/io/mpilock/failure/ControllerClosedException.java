/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

/**
 * The controller was closed, or is being closed, on this rank. Every call after {@code close()}
 * throws this one.
 *
 * @since 0.1.0
 */
public final class ControllerClosedException extends MpilockException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message what happened, to whom, and what to do
   */
  public ControllerClosedException(String message) {
    super(message);
  }
}
