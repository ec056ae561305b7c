/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.common.KeyValue;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.tracing.Tracer;
import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.observation.LockObservationContext;
import io.mpilock.spring.observation.LockObservationConvention;
import io.mpilock.spring.test.RankContextRunner;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.export.simple.SimpleMetricsExportAutoConfiguration;
import org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.support.GenericApplicationContext;

/** What is observed of requests, by a handler as tracing has one. */
class ObservationConfigurationTests {

  /** Keeps what has ended. */
  private static final class Spans implements ObservationHandler<Observation.Context> {
    private final List<Observation.Context> ended = new CopyOnWriteArrayList<>();

    @Override
    public boolean supportsContext(Observation.Context context) {
      return true;
    }

    @Override
    public void onStop(Observation.Context context) {
      ended.add(context);
    }

    private Observation.Context only() {
      assertThat(ended).hasSize(1);
      return ended.getFirst();
    }
  }

  private final Spans spans = new Spans();
  private final ObservationRegistry registry = registry(spans);
  private final ApplicationContextRunner unasked =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class))
          .withBean(ObservationRegistry.class, () -> registry);
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class))
          .withPropertyValues("mpilock.observation.enabled=true");

  private static ObservationRegistry registry(Spans spans) {
    ObservationRegistry made = ObservationRegistry.create();
    made.observationConfig().observationHandler(spans);
    return made;
  }

  private static List<String> low(Observation.Context context) {
    return context.getLowCardinalityKeyValues().stream().map(KeyValue::getValue).toList();
  }

  private static @Nullable String value(Observation.Context context, String key) {
    KeyValue found = context.getHighCardinalityKeyValue(key);
    return found == null ? null : found.getValue();
  }

  private ApplicationContextRunner observed() {
    return runner.withBean(ObservationRegistry.class, () -> registry);
  }

  @Test
  void aRequestIsAChildOfWhatTheCallerDoesAndEndsWithTheGrant() {
    observed()
        .run(context -> {
          LockTemplate orders = context.getBean(LockTemplate.class).on("orders");
          Observation request = Observation.start("request", registry);
          int seen =
              request.observe(() ->
                  orders.write(() -> {
                    assertThat(registry.getCurrentObservation()).isEqualTo(request);
                    return spans.ended.size();
                  }));
          assertThat(seen).as("it has ended when the action begins").isEqualTo(1);
          Observation.Context span = spans.ended.getFirst();
          assertThat(span.getName()).isEqualTo("mpilock.lock.request");
          assertThat(span.getContextualName()).isEqualTo("write orders");
          assertThat(span.getParentObservation()).isEqualTo(request);
          assertThat(low(span)).containsExactlyInAnyOrder("orders", "write", "granted");
          assertThat(value(span, "mpilock.rank")).isEqualTo("0");
          assertThat(value(span, "mpilock.token")).isEqualTo("1");
          assertThat(value(span, "mpilock.lock"))
              .isEqualTo("resource 'orders': Nobody holds it now.");
          spans.ended.clear();
          assertThat(orders.<Integer, RuntimeException>read(() -> 3)).isEqualTo(3);
          assertThat(low(spans.only())).containsExactlyInAnyOrder("orders", "read", "granted");
          assertThat(value(spans.only(), "mpilock.token")).isEqualTo("1");
        });
  }

  @Test
  void namesWithoutEndAreNoValuesOfLowCardinality() {
    observed()
        .run(context -> {
          LockTemplate locks = context.getBean(LockTemplate.class);
          for (int i = 0; i < 1_000; i++) {
            locks.on("order-" + i).readWithoutResult(() -> {});
          }
          assertThat(spans.ended).hasSize(1_000);
          assertThat(spans.ended.stream().flatMap(span -> low(span).stream()).distinct())
              .hasSize(100 + 1 + 2)
              .contains("order-0", "order-99", "(other)", "read", "granted");
          assertThat(value(spans.ended.getLast(), "mpilock.resource")).isEqualTo("order-999");
          spans.ended.clear();
          locks.on("order-0").readWithoutResult(() -> {});
          assertThat(low(spans.only())).contains("order-0");
        });
  }

  @Test
  void theTimeOutOfAResourceHoldsForObservedRequestsToo() {
    observed()
        .withPropertyValues("mpilock.resources.orders.timeout=1ms")
        .run(context -> {
          LockTemplate orders = context.getBean(LockTemplate.class).on("orders");
          try (WriteLease _ = context.getBean(WindowController.class).resource("orders").write()) {
            CompletableFuture.runAsync(
                    () -> {
                      assertThatThrownBy(() -> orders.readWithoutResult(() -> {}))
                          .isInstanceOf(LockTimeoutException.class);
                      assertThatThrownBy(() -> orders.writeWithoutResult(() -> {}))
                          .isInstanceOf(LockTimeoutException.class);
                    },
                    body -> Thread.ofPlatform().start(body))
                .join();
          }
        });
  }

  @Test
  void aRequestThatTimesOutTellsWhoHeldTheLock() {
    observed()
        .run(context -> {
          LockTemplate locks = context.getBean(LockTemplate.class);
          CountDownLatch held = new CountDownLatch(1);
          CountDownLatch over = new CountDownLatch(1);
          CompletableFuture<Void> holder =
              CompletableFuture.runAsync(
                  () ->
                      locks.writeWithoutResult(() -> {
                        held.countDown();
                        await(over);
                      }),
                  body -> Thread.ofPlatform().name("holder").start(body));
          await(held);
          spans.ended.clear();
          assertThatThrownBy(
                  () -> locks.withTimeout(Duration.ofMillis(1)).readWithoutResult(() -> {}))
              .isInstanceOf(LockTimeoutException.class);
          Observation.Context span = spans.only();
          assertThat(low(span)).contains("read", "timeout");
          assertThat(span.getError()).isInstanceOf(LockTimeoutException.class);
          assertThat(value(span, "mpilock.token")).isNull();
          assertThat(value(span, "mpilock.lock")).contains("rank 0 (", "thread 'holder'");
          over.countDown();
          holder.join();
        });
  }

  @Test
  void aTryThatIsGivenUpIsATimeOutWithoutAnError() {
    observed()
        .run(context -> {
          LockTemplate locks = context.getBean(LockTemplate.class);
          locks.writeWithoutResult(() ->
              CompletableFuture.runAsync(
                      () -> {
                        spans.ended.clear();
                        assertThat(locks.tryRead(() -> 1)).isEmpty();
                      })
                  .join());
          assertThat(low(spans.only())).contains("read", "timeout");
          assertThat(spans.only().getError()).isNull();
        });
  }

  @Test
  void eachRequestOfTheOtherFormsIsObserved() {
    observed()
        .run(context -> {
          LockTemplate locks = context.getBean(LockTemplate.class);
          assertThat(locks.tryWrite(() -> 1)).contains(1);
          locks.readWithLease(lease -> lease.upgrade(write -> 1));
          locks.group().write("b").read("a").runWithoutResult(() -> {});
          assertThat(locks.<Integer, RuntimeException>optimisticRead(() -> 1)).isEqualTo(1);
          assertThat(spans.ended.stream().map(Observation.Context::getContextualName))
              .containsExactly(
                  "write default", "read default", "write default", "read a", "write b");
          assertThat(value(spans.ended.getLast(), "mpilock.token")).isEqualTo("1");
        });
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aSingleWriteIsObservedToItsEndAndWhatItRunsIsInsideIt() {
    new RankContextRunner()
        .withPropertyValues("mpilock.observation.enabled=true")
        .withBean(Spans.class, Spans::new)
        .with(each ->
            each.withInitializer(context ->
                ((GenericApplicationContext) context)
                    .registerBean(
                        ObservationRegistry.class, () -> registry(context.getBean(Spans.class)))))
        .run(rank -> {
          Spans here = rank.context().getBean(Spans.class);
          ObservationRegistry mine = rank.context().getBean(ObservationRegistry.class);
          String name =
              rank.locks()
                  .singleWrite(
                      1,
                      () -> {
                        Observation inside = Observation.start("inside", mine);
                        inside.stop();
                        assertThat(inside.getContext().getParentObservation()).isNotNull();
                        return "made";
                      });
          assertThat(name).isEqualTo("made");
          Observation.Context span = here.ended.getLast();
          assertThat(low(span)).contains("single-write", "granted");
          assertThat(value(span, "mpilock.writer")).isEqualTo("1");
          assertThat(value(span, "mpilock.rank")).isEqualTo(Integer.toString(rank.rank()));
          assertThatThrownBy(() ->
                  rank.locks()
                      .singleWrite(() -> {
                        throw new IOException("full");
                      }))
              .hasMessageContaining("full");
          assertThat(low(here.ended.getLast())).contains("failed");
          rank.locks().barrier();
          assertThat(low(here.ended.getLast())).contains("barrier", "granted");
          assertThat(rank.locks().allGather("x")).containsOnly("x");
          assertThat(low(here.ended.getLast())).contains("all-gather", "granted");
        });
  }

  @Test
  void theApplicationsConventionTakesThePlaceOfTheDefault() {
    LockObservationConvention own =
        new LockObservationConvention() {
          @Override
          public String getContextualName(LockObservationContext context) {
            return "lock of rank " + context.rank();
          }
        };
    observed()
        .withBean(LockObservationConvention.class, () -> own)
        .run(context -> {
          context.getBean(LockTemplate.class).readWithoutResult(() -> {});
          assertThat(spans.only().getContextualName()).isEqualTo("lock of rank 0");
        });
  }

  @Test
  void aHandlerThatFailsLeavesNoLockBehind() {
    ObservationRegistry failing = ObservationRegistry.create();
    failing
        .observationConfig()
        .observationHandler(
            new ObservationHandler<Observation.Context>() {
              @Override
              public boolean supportsContext(Observation.Context context) {
                return true;
              }

              @Override
              public void onStop(Observation.Context context) {
                throw new IllegalArgumentException("no more room");
              }
            });
    runner
        .withBean(ObservationRegistry.class, () -> failing)
        .run(context -> {
          LockTemplate locks = context.getBean(LockTemplate.class);
          assertThatThrownBy(() -> locks.writeWithoutResult(() -> {}))
              .hasMessageContaining("no more room");
          assertThat(
                  CompletableFuture.supplyAsync(
                          () -> {
                            try (WriteLease write =
                                context.getBean(WindowController.class).tryWrite().orElseThrow()) {
                              return write.token() > 0;
                            }
                          })
                      .join())
              .isTrue();
        });
  }

  @Test
  void withoutAHandlerThePlainTemplateDoesIt() {
    ObservationRegistry silent = ObservationRegistry.create();
    runner
        .withBean(ObservationRegistry.class, () -> silent)
        .run(context -> {
          LockTemplate locks = context.getBean(LockTemplate.class);
          assertThat(locks.on("a")).isSameAs(locks.on("a")).isNotSameAs(locks.on("b"));
          assertThat(locks.<Integer, RuntimeException>write(() -> 1)).isEqualTo(1);
          assertThat(locks.<Integer, RuntimeException>read(() -> 2)).isEqualTo(2);
          assertThat(locks.<Integer, RuntimeException>singleWrite(() -> 3)).isEqualTo(3);
          spans.ended.clear();
          silent.observationConfig().observationHandler(spans); // somebody begins to listen
          locks.readWithoutResult(() -> {});
          assertThat(spans.ended).hasSize(1);
        });
  }

  @Test
  void bootsOwnRegistryIsFoundAndCanBeToldToLeaveLocksOut() {
    ApplicationContextRunner boots =
        runner
            .withConfiguration(AutoConfigurations.of(ObservationAutoConfiguration.class))
            .withBean(Spans.class, () -> spans);
    boots.run(context -> {
      context.getBean(LockTemplate.class).readWithoutResult(() -> {});
      assertThat(spans.ended.stream().map(Observation.Context::getName).collect(Collectors.toSet()))
          .containsExactly("mpilock.lock.request");
    });
    spans.ended.clear();
    boots
        .withPropertyValues("management.observations.enable.mpilock=false")
        .run(context -> {
          context.getBean(LockTemplate.class).readWithoutResult(() -> {});
          assertThat(spans.ended).isEmpty();
        });
  }

  /** Boot's actuator makes meters of all observations, and there are meters already. */
  @Test
  void locksAreNotObservedUnlessSomebodyTraces() {
    unasked.run(context -> {
      context.getBean(LockTemplate.class).readWithoutResult(() -> {});
      assertThat(spans.ended).isEmpty();
    });
    unasked
        .withBean(Tracer.class, () -> Tracer.NOOP)
        .run(context -> {
          context.getBean(LockTemplate.class).readWithoutResult(() -> {});
          assertThat(spans.ended).hasSize(1);
        });
  }

  @Test
  void theirPropertyGoesBeforeTheTracer() {
    unasked
        .withPropertyValues("mpilock.observation.enabled=false")
        .withBean(Tracer.class, () -> Tracer.NOOP)
        .run(context -> {
          assertThat(context).hasSingleBean(LockTemplate.class);
          context.getBean(LockTemplate.class).readWithoutResult(() -> {});
          assertThat(spans.ended).isEmpty();
        });
  }

  @Test
  void withBootsMetersEachLockIsMeteredOnce() {
    new ApplicationContextRunner()
        .withConfiguration(
            AutoConfigurations.of(
                MpilockAutoConfiguration.class,
                MetricsAutoConfiguration.class,
                SimpleMetricsExportAutoConfiguration.class,
                CompositeMeterRegistryAutoConfiguration.class,
                ObservationAutoConfiguration.class))
        .run(context -> {
          context.getBean(LockTemplate.class).readWithoutResult(() -> {});
          assertThat(context.getBean(MeterRegistry.class).getMeters())
              .extracting(meter -> meter.getId().getName())
              .contains("mpilock.lock.wait")
              .doesNotContain("mpilock.lock.request");
        });
  }

  @Test
  void theApplicationsOwnTemplateStays() {
    observed()
        .withBean(
            "own",
            LockTemplate.class,
            () -> LockTemplate.withoutLocks(0, 1, ControllerOptions.defaults()))
        .run(context -> assertThat(context).hasSingleBean(LockTemplate.class).hasBean("own"));
  }

  @Test
  void withoutMicrometerTheTemplateIsPlain() {
    runner
        .withClassLoader(new FilteredClassLoader("io.micrometer"))
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(LockTemplate.class));
  }
}
