/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

/**
 * One request and what came of it.
 *
 * @param resource the resource's name
 * @param use how it was asked for
 * @param outcome how the request ended
 * @param contended whether it had to wait for another holder, as far as it is told
 * @param thread the name of the thread
 * @param beginNanos when it was asked for, in nanoseconds since 1970 by the clock of the rank's
 *     host
 * @param waitNanos the time from then to the grant, or to giving up
 * @param holdNanos the time from the grant to the release; 0 if it was not granted
 */
record LockEvent(
    String resource,
    LockUse use,
    LockOutcome outcome,
    boolean contended,
    String thread,
    long beginNanos,
    long waitNanos,
    long holdNanos) {

  long grantNanos() {
    return beginNanos + waitNanos;
  }

  long endNanos() {
    return beginNanos + waitNanos + holdNanos;
  }
}
