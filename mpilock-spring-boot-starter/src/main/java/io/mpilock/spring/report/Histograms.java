/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.concurrent.TimeUnit;
import org.HdrHistogram.AbstractHistogram;
import org.HdrHistogram.Histogram;

/**
 * Makes the distributions of the report: nanoseconds up to a day, at a precision of 1 %. A longer
 * time counts as a day. At most some 40 KB each.
 */
final class Histograms {
  private static final long LONGEST_NANOS = TimeUnit.DAYS.toNanos(1);
  private static final int DIGITS = 2;

  private Histograms() {}

  /** One for a single thread, as small as what is in it allows. */
  static Histogram plain() {
    return new Histogram(DIGITS);
  }

  static void record(AbstractHistogram histogram, long nanos) {
    histogram.recordValue(clamp(nanos));
  }

  static void record(AbstractHistogram histogram, long nanos, long count) {
    histogram.recordValueWithCount(clamp(nanos), count);
  }

  private static long clamp(long nanos) {
    return Math.max(0, Math.min(LONGEST_NANOS, nanos));
  }
}
