/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.ControllerOptions;
import io.mpilock.LocalRanks;
import io.mpilock.OnHolderDeath;
import io.mpilock.ReadLease;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.ConcurrentModificationException;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.Lock;
import java.util.function.IntSupplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.aop.support.AopUtils;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.task.SimpleAsyncTaskExecutor;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.integration.aggregator.AggregatingMessageHandler;
import org.springframework.integration.aggregator.DefaultAggregatingMessageGroupProcessor;
import org.springframework.integration.aggregator.HeaderAttributeCorrelationStrategy;
import org.springframework.integration.channel.DirectChannel;
import org.springframework.integration.channel.NullChannel;
import org.springframework.integration.config.EnableIntegration;
import org.springframework.integration.leader.Context;
import org.springframework.integration.leader.DefaultCandidate;
import org.springframework.integration.leader.event.OnFailedToAcquireMutexEvent;
import org.springframework.integration.store.MessageGroup;
import org.springframework.integration.store.MessageGroupStore;
import org.springframework.integration.store.SimpleMessageStore;
import org.springframework.integration.support.MessageBuilder;
import org.springframework.integration.support.leader.LockRegistryLeaderInitiator;
import org.springframework.messaging.Message;
import org.springframework.messaging.SubscribableChannel;

/** The registry, and components of Spring Integration that run over it on several ranks. */
@Timeout(60)
class MpilockLockRegistryTests {
  private static final int RANKS = 3;

  private static MpilockLockRegistry registry(WindowController controller) {
    return new MpilockLockRegistry(controller, "integration/", 0);
  }

  /**
   * Room for some 5,000, and the first key's lock is held by nothing but its thread. Each time that
   * the room is full a collection is waited for, which takes long where others use the machine.
   */
  @Test
  @Timeout(300)
  void keysWithoutEndNeedNoStripes() throws Exception {
    LocalRanks.run(
        1,
        ControllerOptions.defaults().withWindowBytes(1 << 20),
        controller -> {
          MpilockLockRegistry registry = registry(controller);
          AtomicInteger got = new AtomicInteger();
          IntSupplier attempt = () -> registry.obtain("first").tryLock() ? 1 : 0;
          assertThat(attempt.getAsInt()).isEqualTo(1);
          for (int i = 0; i < 30_000; i++) {
            Lock lock = registry.obtain("correlation-" + i);
            assertThat(lock.tryLock()).isTrue();
            lock.unlock();
          }
          assertThat(controller.names().reclaimed()).isGreaterThan(20_000);
          onThread(() -> got.addAndGet(attempt.getAsInt()));
          assertThat(got).hasValue(0);
          registry.obtain("first").unlock();
          onThread(() -> {
            got.addAndGet(attempt.getAsInt());
            registry.obtain("first").unlock();
          });
          assertThat(got).hasValue(1);
        });
  }

  private static void onThread(Runnable body) {
    CompletableFuture.runAsync(body, task -> Thread.ofPlatform().start(task)).join();
  }

  private static void takeAndGiveBack(Lock lock) {
    assertThat(lock.tryLock()).isTrue();
    lock.unlock();
  }

  @Test
  void aKeysLockIsTheWriteOfTheResourceOfItsName() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          Lock lock = registry(controller).obtain("orders");
          assertThat(registry(controller).obtain("orders")).isEqualTo(lock);
          try (WriteLease _ = controller.resource("integration/orders").write()) {
            onThread(() -> assertThat(lock.tryLock()).isFalse());
            onThread(() -> takeAndGiveBack(registry(controller).obtain("Orders")));
          }
          takeAndGiveBack(lock);
        });
  }

  @Test
  void keysThatAreNoNamesAreRefused() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          MpilockLockRegistry registry = registry(controller);
          for (Object key : List.of("a\nb", "x".repeat(244), "\ud800")) {
            assertThatThrownBy(() -> registry.obtain(key))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("A resource name");
          }
          for (Object key : List.of(1, UUID.randomUUID(), new Object())) {
            assertThatThrownBy(() -> registry.obtain(key))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(key.getClass().getName());
          }
          assertThat(registry.obtain("x".repeat(243))).isNotEqualTo(registry.obtain(""));
        });
  }

  @Test
  void withStripesAnyStringHasALockAndTheyAreBounded() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          MpilockLockRegistry registry = new MpilockLockRegistry(controller, "s-", 4);
          List<Lock> locks = new ArrayList<>();
          for (int i = 0; i < 100; i++) {
            locks.add(registry.obtain("\n".repeat(i * 10) + i));
          }
          assertThat(locks.stream().distinct()).hasSizeBetween(2, 4);
          assertThat(registry).hasToString("MpilockLockRegistry[s-, 4 stripes]");
          assertThatThrownBy(() -> new MpilockLockRegistry(controller, "s-", -1))
              .isInstanceOf(IllegalArgumentException.class);
        });
  }

  @Test
  void whatIsExecutedLockedLosesNoUpdate() throws Exception {
    int[] counters = new int[2];
    LocalRanks.run(
        RANKS,
        controller -> {
          MpilockLockRegistry registry = registry(controller);
          for (int i = 0; i < 500; i++) {
            int which = i % 2;
            registry.executeLocked("counter-" + which, () -> increment(counters, which));
            registry.executeLocked(
                "counter-" + which, Duration.ofSeconds(30), () -> increment(counters, which));
          }
        });
    assertThat(counters).containsOnly(RANKS * 500);
  }

  private static void increment(int[] counters, int which) {
    int seen = counters[which];
    for (int i = 0; i < 50; i++) {
      Thread.onSpinWait(); // time for another to do the same
    }
    counters[which] = seen + 1;
  }

  @Test
  void aTimeOutAndAFailureReachTheCaller() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          MpilockLockRegistry registry = registry(controller);
          try (WriteLease _ = controller.resource("integration/k").write()) {
            onThread(() ->
                assertThatThrownBy(
                        () -> registry.executeLocked("k", Duration.ofMillis(20), () -> "too early"))
                    .isInstanceOf(TimeoutException.class));
          }
          IOException failure = new IOException("disk full");
          assertThatThrownBy(() ->
                  registry.executeLocked(
                      "k",
                      () -> {
                        throw failure;
                      }))
              .isSameAs(failure);
          onThread(() -> takeAndGiveBack(registry.obtain("k")));
        });
  }

  private static void assertThatNobodyGets(Lock lock, Class<? extends Throwable> cause) {
    List<ThrowingCallable> ways =
        List.of(
            lock::lock,
            lock::lockInterruptibly,
            lock::tryLock,
            () -> lock.tryLock(20, TimeUnit.SECONDS));
    assertThat(ways)
        .allSatisfy(way ->
            assertThatThrownBy(way)
                .isInstanceOf(CannotAcquireLockException.class)
                .hasMessageContaining("Rank 0 cannot get the lock of 'integration/k': ")
                .hasCauseInstanceOf(cause));
  }

  @Test
  void afterTheCloseThereAreNoLocks() throws Exception {
    MpilockLockRegistry[] registries = new MpilockLockRegistry[1];
    Lock[] known = new Lock[1];
    LocalRanks.run(
        1,
        controller -> {
          registries[0] = registry(controller);
          known[0] = registries[0].obtain("k");
        });
    assertThatThrownBy(() -> registries[0].obtain("new"))
        .isInstanceOf(CannotAcquireLockException.class)
        .hasMessageContaining("There is no lock for 'integration/new': ")
        .hasCauseInstanceOf(ControllerClosedException.class);
    assertThatNobodyGets(known[0], ControllerClosedException.class);
  }

  @Test
  void aPoisonedLockCannotBeGotAndTheOneThatPoisonedItIsToldAtUnlock() throws Exception {
    CountDownLatch locked = new CountDownLatch(1);
    LocalRanks.run(
        2,
        controller -> {
          Lock lock = registry(controller).obtain("k");
          if (controller.rank() == 1) {
            lock.lock();
            locked.countDown();
            controller.abandon(); // as if it had died, holding the lock
            assertThatThrownBy(lock::unlock)
                .isInstanceOf(ConcurrentModificationException.class)
                .hasMessageContaining("Rank 1 left the job while its thread")
                .hasMessageContaining("held the lock of 'integration/k'");
          } else {
            assertThat(locked.await(30, TimeUnit.SECONDS)).isTrue();
            assertThatThrownBy(lock::lock) // waits until the other is gone
                .isInstanceOf(CannotAcquireLockException.class)
                .hasCauseInstanceOf(RankFailedException.class);
            assertThatNobodyGets(lock, RankFailedException.class);
          }
        });
  }

  @Test
  void aLockThatIsGivenBackWhileItsControllerClosesIsNotLost() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          CountDownLatch locked = new CountDownLatch(1);
          CompletableFuture<Void> holder =
              CompletableFuture.runAsync(
                  () -> {
                    Lock lock = registry(controller).obtain("k");
                    lock.lock();
                    try {
                      locked.countDown();
                      while (!controller.isClosed()) {
                        Thread.onSpinWait();
                      }
                    } finally {
                      lock.unlock();
                    }
                  },
                  task -> Thread.ofPlatform().start(task));
          assertThat(locked.await(30, TimeUnit.SECONDS)).isTrue();
          controller.close(); // waits for the lock
          holder.join();
          assertThat(controller.hasLeft()).isTrue();
        });
  }

  @Test
  void aMistakeInTheProgramIsNoFailureOfTheLock() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          Lock lock = registry(controller).obtain("k");
          assertThatThrownBy(lock::unlock).isInstanceOf(IllegalMonitorStateException.class);
          try (ReadLease _ = controller.resource("integration/k").read()) {
            assertThatThrownBy(lock::lock).isInstanceOf(LockUseException.class);
          }
          Thread.currentThread().interrupt();
          assertThatThrownBy(lock::lockInterruptibly).isInstanceOf(InterruptedException.class);
          assertThat(controller.hasLeft()).isFalse();
        });
  }

  /** What all ranks' aggregators have in common, as they would a database. */
  static final class SharedStore {
    final SimpleMessageStore messages = new SimpleMessageStore();
    final Queue<List<?>> released = new ConcurrentLinkedQueue<>();

    /** Only the registry's lock keeps these from losing an update. */
    final int[] looks = new int[GROUPS];
  }

  /**
   * A rank's own way to the store; a second aggregator on one object would be taken for an error.
   */
  private static MessageGroupStore view(SharedStore store) {
    return (MessageGroupStore)
        Proxy.newProxyInstance(
            MessageGroupStore.class.getClassLoader(),
            new Class<?>[] {MessageGroupStore.class},
            (_, method, arguments) ->
                method.getName().equals("registerMessageGroupExpiryCallback")
                    ? null
                    : AopUtils.invokeJoinpointUsingReflection(store.messages, method, arguments));
  }

  private static final int GROUPS = 40;
  private static final int PARTS = 5;

  @Configuration(proxyBeanMethods = false)
  @EnableIntegration
  static class Aggregation {
    @Bean
    SubscribableChannel parts(AggregatingMessageHandler aggregator) {
      DirectChannel channel = new DirectChannel();
      channel.subscribe(aggregator);
      return channel;
    }

    @Bean
    AggregatingMessageHandler aggregator(SharedStore store, MpilockLockRegistry registry) {
      AggregatingMessageHandler handler =
          new AggregatingMessageHandler(
              new DefaultAggregatingMessageGroupProcessor(),
              view(store),
              new HeaderAttributeCorrelationStrategy("group"),
              group -> canRelease(store, group));
      handler.setLockRegistry(registry);
      handler.setExpireGroupsUponCompletion(true);
      handler.setOutputChannel(
          new NullChannel() {
            @Override
            public boolean send(Message<?> message) {
              return store.released.add((List<?>) message.getPayload());
            }
          });
      return handler;
    }

    private static boolean canRelease(SharedStore store, MessageGroup group) {
      int index = Integer.parseInt(group.getGroupId().toString());
      increment(store.looks, index);
      return group.size() == RANKS * PARTS;
    }
  }

  @Test
  void anAggregatorOnEveryRankReleasesEachGroupOnceAndWhole() throws Exception {
    SharedStore store = new SharedStore();
    LocalRanks.run(
        RANKS,
        controller -> {
          try (AnnotationConfigApplicationContext context =
              new AnnotationConfigApplicationContext()) {
            context.registerBean(SharedStore.class, () -> store);
            context.registerBean(MpilockLockRegistry.class, () -> registry(controller));
            context.register(Aggregation.class);
            context.refresh();
            SubscribableChannel parts = context.getBean("parts", SubscribableChannel.class);
            for (int group = 0; group < GROUPS; group++) {
              for (int part = 0; part < PARTS; part++) {
                parts.send(
                    MessageBuilder.withPayload(group + ":" + controller.rank() + ":" + part)
                        .setHeader("group", String.valueOf(group))
                        .build());
              }
            }
          }
        });
    assertThat(store.released).hasSize(GROUPS);
    assertThat(store.released)
        .allSatisfy(group -> assertThat(group).hasSize(RANKS * PARTS).doesNotHaveDuplicates());
    assertThat(store.looks).containsOnly(RANKS * PARTS);
  }

  /** Tells how many lead, by its knowledge, when it begins to. */
  private static final class Candidate extends DefaultCandidate {
    private final AtomicInteger granted;
    private final AtomicInteger givenUp;
    private final CompletableFuture<Integer> leaders = new CompletableFuture<>();

    Candidate(int rank, AtomicInteger granted, AtomicInteger givenUp) {
      super("rank-" + rank, "the-role");
      this.granted = granted;
      this.givenUp = givenUp;
    }

    @Override
    public void onGranted(Context context) {
      leaders.complete(granted.incrementAndGet() - givenUp.get());
    }
  }

  @Test
  void oneRankLeadsAndHandsOverWhenItStops() throws Exception {
    AtomicInteger granted = new AtomicInteger();
    AtomicInteger givenUp = new AtomicInteger();
    AtomicIntegerArray failed = new AtomicIntegerArray(RANKS);
    AtomicIntegerArray led = new AtomicIntegerArray(RANKS);
    LocalRanks.run(
        RANKS,
        controller -> {
          Candidate candidate = new Candidate(controller.rank(), granted, givenUp);
          LockRegistryLeaderInitiator initiator = initiator(controller, candidate);
          initiator.setPublishFailedEvents(true);
          initiator.setApplicationEventPublisher(event -> {
            if (event instanceof OnFailedToAcquireMutexEvent) {
              failed.incrementAndGet(controller.rank());
            }
          });
          initiator.start();
          try {
            assertThat(candidate.leaders.get(30, TimeUnit.SECONDS)).isEqualTo(1);
            assertThat(initiator.getContext().isLeader()).isTrue();
            led.set(controller.rank(), 1);
            awaitFailuresOfTheOthers(failed, led, () -> granted.get() - givenUp.get());
            givenUp.incrementAndGet(); // before another can be granted
          } finally {
            initiator.destroy();
          }
        });
    assertThat(granted).hasValue(RANKS);
  }

  /**
   * Waits until each rank that has not led yet has tried in vain, a whole time within this lead.
   */
  private static void awaitFailuresOfTheOthers(
      AtomicIntegerArray failed, AtomicIntegerArray led, IntSupplier leaders) {
    for (int rank = 0; rank < RANKS; rank++) {
      int before = failed.get(rank);
      while (led.get(rank) == 0 && failed.get(rank) < before + 2) {
        assertThat(leaders.getAsInt()).isEqualTo(1);
      }
    }
  }

  private static LockRegistryLeaderInitiator initiator(
      WindowController controller, DefaultCandidate candidate) {
    LockRegistryLeaderInitiator initiator =
        new LockRegistryLeaderInitiator(registry(controller), candidate);
    initiator.setTaskExecutor(new SimpleAsyncTaskExecutor("leader-"));
    initiator.setHeartBeatMillis(10);
    initiator.setBusyWaitMillis(10);
    return initiator;
  }

  /** Yielding keeps it running: it gets its turn again after the others. */
  @Test
  void aLeaderThatYieldsIsFollowedByAnotherRank() throws Exception {
    Queue<Integer> reigns = new ConcurrentLinkedQueue<>();
    CountDownLatch enough = new CountDownLatch(10 * RANKS);
    LocalRanks.run(
        RANKS,
        controller -> {
          DefaultCandidate candidate =
              new DefaultCandidate("rank-" + controller.rank(), "the-role") {
                @Override
                public void onGranted(Context context) {
                  reigns.add(controller.rank());
                  enough.countDown();
                  context.yield();
                }
              };
          LockRegistryLeaderInitiator initiator = initiator(controller, candidate);
          initiator.start();
          try {
            assertThat(enough.await(40, TimeUnit.SECONDS)).isTrue();
          } finally {
            initiator.destroy();
          }
        });
    assertThat(reigns).contains(0, 1, 2);
  }

  @Test
  void anElectionGoesOnWhenTheLeadersRankIsGoneIfItsLocksAreReleased() throws Exception {
    CountDownLatch firstLeads = new CountDownLatch(1);
    CountDownLatch secondLeads = new CountDownLatch(1);
    LocalRanks.run(
        2,
        ControllerOptions.defaults().withOnHolderDeath(OnHolderDeath.RELEASE),
        controller -> {
          boolean first = controller.rank() == 0;
          if (!first) {
            assertThat(firstLeads.await(30, TimeUnit.SECONDS)).isTrue();
          }
          DefaultCandidate candidate =
              new DefaultCandidate("rank-" + controller.rank(), "the-role") {
                @Override
                public void onGranted(Context context) {
                  (first ? firstLeads : secondLeads).countDown();
                }
              };
          LockRegistryLeaderInitiator initiator = initiator(controller, candidate);
          initiator.start();
          try {
            assertThat(firstLeads.await(30, TimeUnit.SECONDS)).isTrue();
            if (first) {
              controller.abandon(); // as if it had died, holding the lock
            }
            assertThat(secondLeads.await(30, TimeUnit.SECONDS)).isTrue();
          } finally {
            initiator.destroy();
          }
        });
  }
}
