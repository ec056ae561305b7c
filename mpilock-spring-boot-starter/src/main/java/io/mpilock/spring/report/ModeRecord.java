/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import org.HdrHistogram.Histogram;

/**
 * What came of one resource in one mode, on one rank or on several.
 *
 * @param resource the resource's name
 * @param use the mode
 * @param contended how many grants had to wait for another holder
 * @param gaveUp how many requests were given up, tries included
 * @param failed how many requests ended in an exception
 * @param waitNanos the sum of all waits, those of requests that were not granted included
 * @param holdNanos the sum of all holds
 * @param waits the waits of the requests that were granted, in nanoseconds
 * @param holds the holds that have ended, in nanoseconds
 */
record ModeRecord(
    String resource,
    LockUse use,
    long contended,
    long gaveUp,
    long failed,
    long waitNanos,
    long holdNanos,
    Histogram waits,
    Histogram holds) {

  /** How often it was granted; for single writes, how often a rank took part in one. */
  long granted() {
    return use == LockUse.SINGLE_WRITE
        ? waits.getTotalCount() + holds.getTotalCount()
        : waits.getTotalCount();
  }

  /** The figures of both, with the distributions merged, not their percentiles. */
  ModeRecord plus(ModeRecord other) {
    return new ModeRecord(
        resource,
        use,
        contended + other.contended,
        gaveUp + other.gaveUp,
        failed + other.failed,
        waitNanos + other.waitNanos,
        holdNanos + other.holdNanos,
        sum(waits, other.waits),
        sum(holds, other.holds));
  }

  private static Histogram sum(Histogram a, Histogram b) {
    Histogram sum = a.copy();
    sum.setAutoResize(true);
    sum.add(b);
    return sum;
  }
}
