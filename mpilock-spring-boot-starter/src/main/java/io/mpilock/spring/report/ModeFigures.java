package io.mpilock.spring.report;

import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.AtomicHistogram;
import org.HdrHistogram.Histogram;

/** What one rank came to with one resource in one mode, while it runs. No lock, no allocation. */
final class ModeFigures {
  private final AtomicHistogram waits = Histograms.shared();
  private final AtomicHistogram holds = Histograms.shared();
  private final LongAdder waitNanos = new LongAdder();
  private final LongAdder holdNanos = new LongAdder();
  private final LongAdder contended = new LongAdder();
  private final LongAdder gaveUp = new LongAdder();
  private final LongAdder failed = new LongAdder();

  void granted(long nanos, boolean hadToWait) {
    waited(nanos);
    if (hadToWait) {
      contended.increment();
    }
  }

  void waited(long nanos) {
    Histograms.record(waits, nanos);
    waitNanos.add(nanos);
  }

  void held(long nanos) {
    Histograms.record(holds, nanos);
    holdNanos.add(nanos);
  }

  void gaveUp(long nanos) {
    gaveUp.increment();
    waitNanos.add(nanos);
  }

  void failed(long nanos) {
    failed.increment();
    waitNanos.add(nanos);
  }

  ModeRecord snapshot(String resource, LockUse use) {
    return new ModeRecord(
        resource,
        use,
        contended.sum(),
        gaveUp.sum(),
        failed.sum(),
        waitNanos.sum(),
        holdNanos.sum(),
        plain(waits),
        plain(holds));
  }

  private static Histogram plain(AtomicHistogram shared) {
    Histogram plain = Histograms.plain();
    plain.add(shared.copy());
    return plain;
  }
}
