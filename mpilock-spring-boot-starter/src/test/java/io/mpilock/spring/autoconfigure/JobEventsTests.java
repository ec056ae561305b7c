/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.failure.DeadlockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.event.DeadlockEvent;
import io.mpilock.spring.event.LockStalledEvent;
import io.mpilock.spring.event.RankFailedEvent;
import io.mpilock.spring.event.ResourcePoisonedEvent;
import io.mpilock.spring.metrics.MpilockMetrics;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationEvent;
import org.springframework.context.event.EventListener;

/** On rank 0 of two; the other has a controller without Spring. */
@Timeout(120)
class JobEventsTests {
  private static final Duration WARNING = Duration.ofMillis(300);

  private final LocalCluster cluster = new LocalCluster(2);
  private final BlockingQueue<ApplicationEvent> events = new LinkedBlockingQueue<>();

  /** Where they are put. */
  record Events(BlockingQueue<ApplicationEvent> heard) {}

  /** Locks, as any listener may: so it must not be called where it cannot. */
  static final class Hears {
    private final BlockingQueue<ApplicationEvent> events;
    private final LockTemplate locks;

    Hears(Events events, LockTemplate locks) {
      this.events = events.heard();
      this.locks = locks;
    }

    @EventListener({
      LockStalledEvent.class,
      DeadlockEvent.class,
      RankFailedEvent.class,
      ResourcePoisonedEvent.class
    })
    void hear(ApplicationEvent event) {
      int _ = locks.on("of the listener").write(() -> 0);
      events.add(event);
    }
  }

  private <T> T next(Class<T> type) throws InterruptedException {
    ApplicationEvent event = events.poll(60, TimeUnit.SECONDS);
    assertThat(event).isInstanceOf(type);
    return type.cast(event);
  }

  private interface Body {
    void run(WindowController here, WindowController other) throws Exception;
  }

  private void run(Body body) {
    CompletableFuture<WindowController> other =
        CompletableFuture.supplyAsync(
            () ->
                WindowController.sync(
                    cluster.world(1), ControllerOptions.defaults().withStallWarning(WARNING)),
            task -> Thread.ofPlatform().daemon().start(task));
    new ApplicationContextRunner()
        .withConfiguration(AutoConfigurations.of(MpilockAutoConfiguration.class))
        .withBean(Communicator.class, () -> cluster.world(0))
        .withInitializer(
            context -> context.getBeanFactory().registerSingleton("events", new Events(events)))
        .withBean(Hears.class)
        .withPropertyValues("mpilock.stall-warning=" + WARNING, "mpilock.report.enabled=false")
        .run(context -> {
          WindowController here = context.getBean(WindowController.class);
          try {
            body.run(here, other.join());
          } finally {
            other.join().abandon();
            here.abandon();
          }
        });
  }

  @Test
  void aStallIsAnEvent() {
    run((here, other) -> {
      CompletableFuture<Void> told = new CompletableFuture<>();
      Consumer<WindowController> holds =
          controller -> {
            try (WriteLease _ = controller.resource("orders").write()) {
              told.join();
            }
          };
      Thread holder = Thread.ofPlatform().daemon().start(() -> holds.accept(other));
      while (other.status("orders", WARNING).map(one -> one.holders().isEmpty()).orElse(true)) {
        Thread.sleep(1);
      }
      Thread waits =
          Thread.ofPlatform().daemon().start(() -> here.resource("orders").write().close());
      LockStalledEvent event = next(LockStalledEvent.class);
      assertThat(event.getSource()).isSameAs(here);
      assertThat(event.resource()).isEqualTo("orders");
      assertThat(event.report()).contains("Held by rank 1");
      told.complete(null);
      holder.join();
      waits.join();
    });
  }

  @Test
  void aDeadlockIsAnEventAndAFigureOfTheMeterOnTheRankWhoseRequestWasGivenUp() {
    run((here, other) -> {
      SimpleMeterRegistry registry = new SimpleMeterRegistry();
      try (MpilockMetrics _ = MpilockMetrics.bind(here, registry, false);
          WriteLease _ = here.resource("customers").write()) {
        CompletableFuture<Void> holds = new CompletableFuture<>();
        Thread first =
            Thread.ofPlatform()
                .daemon()
                .start(() -> {
                  try (WriteLease _ = other.resource("orders").write()) {
                    holds.complete(null);
                    other.resource("customers").write().close();
                  }
                });
        holds.join();
        while (other
            .status("customers", WARNING)
            .map(one -> one.waiters().isEmpty())
            .orElse(true)) {
          Thread.sleep(1);
        }
        Thread.sleep(2); // so that this one's request is later by any clock
        assertThatThrownBy(() -> here.resource("orders").write())
            .isInstanceOf(DeadlockException.class);
        assertThat(registry.get("mpilock.lock.deadlocks").tag("resource", "orders").counter())
            .extracting(counter -> counter.count())
            .isEqualTo(1.0);
        here.resource("customers").write().close(); // is held as before
        DeadlockEvent event = Objects.requireNonNull(nextDeadlock());
        assertThat(event.getSource()).isSameAs(here);
        assertThat(event.resource()).isEqualTo("orders");
        assertThat(event.report()).contains("of rank 1 (", "holds the write of resource 'orders'");
        assertThat(first.isAlive()).isTrue();
      }
    });
  }

  /** Stalls of the wait before are events, too. */
  private @Nullable DeadlockEvent nextDeadlock() throws InterruptedException {
    while (true) {
      ApplicationEvent event = events.poll(60, TimeUnit.SECONDS);
      if (event == null || event instanceof DeadlockEvent) {
        return (DeadlockEvent) event;
      }
    }
  }

  @Test
  void aDeadRankAndThePoisonedResourceAreEventsOnceEach() {
    run((here, other) -> {
      WriteLease _ = CompletableFuture.supplyAsync(() -> other.resource("orders").write()).join();
      cluster.kill(1);
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(() -> here.resource("orders").write())
            .isInstanceOf(RankFailedException.class);
      }
      RankFailedEvent failed = next(RankFailedEvent.class);
      assertThat(failed.rank()).isOne();
      assertThat(failed.report()).contains("rank 1 (", "died");
      ResourcePoisonedEvent poisoned = next(ResourcePoisonedEvent.class);
      assertThat(poisoned.resource()).isEqualTo("orders");
      assertThat(poisoned.rank()).isOne();
      assertThat(events.poll(WARNING.toMillis(), TimeUnit.MILLISECONDS)).isNull();
    });
  }
}
