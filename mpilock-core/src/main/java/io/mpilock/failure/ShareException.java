/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

/**
 * An object could not be encoded for sharing, or could not be decoded, or its class is not on the
 * allow-list.
 *
 * @since 0.1.0
 */
public final class ShareException extends MpilockException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message which object, on which rank, and what to do
   * @param cause what the codec threw
   */
  public ShareException(String message, Throwable cause) {
    super(message, cause);
  }
}
