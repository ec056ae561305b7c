/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

/**
 * A call that could only deadlock or corrupt was refused at once: a write inside a read, a lease
 * closed by a thread that does not own it, a single write by a thread that holds the resource,
 * {@code share} on a rank that does not write. Nothing changed; the message says which call is the
 * right one.
 *
 * @since 0.1.0
 */
public final class LockUseException extends MpilockException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message what happened, to whom, and what to do
   */
  public LockUseException(String message) {
    super(message);
  }
}
