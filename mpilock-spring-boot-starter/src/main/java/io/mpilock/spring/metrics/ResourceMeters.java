package io.mpilock.spring.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.mpilock.LockMode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/** The meters of one resource, found once and then only added to. */
final class ResourceMeters {
  private final List<Meter> all = new ArrayList<>();
  private final ModeMeters read;
  private final ModeMeters write;
  private final RoleMeters writer;
  private final RoleMeters other;
  private final Counter stalls;
  private final Counter deadlocks;

  ResourceMeters(MeterRegistry registry, Tags tags) {
    this.read = new ModeMeters(registry, tags.and("mode", LockMode.READ.toString()), all);
    this.write = new ModeMeters(registry, tags.and("mode", LockMode.WRITE.toString()), all);
    this.writer = new RoleMeters(registry, tags.and("role", "writer"), all);
    this.other = new RoleMeters(registry, tags.and("role", "other"), all);
    this.stalls =
        Counter.builder("mpilock.lock.stalls")
            .description("Waits that were reported for their length")
            .tags(tags)
            .register(registry);
    all.add(stalls);
    this.deadlocks =
        Counter.builder("mpilock.lock.deadlocks")
            .description("Requests that were given up as the latest in a circle of waits")
            .tags(tags)
            .register(registry);
    all.add(deadlocks);
  }

  ModeMeters mode(LockMode mode) {
    return mode == LockMode.READ ? read : write;
  }

  void singleWrite(boolean isWriter, long nanos, long sharedBytes, boolean failed) {
    RoleMeters role = isWriter ? writer : other;
    (failed ? role.failed : role.success).record(nanos, TimeUnit.NANOSECONDS);
    if (sharedBytes > 0) {
      role.size.record((double) sharedBytes);
    }
  }

  void stalled() {
    stalls.increment();
  }

  void deadlocked() {
    deadlocks.increment();
  }

  void removeFrom(MeterRegistry registry) {
    for (Meter meter : all) {
      registry.remove(meter);
      meter.close();
    }
  }

  /** The meters of one mode. */
  static final class ModeMeters {
    private final LongAdder waiting = new LongAdder();
    private final LongAdder held = new LongAdder();
    private final Timer granted;
    private final Timer timedOut;
    private final Timer failed;
    private final Timer hold;
    private final Counter contention;
    private final Counter timeouts;
    private final Counter failures;

    ModeMeters(MeterRegistry registry, Tags tags, List<Meter> all) {
      granted = wait(registry, tags, "granted");
      timedOut = wait(registry, tags, "timeout");
      failed = wait(registry, tags, "failed");
      hold =
          Timer.builder("mpilock.lock.hold")
              .description("From the grant to the release")
              .tags(tags)
              .register(registry);
      contention =
          counter(registry, tags, "contention", "Grants that had to wait for another holder");
      timeouts = counter(registry, tags, "timeouts", "Requests that were given up");
      failures = counter(registry, tags, "failures", "Requests that ended in an exception");
      all.addAll(List.of(granted, timedOut, failed, hold, contention, timeouts, failures));
      all.add(gauge(registry, tags, "held", held, "Threads that hold the resource"));
      all.add(gauge(registry, tags, "waiting", waiting, "Threads that wait for the resource"));
    }

    void requested() {
      waiting.increment();
    }

    void granted(long waitNanos, boolean contended) {
      waiting.decrement();
      held.increment();
      granted.record(waitNanos, TimeUnit.NANOSECONDS);
      if (contended) {
        contention.increment();
      }
    }

    void released(long holdNanos) {
      held.decrement();
      hold.record(holdNanos, TimeUnit.NANOSECONDS);
    }

    void timedOut(long waitNanos) {
      waiting.decrement();
      timedOut.record(waitNanos, TimeUnit.NANOSECONDS);
      timeouts.increment();
    }

    void failed(long waitNanos) {
      waiting.decrement();
      failed.record(waitNanos, TimeUnit.NANOSECONDS);
      failures.increment();
    }

    private static Timer wait(MeterRegistry registry, Tags tags, String outcome) {
      return Timer.builder("mpilock.lock.wait")
          .description("From the request to its end")
          .tags(tags.and("outcome", outcome))
          .register(registry);
    }

    private static Counter counter(
        MeterRegistry registry, Tags tags, String name, String description) {
      return Counter.builder("mpilock.lock." + name)
          .description(description)
          .tags(tags)
          .register(registry);
    }

    private static Gauge gauge(
        MeterRegistry registry, Tags tags, String name, LongAdder value, String description) {
      return Gauge.builder("mpilock.lock." + name, value, LongAdder::sum)
          .description(description)
          .tags(tags)
          .register(registry);
    }
  }

  /** The meters of the single writes in which this rank had one role. */
  private static final class RoleMeters {
    final Timer success;
    final Timer failed;
    final DistributionSummary size;

    RoleMeters(MeterRegistry registry, Tags tags, List<Meter> all) {
      success = timer(registry, tags, "success");
      failed = timer(registry, tags, "failed");
      size =
          DistributionSummary.builder("mpilock.share.size")
              .description("Encoded size of what a single write shared")
              .baseUnit("bytes")
              .tags(tags)
              .register(registry);
      all.addAll(List.of(success, failed, size));
    }

    private static Timer timer(MeterRegistry registry, Tags tags, String outcome) {
      return Timer.builder("mpilock.singlewrite")
          .description("From the call to the common end")
          .tags(tags.and("outcome", outcome))
          .register(registry);
    }
  }
}
