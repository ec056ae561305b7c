/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.progress;

import io.mpilock.failure.MpilockException;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/**
 * A work that this rank takes part in, from {@link WorkProgress#begin} to its close. Safe for use
 * by many threads.
 *
 * @since 0.1.0
 */
public final class SharedWork implements AutoCloseable {
  private static final Log LOG = LogFactory.getLog(SharedWork.class);
  private static final double NANOS_PER_SECOND = 1e9;
  private static final double MOST_SECONDS = 1e9;

  private final WorkProgress progress;
  private final String name;
  private final long units;
  private final LongSupplier done;
  private final long doneBefore;
  private final long start = System.nanoTime();
  private final LongAdder here = new LongAdder();
  private volatile long known;

  SharedWork(WorkProgress progress, String name, long units, long before, LongSupplier done) {
    this.progress = progress;
    this.name = name;
    this.units = units;
    this.done = done;
    doneBefore = before;
    known = before;
  }

  /**
   * The work's name.
   *
   * @return the job's name and the step's, with a slash between
   */
  public String name() {
    return name;
  }

  /**
   * How many units there are.
   *
   * @return their number
   */
  public long units() {
    return units;
  }

  /**
   * Counts units that this rank has done.
   *
   * @param more how many more
   */
  public void add(long more) {
    here.add(more);
  }

  /**
   * How many units this rank has done in this start of the job. Asks nobody.
   *
   * @return their number
   */
  public long doneHere() {
    return here.sum();
  }

  /**
   * Tells how far all ranks are. Between nodes it may have to ask another one, as {@link
   * io.mpilock.JobCounter#get} does, and waits as long as that; if a node is lost, it tells what it
   * knew last.
   *
   * @return the status
   */
  public WorkStatus status() {
    try {
      known = Math.min(units, done.getAsLong());
    } catch (MpilockException lost) {
      LOG.debug("The progress of a work is not known", lost);
    }
    long now = known;
    long nanos = System.nanoTime() - start;
    double perSecond = nanos == 0 ? 0 : (now - doneBefore) * NANOS_PER_SECOND / nanos;
    double seconds = now >= units ? 0 : (units - now) / perSecond;
    @Nullable Duration left =
        seconds < MOST_SECONDS ? Duration.ofNanos((long) (seconds * NANOS_PER_SECOND)) : null;
    return new WorkStatus(name, units, now, Duration.ofNanos(nanos), perSecond, left);
  }

  /** This rank takes part no longer. */
  @Override
  public void close() {
    progress.end(this);
  }
}
