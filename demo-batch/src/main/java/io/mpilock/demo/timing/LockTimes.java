package io.mpilock.demo.timing;

import io.mpilock.LockListener;
import io.mpilock.LockMode;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Remembers when this rank waited for the lock of one resource and held it. The ranks are different
 * processes, so the spans are on the clock of the day; between two readings of it they advance with
 * the steady clock of the JVM.
 */
public final class LockTimes implements LockListener {
  private final String resource;
  private final LongSupplier nanoTime;
  private final long originMicros;
  private final long originNanos;
  private final List<Span> spans = new ArrayList<>();

  /**
   * Makes a listener.
   *
   * @param resource the resource that counts; others are ignored
   * @param wallClock the clock of the day
   * @param nanoTime the steady clock, such as {@code System::nanoTime}
   */
  public LockTimes(String resource, InstantSource wallClock, LongSupplier nanoTime) {
    this.resource = resource;
    this.nanoTime = nanoTime;
    this.originNanos = nanoTime.getAsLong();
    this.originMicros = Duration.between(Instant.EPOCH, wallClock.instant()).toNanos() / 1000;
  }

  @Override
  public void granted(String name, LockMode mode, long waitNanos, boolean contended) {
    if (name.equals(resource)) {
      add(Span.Kind.WAITED, waitNanos);
    }
  }

  @Override
  public void released(String name, LockMode mode, long holdNanos) {
    if (name.equals(resource)) {
      add(mode == LockMode.READ ? Span.Kind.READ : Span.Kind.WROTE, holdNanos);
    }
  }

  /**
   * Gives what happened so far.
   *
   * @param rank the rank that this is
   * @return a copy
   */
  public synchronized RankTimes of(int rank) {
    return new RankTimes(rank, spans);
  }

  /** Adds a span that ends now. */
  private synchronized void add(Span.Kind kind, long nanos) {
    long end = originMicros + (nanoTime.getAsLong() - originNanos) / 1000;
    spans.add(new Span(kind, end - nanos / 1000, end));
  }
}
