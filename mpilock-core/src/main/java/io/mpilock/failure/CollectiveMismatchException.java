/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

/**
 * The ranks did not agree on a collective call: another resource, another writer, one in a single
 * write and one in close, one that gave up. Every rank gets it, and its message says who called
 * what.
 *
 * @since 0.1.0
 */
public final class CollectiveMismatchException extends MpilockException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message what happened, to whom, and what to do
   */
  public CollectiveMismatchException(String message) {
    super(message);
  }
}
