/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.mpilock.CollectiveCall;
import io.mpilock.LockMode;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiFunction;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * The meters of one resource: each is made when it is first used, and then only added to. Counters
 * are made with the first request, since what is counted is often told as an increase from 0.
 */
final class ResourceMeters {
  private final MeterRegistry registry;
  private final List<Meter> all = new ArrayList<>();
  private boolean removed; // guarded by all, as what is in it

  private final ModeMeters read;
  private final ModeMeters write;
  private final RoleMeters writer;
  private final RoleMeters other;
  private final Map<CollectiveCall, Outcomes> calls = new EnumMap<>(CollectiveCall.class);
  private final Lazy<Counter> stalls;
  private final Lazy<Counter> deadlocks;

  ResourceMeters(MeterRegistry registry, Tags tags) {
    this.registry = registry;
    this.read = new ModeMeters(tags.and("mode", LockMode.READ.toString()));
    this.write = new ModeMeters(tags.and("mode", LockMode.WRITE.toString()));
    this.writer = new RoleMeters(tags.and("role", "writer"));
    this.other = new RoleMeters(tags.and("role", "other"));
    for (CollectiveCall call : CollectiveCall.values()) {
      calls.put(call, new Outcomes(tags.and("call", call.toString())));
    }
    this.stalls = counter(tags, "stalls", "Waits that were reported for their length");
    this.deadlocks =
        counter(tags, "deadlocks", "Requests that were given up as the latest in a cycle of waits");
  }

  /** A meter that nobody has used before is not in the registry. */
  private final class Lazy<M extends Meter> {
    private final BiFunction<MeterRegistry, Tags, M> make;
    private final Tags tags;
    private volatile @Nullable M made;

    Lazy(Tags tags, BiFunction<MeterRegistry, Tags, M> make) {
      this.make = make;
      this.tags = tags;
    }

    /** Gives it, or null when all have been removed. */
    @Nullable M get() {
      M known = made;
      return known != null ? known : register();
    }

    private @Nullable M register() {
      synchronized (all) {
        M known = made;
        if (known == null && !removed) {
          known = make.apply(registry, tags);
          all.add(known);
          made = known;
        }
        return known;
      }
    }
  }

  private Lazy<Counter> counter(Tags tags, String name, String description) {
    return new Lazy<>(
        tags,
        (registry, these) ->
            Counter.builder("mpilock.lock." + name)
                .description(description)
                .tags(these)
                .register(registry));
  }

  private Lazy<Timer> timer(Tags tags, String name, String description) {
    return new Lazy<>(
        tags,
        (registry, these) ->
            Timer.builder(name).description(description).tags(these).register(registry));
  }

  private static void increment(Lazy<Counter> counter) {
    Counter made = counter.get();
    if (made != null) {
      made.increment();
    }
  }

  private static void record(Lazy<Timer> timer, long nanos) {
    Timer made = timer.get();
    if (made != null) {
      made.record(nanos, TimeUnit.NANOSECONDS);
    }
  }

  ModeMeters mode(LockMode mode) {
    return mode == LockMode.READ ? read : write;
  }

  void singleWrite(boolean isWriter, long nanos, long sharedBytes, boolean failed) {
    RoleMeters role = isWriter ? writer : other;
    record(failed ? role.failed : role.success, nanos);
    DistributionSummary size = sharedBytes > 0 ? role.size.get() : null;
    if (size != null) {
      size.record((double) sharedBytes);
    }
  }

  void collective(CollectiveCall call, long nanos, boolean failed) {
    Outcomes outcomes = Objects.requireNonNull(calls.get(call));
    record(failed ? outcomes.failed : outcomes.success, nanos);
  }

  void stalled() {
    increment(stalls);
  }

  void deadlocked() {
    increment(deadlocks);
  }

  /** Removes what was made; nothing is made any more. */
  void remove() {
    synchronized (all) {
      removed = true;
      for (Meter meter : all) {
        registry.remove(meter);
        meter.close();
      }
    }
  }

  /** The meters of one mode. */
  final class ModeMeters {
    /** Threads that hold, times this, and those that wait, in one sum: a step changes both. */
    private static final long HOLDS = 1L << Integer.SIZE;

    private final LongAdder threads = new LongAdder();
    private volatile boolean requested; // the meters of requests are there
    private final Lazy<Timer> granted;
    private final Lazy<Timer> timedOut;
    private final Lazy<Timer> failed;
    private final Lazy<Timer> hold;
    private final Lazy<Counter> contention;
    private final Lazy<Counter> timeouts;
    private final Lazy<Counter> failures;
    private final Lazy<Gauge> held;
    private final Lazy<Gauge> waiting;

    ModeMeters(Tags tags) {
      granted = wait(tags, "granted");
      timedOut = wait(tags, "timeout");
      failed = wait(tags, "failed");
      hold = timer(tags, "mpilock.lock.hold", "From the grant to the release");
      contention = counter(tags, "contention", "Grants that had to wait for another holder");
      timeouts = counter(tags, "timeouts", "Requests that were given up");
      failures = counter(tags, "failures", "Requests that ended in an exception");
      held = gauge(tags, "held", ModeMeters::holders, "Threads that hold the resource");
      waiting = gauge(tags, "waiting", ModeMeters::waiters, "Threads that wait for the resource");
    }

    /** Of a sum in the midst of a change, of which either half may be below 0. */
    private double holders() {
      long sum = threads.sum();
      return Math.max(0, (sum - (int) sum) >> Integer.SIZE);
    }

    private double waiters() {
      return Math.max(0, (int) threads.sum());
    }

    void requested() {
      threads.increment();
      if (!requested) {
        firstRequest();
      }
    }

    private void firstRequest() {
      waiting.get();
      contention.get();
      timeouts.get();
      failures.get();
      stalls.get();
      deadlocks.get();
      requested = true;
    }

    void granted(long waitNanos, boolean contended) {
      threads.add(HOLDS - 1);
      held.get();
      record(granted, waitNanos);
      if (contended) {
        increment(contention);
      }
    }

    void released(long holdNanos) {
      threads.add(-HOLDS);
      record(hold, holdNanos);
    }

    void timedOut(long waitNanos) {
      threads.decrement();
      record(timedOut, waitNanos);
      increment(timeouts);
    }

    void failed(long waitNanos) {
      threads.decrement();
      record(failed, waitNanos);
      increment(failures);
    }

    private Lazy<Timer> wait(Tags tags, String outcome) {
      return timer(
          tags.and("outcome", outcome), "mpilock.lock.wait", "From the request to its end");
    }

    private Lazy<Gauge> gauge(
        Tags tags, String name, ToDoubleFunction<ModeMeters> value, String description) {
      return new Lazy<>(
          tags,
          (registry, these) ->
              Gauge.builder("mpilock.lock." + name, this, value)
                  .description(description)
                  .tags(these)
                  .register(registry));
    }
  }

  /** The meters of one of the collective calls that take no lock. */
  private final class Outcomes {
    private final Lazy<Timer> success;
    private final Lazy<Timer> failed;

    Outcomes(Tags tags) {
      success = end(tags, "success");
      failed = end(tags, "failed");
    }

    private Lazy<Timer> end(Tags tags, String outcome) {
      return timer(
          tags.and("outcome", outcome),
          "mpilock.collective",
          "From the call to its end on this rank");
    }
  }

  /** The meters of the single writes in which this rank had one role. */
  private final class RoleMeters {
    private final Lazy<Timer> success;
    private final Lazy<Timer> failed;
    private final Lazy<DistributionSummary> size;

    RoleMeters(Tags tags) {
      success = end(tags, "success");
      failed = end(tags, "failed");
      size =
          new Lazy<>(
              tags,
              (registry, these) ->
                  DistributionSummary.builder("mpilock.share.size")
                      .description("Encoded size of what a single write shared")
                      .baseUnit("bytes")
                      .tags(these)
                      .register(registry));
    }

    private Lazy<Timer> end(Tags tags, String outcome) {
      return timer(
          tags.and("outcome", outcome), "mpilock.singlewrite", "From the call to the common end");
    }
  }
}
