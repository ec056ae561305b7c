/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.MpilockException;

/** What is thrown when a call into native code could not even be made. */
final class Downcalls {

  private Downcalls() {}

  /** Passes on what needs no wrapping; a method handle declares {@link Throwable}. */
  static RuntimeException failed(String function, Throwable cause) {
    if (cause instanceof RuntimeException e) {
      return e;
    }
    if (cause instanceof Error e) {
      throw e;
    }
    return new MpilockException(function + " could not be called: " + cause, cause);
  }
}
