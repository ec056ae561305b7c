/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.MpilockException;

/** An MPI function returned an error. */
final class MpiException extends MpilockException {
  private static final long serialVersionUID = 1L;

  private final boolean processFailure;

  MpiException(String call, int code, String text) {
    super(call + " failed with error " + code + ": " + text);
    processFailure = text.contains("PROC_FAILED");
  }

  /**
   * Whether a rank of the communicator has died, says MPI with ULFM (User Level Failure
   * Mitigation): MPI_ERR_PROC_FAILED, whose number each library chooses.
   */
  boolean isProcessFailure() {
    return processFailure;
  }
}
