package io.mpilock.spring.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.mpilock.LocalRanks;
import io.mpilock.LockMode;
import io.mpilock.ReadLease;
import io.mpilock.WriteLease;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
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
