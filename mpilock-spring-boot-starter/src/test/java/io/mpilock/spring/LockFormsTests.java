/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.LocalRanks;
import io.mpilock.LockListener;
import io.mpilock.LockMode;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.spring.test.RankTest;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The forms of the template beside a plain read, write and single write. */
@Timeout(60)
class LockFormsTests {
  private static final int RANKS = 4;
  private static final int ROUNDS = 300;
  private static final Duration LONG = Duration.ofSeconds(50);
  private static final Duration SHORT = Duration.ofMillis(20);

  /** Counts without any synchronisation of its own: only exclusion keeps it from losing updates. */
  private static final class PlainCounter {
    int value;
  }

  @FunctionalInterface
  private interface LockTest {
    void run(LockTemplate locks) throws Exception;
  }

  private static void alone(LockTest test) throws Exception {
    LocalRanks.run(1, controller -> test.run(LockTemplate.of(controller).on("r")));
  }

  /** Asked by another thread: "free", "read" if others may read, or "held". */
  private static String state(LockTemplate locks) {
    return CompletableFuture.supplyAsync(
            () -> {
              if (locks.tryWriteWithoutResult(() -> {})) {
                return "free";
              }
              return locks.tryReadWithoutResult(() -> {}) ? "read" : "held";
            })
        .join();
  }

  private static void sync(CyclicBarrier barrier) {
    try {
      barrier.await();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private final CyclicBarrier two = new CyclicBarrier(2);

  @RankTest(nodes = {1, 1})
  void aTryRunsNothingWhileAnotherRankWrites(LockTemplate locks) {
    if (locks.rank() == 0) {
      locks.writeWithoutResult(() -> {
        sync(two);
        sync(two);
      });
      sync(two);
    } else {
      sync(two);
      AtomicInteger runs = new AtomicInteger();
      assertThat(locks.tryRead(runs::incrementAndGet)).isEmpty();
      assertThat(locks.tryWrite(runs::incrementAndGet)).isEmpty();
      assertThat(locks.tryRead(SHORT, runs::incrementAndGet)).isEmpty();
      assertThat(locks.tryWrite(SHORT, runs::incrementAndGet)).isEmpty();
      assertThat(locks.tryReadWithoutResult(runs::incrementAndGet)).isFalse();
      assertThat(locks.tryWriteWithoutResult(SHORT, runs::incrementAndGet)).isFalse();
      assertThat(locks.withTimeout(Duration.ofDays(1)).tryRead(runs::incrementAndGet))
          .as("not waited for")
          .isEmpty();
      assertThat(runs).hasValue(0);
      sync(two);
      sync(two);
      assertThat(locks.tryRead(() -> "r")).contains("r");
      assertThat(locks.tryWrite(() -> "w")).contains("w");
      assertThat(locks.tryReadWithoutResult(runs::incrementAndGet)).isTrue();
      assertThat(locks.tryWriteWithoutResult(runs::incrementAndGet)).isTrue();
      assertThat(runs).hasValue(2);
    }
  }

  @RankTest(ranks = RANKS)
  void aTryWithATimeWaitsForTheOthers(LockTemplate locks) {
    PlainCounter counter = COUNTER;
    for (int i = 0; i < ROUNDS; i++) {
      assertThat(locks.tryWrite(LONG, () -> counter.value++)).isPresent();
    }
    locks.barrier();
    assertThat(locks.tryRead(LONG, () -> counter.value)).contains(RANKS * ROUNDS);
  }

  private static final PlainCounter COUNTER = new PlainCounter();

  /** Empty would say that it did not run, and the caller would try again. */
  @Test
  void aTryThatReturnsNullHasRunAndSaysSo() throws Exception {
    alone(locks -> {
      AtomicInteger runs = new AtomicInteger();
      assertThatThrownBy(() -> locks.tryWrite(() -> nothing(runs)))
          .isInstanceOf(NullPointerException.class)
          .hasMessageContaining("ran and returned null")
          .hasMessageContaining("tryWriteWithoutResult");
      assertThatThrownBy(() -> locks.tryRead(() -> nothing(runs)))
          .isInstanceOf(NullPointerException.class);
      assertThatThrownBy(() -> locks.group().read("r").tryRun(() -> nothing(runs)))
          .isInstanceOf(NullPointerException.class);
      assertThat(runs).hasValue(3);
      assertThat(state(locks)).isEqualTo("free");
    });
  }

  @SuppressWarnings("NullAway") // what a caller does that does not look at nullness
  private static String nothing(AtomicInteger runs) {
    runs.incrementAndGet();
    return null;
  }

  @Test
  void whatATryThrowsReachesTheCallerAsThrownAndTheLockIsFree() throws Exception {
    alone(locks -> {
      LockedRunnable<IOException> failing =
          () -> {
            throw new IOException("full");
          };
      assertThatThrownBy(() -> locks.tryWriteWithoutResult(failing))
          .isExactlyInstanceOf(IOException.class);
      assertThatThrownBy(() -> locks.tryReadWithoutResult(LONG, failing))
          .isExactlyInstanceOf(IOException.class);
      assertThat(state(locks)).isEqualTo("free");
      // it is wrong use, not a lock that is held
      assertThatExceptionOfType(LockUseException.class)
          .isThrownBy(() -> locks.read(() -> locks.tryWrite(() -> 1)));
    });
  }

  /** Meters, report and recorder are listeners. */
  @Test
  void listenersAreToldOfATryThatIsGivenUp() throws Exception {
    List<String> events = new CopyOnWriteArrayList<>();
    LocalRanks.run(
        1,
        controller -> {
          controller.addListener(
              new LockListener() {
                @Override
                public void timedOut(String resource, LockMode mode, long nanos) {
                  events.add(mode + " of " + resource + " given up");
                }
              });
          LockTemplate locks = LockTemplate.of(controller).on("r");
          locks.writeWithoutResult(() ->
              CompletableFuture.runAsync(
                      () -> {
                        assertThat(locks.tryRead(() -> 1)).isEmpty();
                        assertThat(locks.tryWrite(SHORT, () -> 1)).isEmpty();
                      })
                  .join());
        });
    assertThat(events).containsExactly("read of r given up", "write of r given up");
  }

  @RankTest(ranks = 2)
  void anActionGetsTheTokenOfItsLock(LockTemplate locks) {
    if (locks.isMaster()) {
      assertThat(locks.<Long, RuntimeException>readWithLease(LeasedRead::token)).isZero();
      assertThat(locks.<Long, RuntimeException>writeWithLease(LeasedWrite::token)).isEqualTo(1);
    }
    locks.on("another").barrier();
    if (!locks.isMaster()) {
      long token =
          locks.writeWithLease(lease -> {
            assertThat(lease.intervened()).isFalse();
            return lease.token();
          });
      assertThat(token).isEqualTo(2);
      assertThat(locks.<Long, RuntimeException>readWithLease(LeasedRead::token)).isEqualTo(2);
    }
    locks.on("another").barrier();
  }

  private static final PlainCounter UPGRADED = new PlainCounter();

  @RankTest(nodes = {2, 2})
  void whatWasReadHoldsInAnUpgradeUnlessItSaysThatAnotherWriteCameIn(LockTemplate locks) {
    PlainCounter counter = UPGRADED;
    for (int i = 0; i < ROUNDS; i++) {
      locks.readWithLease(lease -> {
        int seen = counter.value;
        return lease.upgrade(write -> {
          int now = write.intervened() ? counter.value : seen;
          counter.value = now + 1;
          return now;
        });
      });
    }
    locks.barrier();
    assertThat(counter.value).isEqualTo(RANKS * ROUNDS);
  }

  @Test
  void afterAnUpgradeTheReadGoesOn() throws Exception {
    alone(locks -> {
      List<String> states = new ArrayList<>();
      locks.readWithLease(lease -> {
        states.add(state(locks));
        for (int i = 1; i <= 2; i++) {
          long token =
              lease.upgrade(write -> {
                states.add(state(locks));
                return write.token();
              });
          assertThat(token).isEqualTo(i);
          assertThat(lease.token()).isEqualTo(i);
          states.add(state(locks));
        }
        assertThatThrownBy(() ->
                lease.upgrade(write -> {
                  throw new IOException("full");
                }))
            .isExactlyInstanceOf(IOException.class);
        states.add(state(locks));
        return states.size();
      });
      states.add(state(locks));
      assertThat(states).containsExactly("read", "held", "read", "held", "read", "read", "free");
    });
  }

  @Test
  void anUpgradeInsideAnotherReadIsRefusedAndInsideAWriteNothingIsGivenUp() throws Exception {
    alone(locks -> {
      locks.readWithoutResult(() ->
          locks.readWithLease(lease -> {
            assertThatExceptionOfType(LockUseException.class)
                .isThrownBy(() -> lease.upgrade(write -> 1));
            assertThat(state(locks)).isEqualTo("read");
            return 0;
          }));
      assertThat(state(locks)).isEqualTo("free");
      locks.writeWithoutResult(() -> {
        boolean intervened = locks.readWithLease(lease -> lease.upgrade(LeasedWrite::intervened));
        assertThat(intervened).isFalse();
        assertThat(state(locks)).isEqualTo("held");
      });
      assertThat(state(locks)).isEqualTo("free");
    });
  }

  @RankTest(ranks = 2)
  void anUpgradeThatIsGivenUpLeavesNothing(LockTemplate locks) {
    if (locks.rank() == 0) {
      locks.readWithoutResult(() -> {
        sync(two);
        sync(two);
      });
    } else {
      sync(two);
      locks
          .withTimeout(SHORT)
          .readWithLease(lease -> {
            assertThatExceptionOfType(LockTimeoutException.class)
                .isThrownBy(() -> lease.upgrade(write -> 1))
                .withMessageContaining("rank 0");
            assertThat(locks.isHeldByCurrentThread()).isFalse();
            assertThatExceptionOfType(LockUseException.class)
                .isThrownBy(() -> lease.upgrade(write -> 1));
            return 0;
          });
      sync(two);
    }
  }

  @Test
  void aDowngradeLetsReadersInAndNoWriter() throws Exception {
    alone(locks -> {
      LeasedWrite[] escaped = new LeasedWrite[1];
      locks.writeWithLease(lease -> {
        escaped[0] = lease;
        assertThatThrownBy(() -> CompletableFuture.runAsync(lease::downgrade).join())
            .hasCauseInstanceOf(LockUseException.class);
        assertThat(state(locks)).isEqualTo("held");
        lease.downgrade();
        assertThat(state(locks)).isEqualTo("read");
        lease.downgrade();
        assertThat(locks.isWriteHeldByCurrentThread()).isFalse();
        return 0;
      });
      assertThat(state(locks)).isEqualTo("free");
      LeasedWrite ended = locks.<LeasedWrite, RuntimeException>writeWithLease(lease -> lease);
      assertThatExceptionOfType(LockUseException.class).isThrownBy(ended::downgrade);
      locks.writeWithoutResult(
          () -> assertThatExceptionOfType(LockUseException.class).isThrownBy(ended::downgrade));
      assertThat(state(locks)).isEqualTo("free");
    });
  }

  @Test
  void aDowngradeInAnUpgradeIsTheReadThatGoesOn() throws Exception {
    alone(locks -> {
      locks.readWithLease(lease -> {
        lease.upgrade(write -> {
          write.downgrade();
          assertThat(state(locks)).isEqualTo("read");
          return 0;
        });
        assertThat(state(locks)).isEqualTo("read");
        return 0;
      });
      assertThat(state(locks)).isEqualTo("free");
    });
  }

  @Test
  void anOptimisticReadAsksForNothingWhileNobodyWrites() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          List<String> requests = new CopyOnWriteArrayList<>();
          controller.addListener(
              new LockListener() {
                @Override
                public void requested(String resource, LockMode mode) {
                  requests.add(resource);
                }
              });
          LockTemplate locks = LockTemplate.of(controller);
          assertThat(locks.<Integer, RuntimeException>optimisticRead(() -> 7)).isEqualTo(7);
          assertThatThrownBy(() ->
                  locks.optimisticRead(() -> {
                    throw new IOException("gone");
                  }))
              .isExactlyInstanceOf(IOException.class);
          assertThat(requests).isEmpty();
        });
  }

  private static void writeElsewhere(LockTemplate locks) {
    CompletableFuture.runAsync(() -> locks.writeWithoutResult(() -> {})).join();
  }

  @Test
  void anAttemptThatAWriteCameIntoCountsForNothing() throws Exception {
    alone(locks -> {
      AtomicInteger attempts = new AtomicInteger();
      int got =
          locks.optimisticRead(() -> {
            int attempt = attempts.incrementAndGet();
            if (attempt <= 2) {
              writeElsewhere(locks);
            }
            if (attempt == 2) {
              throw new OutOfMemoryError("by a length that was half written");
            }
            return attempt;
          });
      assertThat(got).isEqualTo(3);
    });
  }

  @Test
  void afterThreeAttemptsItReadsUnderTheLock() throws Exception {
    alone(locks -> {
      List<Boolean> locked = new ArrayList<>();
      locks.optimisticRead(() -> {
        boolean held = locks.isHeldByCurrentThread();
        locked.add(held);
        if (!held) {
          writeElsewhere(locks);
        }
        return locked.size();
      });
      assertThat(locked).containsExactly(false, false, false, true);
    });
  }

  @RankTest(ranks = 2)
  void aWriteThatIsHeldAtItsBeginningIsWaitedFor(LockTemplate locks) {
    if (locks.rank() == 0) {
      locks.writeWithoutResult(() -> {
        sync(two);
        sync(two);
      });
    } else {
      sync(two);
      assertThatExceptionOfType(LockTimeoutException.class)
          .isThrownBy(() -> locks.withTimeout(SHORT).optimisticRead(() -> 1));
      sync(two);
      int got = locks.optimisticRead(() -> 1);
      assertThat(got).isEqualTo(1);
    }
  }

  @Test
  void anOptimisticReadInAHoldRunsUnderThat() throws Exception {
    alone(locks -> {
      int got = locks.write(() -> locks.<Integer, RuntimeException>optimisticRead(() -> 1));
      assertThat(got).isEqualTo(1);
    });
  }

  @RankTest(nodes = {2, 2})
  void aFencedBlockIsWrittenByTheRankThatIsNamed(LockTemplate locks) {
    for (int writer = 0; writer < RANKS; writer++) {
      int rank = locks.rank();
      Integer shared =
          locks
              .withTimeout(LONG)
              .<Integer, RuntimeException>singleWriteFenced(
                  writer,
                  fence -> {
                    fence.guard();
                    fence.share(rank);
                  });
      assertThat(shared).isEqualTo(writer);
    }
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(
            () -> locks.<String, RuntimeException>singleWriteFenced(RANKS, fence -> fence.guard()));
    Throwable thrown =
        catchThrowable(() ->
            locks.<String, IOException>singleWriteFenced(
                1,
                fence -> {
                  fence.guard();
                  throw new IOException("full");
                }));
    assertThat(thrown)
        .isInstanceOf(locks.rank() == 1 ? IOException.class : SingleWriteFailedException.class)
        .hasMessageContaining("full");
  }

  @RankTest(ranks = 2)
  void aThreadKnowsWhatItHolds(LockTemplate locks) {
    expectHeld(locks, false, false);
    locks.readWithoutResult(() -> {
      expectHeld(locks, true, false);
      expectHeld(locks.on("another"), false, false);
      CompletableFuture.runAsync(() -> expectHeld(locks, false, false)).join();
    });
    locks.writeWithoutResult(() -> {
      expectHeld(locks, true, true);
      locks.readWithoutResult(() -> expectHeld(locks, true, true));
    });
    locks.singleWrite(
        1,
        () -> {
          expectHeld(locks, true, true);
          return 0;
        });
    expectHeld(locks, false, false);
  }

  private static void expectHeld(LockTemplate locks, boolean held, boolean written) {
    assertThat(locks.isHeldByCurrentThread()).isEqualTo(held);
    assertThat(locks.isWriteHeldByCurrentThread()).isEqualTo(written);
    if (held) {
      locks.requireHeld();
    } else {
      assertThatExceptionOfType(LockUseException.class).isThrownBy(locks::requireHeld);
    }
    if (written) {
      locks.requireWriteHeld();
    } else {
      assertThatExceptionOfType(LockUseException.class).isThrownBy(locks::requireWriteHeld);
    }
  }

  @Test
  void aRequirementThatIsNotMetSaysWhoWhatAndWhatToDo() throws Exception {
    alone(locks -> {
      assertThatThrownBy(locks::requireHeld)
          .hasMessage(
              "Thread '%s' of rank 0 reached code that must run under a read or the write of resource 'r', which it does not hold: call it inside read(…) or write(…) of that resource's LockTemplate."
                  .formatted(Thread.currentThread().getName()));
      locks.readWithoutResult(() ->
          assertThatThrownBy(locks::requireWriteHeld)
              .hasMessageContaining("must run under the write of resource 'r'")
              .hasMessageContaining("though it has a read: call it inside write(…)"));
    });
  }
}
