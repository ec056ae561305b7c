/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.MpilockException;

/** An MPI function returned an error. */
final class MpiException extends MpilockException {
  private static final long serialVersionUID = 1L;

  MpiException(String call, int code, String text) {
    super(call + " failed with error " + code + ": " + text);
  }
}
