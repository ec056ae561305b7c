/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.IOException;

/** Whoever listens there is not of this job. */
final class NotAGateException extends IOException {
  private static final long serialVersionUID = 1L;

  NotAGateException(String message) {
    super(message);
  }
}
