/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import org.HdrHistogram.Histogram;

/** What one rank came to with one resource in one mode. For one thread at a time. */
final class ModeFigures {
  private final Histogram waits = Histograms.plain();
  private final Histogram holds = Histograms.plain();
  private long waitNanos;
  private long holdNanos;
  private long contended;
  private long gaveUp;
  private long failed;

  void granted(long nanos, boolean hadToWait) {
    waited(nanos);
    if (hadToWait) {
      contended++;
    }
  }

  void waited(long nanos) {
    Histograms.record(waits, nanos);
    waitNanos += nanos;
  }

  void held(long nanos) {
    Histograms.record(holds, nanos);
    holdNanos += nanos;
  }

  void gaveUp(long nanos) {
    gaveUp++;
    waitNanos += nanos;
  }

  void failed(long nanos) {
    failed++;
    waitNanos += nanos;
  }

  ModeRecord snapshot(String resource, LockUse use) {
    return new ModeRecord(
        resource, use, contended, gaveUp, failed, waitNanos, holdNanos, waits.copy(), holds.copy());
  }
}
