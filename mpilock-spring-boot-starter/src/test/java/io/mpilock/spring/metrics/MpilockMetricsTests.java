/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.management.ThreadMXBean;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.distribution.CountAtBucket;
import io.micrometer.core.instrument.distribution.DistributionStatisticConfig;
import io.micrometer.core.instrument.distribution.ValueAtPercentile;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.mpilock.LocalRanks;
import io.mpilock.LockMode;
import io.mpilock.ReadLease;
import io.mpilock.WriteLease;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MpilockMetricsTests {
  private final MeterRegistry registry = new SimpleMeterRegistry();

  @Test
  void aHoldIsSeenWhileItLastsAndCountedAfterwards() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          try (MpilockMetrics _ = MpilockMetrics.bind(controller, registry, true)) {
            try (WriteLease _ = controller.resource("orders").write()) {
              assertThat(gauge("mpilock.lock.held", "write")).isEqualTo(1);
              try (ReadLease _ = controller.resource("orders").read()) {
                assertThat(gauge("mpilock.lock.held", "read")).isZero(); // nested: not counted
              }
            }
            assertThat(gauge("mpilock.lock.held", "write")).isZero();
            assertThat(gauge("mpilock.lock.waiting", "write")).isZero();
            assertThat(
                    registry
                        .get("mpilock.lock.wait")
                        .tags("mode", "write", "outcome", "granted", "resource", "orders")
                        .timer()
                        .count())
                .isEqualTo(1);
            assertThat(registry.get("mpilock.lock.hold").tags("mode", "write").timer().count())
                .isEqualTo(1);
          }
        });
  }

  @Test
  void aTryThatFindsTheLockHeldIsATimeOut() throws Exception {
    CyclicBarrier held = new CyclicBarrier(2);
    LocalRanks.run(
        2,
        controller -> {
          if (controller.rank() == 0) {
            try (WriteLease _ = controller.resource("orders").write()) {
              held.await();
              held.await();
            }
          } else {
            held.await();
            try (MpilockMetrics _ = MpilockMetrics.bind(controller, registry, true)) {
              assertThat(controller.resource("orders").tryRead()).isEmpty();
              assertThat(counter("mpilock.lock.timeouts", "read")).isEqualTo(1);
              assertThat(counter("mpilock.lock.failures", "read")).isZero();
              assertThat(gauge("mpilock.lock.waiting", "read")).isZero();
              assertThat(gauge("mpilock.lock.held", "read")).isZero();
            }
            held.await();
          }
        });
  }

  @Test
  void aRequestThatThrowsIsAFailure() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          try (MpilockMetrics metrics = MpilockMetrics.bind(controller, registry, true)) {
            metrics.requested("orders", LockMode.READ);
            metrics.failed("orders", LockMode.READ, 5, new IllegalStateException("interrupted"));
            assertThat(counter("mpilock.lock.failures", "read")).isEqualTo(1);
            assertThat(gauge("mpilock.lock.waiting", "read")).isZero();
          }
        });
  }

  @Test
  void theFirstResourcesHaveMetersOfTheirOwnAndAllLaterOnesShareSome() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          try (MpilockMetrics _ = MpilockMetrics.bind(controller, registry, true, 2)) {
            for (int turn = 0; turn < 2; turn++) {
              for (int name = 0; name < 1_000; name++) {
                controller.resource("order-" + name).write().close();
              }
            }
            assertThat(grants("order-0")).isEqualTo(2);
            assertThat(grants("order-1")).isEqualTo(2);
            assertThat(grants("(other)")).isEqualTo(2 * 998);
            Set<String> names =
                registry.getMeters().stream()
                    .map(meter -> String.valueOf(meter.getId().getTag("resource")))
                    .collect(Collectors.toSet());
            assertThat(names).containsExactlyInAnyOrder("order-0", "order-1", "(other)", "null");
            try (WriteLease _ = controller.resource("order-7").write()) {
              assertThat(
                      registry
                          .get("mpilock.lock.held")
                          .tags("resource", "(other)", "mode", "write")
                          .gauge()
                          .value())
                  .isEqualTo(1);
            }
          }
          assertThat(registry.getMeters()).isEmpty();
        });
  }

  private long grants(String resource) {
    return registry
        .get("mpilock.lock.wait")
        .tags("mode", "write", "outcome", "granted", "resource", resource)
        .timer()
        .count();
  }

  /** Told directly: whether a real request had to wait cannot be arranged without a race. */
  @Test
  void onlyAGrantThatHadToWaitIsContention() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          try (MpilockMetrics metrics = MpilockMetrics.bind(controller, registry, true)) {
            metrics.requested("orders", LockMode.WRITE);
            metrics.granted("orders", LockMode.WRITE, 5, false);
            assertThat(counter("mpilock.lock.contention", "write")).isZero();
            metrics.requested("orders", LockMode.WRITE);
            metrics.granted("orders", LockMode.WRITE, 5, true);
            assertThat(counter("mpilock.lock.contention", "write")).isEqualTo(1);
          }
        });
  }

  @Test
  void aSingleWriteIsTimedOnEveryRankByItsRole() throws Exception {
    LocalRanks.run(
        2,
        controller -> {
          try (MpilockMetrics _ = MpilockMetrics.bind(controller, registry, true)) {
            controller.singleWrite(() -> "some text");
            String rank = Integer.toString(controller.rank());
            String role = controller.rank() == 0 ? "writer" : "other";
            assertThat(
                    registry
                        .get("mpilock.singlewrite")
                        .tags("rank", rank, "role", role, "outcome", "success")
                        .timer()
                        .count())
                .isEqualTo(1);
            assertThat(
                    registry
                        .get("mpilock.share.size")
                        .tags("rank", rank, "role", role)
                        .summary()
                        .totalAmount())
                .isPositive();
          }
        });
  }

  @Test
  void aSingleWriteThatFailsIsCountedApart() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          try (MpilockMetrics _ = MpilockMetrics.bind(controller, registry, false)) {
            assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() ->
                    controller.singleWrite(() -> {
                      throw new IllegalStateException("no");
                    }));
            assertThat(
                    registry
                        .get("mpilock.singlewrite")
                        .tags("role", "writer", "outcome", "failed")
                        .timer()
                        .count())
                .isEqualTo(1);
          }
        });
  }

  @Test
  void aCollectiveCallWithoutALockIsTimedByItsKindAndEnd() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          try (MpilockMetrics _ = MpilockMetrics.bind(controller, registry, false)) {
            controller.barrier();
            controller.allGather("x");
            assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() ->
                    controller.inOrder(() -> {
                      throw new IllegalStateException("no");
                    }));
            assertThat(collective("barrier", "success")).isEqualTo(1);
            assertThat(collective("allGather", "success")).isEqualTo(1);
            assertThat(collective("inOrder", "failed")).isEqualTo(1);
            assertThat(registry.find("mpilock.singlewrite").timer()).isNull();
          }
        });
  }

  private long collective(String call, String outcome) {
    return registry
        .get("mpilock.collective")
        .tags("call", call, "outcome", outcome)
        .timer()
        .count();
  }

  /** Micrometer's own timers are told, so that they have the maximum and the percentiles, too. */
  @Test
  void waitsAndHoldsAreWhatATimerOfMicrometerMakesOfThem() throws Exception {
    MockClock clock = new MockClock();
    for (MeterRegistry told :
        List.of(
            new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock),
            new PrometheusMeterRegistry(
                PrometheusConfig.DEFAULT, new PrometheusRegistry(), clock))) {
      told.config()
          .meterFilter(
              new MeterFilter() {
                @Override
                public DistributionStatisticConfig configure(
                    Meter.Id id, DistributionStatisticConfig config) {
                  return DistributionStatisticConfig.builder()
                      .percentilesHistogram(true)
                      .percentiles(0.5, 0.99)
                      .build()
                      .merge(config);
                }
              });
      LocalRanks.run(
          1,
          controller -> {
            try (MpilockMetrics metrics = MpilockMetrics.bind(controller, told, true)) {
              Timer waits = Timer.builder("own.waits").register(told);
              Timer holds = Timer.builder("own.holds").register(told);
              for (long nanos : new long[] {0, 1, 50, 2_000, 70_000, 1L << 30, 3, 1L << 35, 9}) {
                metrics.requested("orders", LockMode.WRITE);
                metrics.granted("orders", LockMode.WRITE, nanos, false, 1);
                metrics.released("orders", LockMode.WRITE, 2 * nanos, 2);
                waits.record(nanos, TimeUnit.NANOSECONDS);
                holds.record(2 * nanos, TimeUnit.NANOSECONDS);
                clock.add(Duration.ofSeconds(40)); // the maximum is of the last two minutes
              }
              alike(told.get("mpilock.lock.wait").tag("mode", "write").timer(), waits);
              alike(told.get("mpilock.lock.hold").tag("mode", "write").timer(), holds);
            }
          });
    }
  }

  private static void alike(Timer timer, Timer own) {
    assertThat(timer.count()).isEqualTo(own.count()).isPositive();
    assertThat(timer.totalTime(TimeUnit.NANOSECONDS))
        .isEqualTo(own.totalTime(TimeUnit.NANOSECONDS));
    assertThat(timer.max(TimeUnit.NANOSECONDS)).isEqualTo(own.max(TimeUnit.NANOSECONDS));
    assertThat(timer.takeSnapshot().percentileValues())
        .extracting(ValueAtPercentile::value)
        .isEqualTo(
            Arrays.stream(own.takeSnapshot().percentileValues())
                .map(ValueAtPercentile::value)
                .toList())
        .isNotEmpty();
    assertThat(timer.takeSnapshot().histogramCounts())
        .extracting(CountAtBucket::count)
        .isEqualTo(
            Arrays.stream(own.takeSnapshot().histogramCounts()).map(CountAtBucket::count).toList());
  }

  @Test
  void whoWaitsAndWhoHoldsAreToldApartHoweverManyThreadsChangeThem() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          try (MpilockMetrics metrics = MpilockMetrics.bind(controller, registry, true)) {
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
              Thread.Builder builder = t % 2 == 0 ? Thread.ofPlatform() : Thread.ofVirtual();
              boolean stays = t == 0;
              threads.add(
                  builder.start(() -> {
                    for (int i = 0; i < 5_000; i++) {
                      metrics.requested("orders", LockMode.READ);
                      metrics.granted("orders", LockMode.READ, 1, false);
                      metrics.released("orders", LockMode.READ, 1);
                      metrics.requested("orders", LockMode.READ);
                      metrics.timedOut("orders", LockMode.READ, 1);
                    }
                    metrics.requested("orders", LockMode.READ);
                    if (stays) {
                      metrics.granted("orders", LockMode.READ, 1, false);
                    }
                  }));
            }
            for (Thread thread : threads) {
              thread.join();
            }
            assertThat(gauge("mpilock.lock.held", "read")).isEqualTo(1);
            assertThat(gauge("mpilock.lock.waiting", "read")).isEqualTo(7);
            assertThat(counter("mpilock.lock.timeouts", "read")).isEqualTo(40_000);
            assertThat(registry.get("mpilock.lock.hold").tag("mode", "read").timer().count())
                .isEqualTo(40_000);
          }
        });
  }

  @Test
  void aLockAllocatesNothingForItsMeters() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          try (MpilockMetrics metrics = MpilockMetrics.bind(controller, registry, true)) {
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            int rounds = 50_000;
            long allocated = Long.MAX_VALUE;
            for (int attempt = 0; attempt < 5; attempt++) { // the first ones load classes
              long before = threads.getCurrentThreadAllocatedBytes();
              for (int i = 0; i < rounds; i++) {
                metrics.requested("orders", LockMode.WRITE);
                metrics.granted("orders", LockMode.WRITE, i, false, i);
                metrics.released("orders", LockMode.WRITE, i, i);
              }
              allocated = Math.min(allocated, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(allocated).isLessThan(rounds);
          }
        });
  }

  @Test
  void theRankTagIsThereOnlyIfWanted() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          try (MpilockMetrics _ = MpilockMetrics.bind(controller, registry, false);
              ReadLease _ = controller.read()) {
            assertThat(registry.getMeters())
                .isNotEmpty()
                .allSatisfy(meter -> assertThat(meter.getId().getTag("rank")).isNull());
          }
        });
  }

  @Test
  void closingRemovesEveryMeterAndNoneComesBack() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          MpilockMetrics metrics = MpilockMetrics.bind(controller, registry, true);
          controller.singleWrite(() -> "x");
          ReadLease read = controller.read();
          assertThat(registry.getMeters()).isNotEmpty();
          metrics.close();
          metrics.close();
          read.close();
          metrics.stalled("late", "an event that was under way");
          assertThat(registry.getMeters()).isEmpty();
        });
  }

  @Test
  void aMeterIsMadeWhenItIsFirstUsedAndACounterWithTheFirstRequest() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          try (MpilockMetrics _ = MpilockMetrics.bind(controller, registry, true)) {
            assertThat(ofOrders()).isEmpty();
            controller.resource("orders").write().close();
            assertThat(ofOrders())
                .containsExactlyInAnyOrder(
                    "mpilock.lock.waiting write null",
                    "mpilock.lock.contention write null",
                    "mpilock.lock.timeouts write null",
                    "mpilock.lock.failures write null",
                    "mpilock.lock.stalls null null",
                    "mpilock.lock.deadlocks null null",
                    "mpilock.lock.wait write granted",
                    "mpilock.lock.held write null",
                    "mpilock.lock.hold write null");
            controller.resource("orders").write().close();
            assertThat(ofOrders()).hasSize(9);
          }
        });
  }

  private List<String> ofOrders() {
    return registry.getMeters().stream()
        .map(Meter::getId)
        .filter(id -> "orders".equals(id.getTag("resource")))
        .map(id -> "%s %s %s".formatted(id.getName(), id.getTag("mode"), id.getTag("outcome")))
        .toList();
  }

  /** 0 if it is not there: then nothing has used it. */
  private double gauge(String name, String mode) {
    Gauge gauge = registry.find(name).tags("mode", mode, "resource", "orders").gauge();
    return gauge == null ? 0 : gauge.value();
  }

  private double counter(String name, String mode) {
    Counter counter = registry.find(name).tags("mode", mode, "resource", "orders").counter();
    return counter == null ? 0 : counter.count();
  }
}
