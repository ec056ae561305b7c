/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.LocalRanks;
import io.mpilock.LockListener;
import io.mpilock.LockMode;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.spring.test.RankTest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several resources at once. */
@Timeout(60)
class LockGroupTests {
  private static final int RANKS = 4;
  private static final int ROUNDS = 300;
  private static final Duration LONG = Duration.ofSeconds(50);
  private static final Duration SHORT = Duration.ofMillis(20);

  private static final int[] ACCOUNTS = new int[RANKS];

  private final CyclicBarrier two = new CyclicBarrier(2);

  @FunctionalInterface
  private interface LockTest {
    void run(LockTemplate locks) throws Exception;
  }

  private static void alone(LockTest test) throws Exception {
    LocalRanks.run(1, controller -> test.run(LockTemplate.of(controller)));
  }

  /** Asked by another thread: "free", "read" if others may read, or "held". */
  private static String state(LockTemplate locks, String resource) {
    LockTemplate one = locks.on(resource);
    return CompletableFuture.supplyAsync(
            () -> {
              if (one.tryWriteWithoutResult(() -> {})) {
                return "free";
              }
              return one.tryReadWithoutResult(() -> {}) ? "read" : "held";
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

  /** Each rank names its own account first, so that one inside the other would end in a cycle. */
  @RankTest(nodes = {2, 2})
  void groupsThatAreNamedInAnyOrderDoNotWaitForEachOtherForEver(LockTemplate locks) {
    int mine = locks.rank();
    for (int i = 0; i < ROUNDS; i++) {
      int other = (mine + 1 + i % (RANKS - 1)) % RANKS;
      locks
          .group()
          .write("account-" + mine, "account-" + other)
          .runWithoutResult(() -> {
            ACCOUNTS[mine]--;
            ACCOUNTS[other] += 2;
          });
    }
    locks.barrier();
    int total =
        locks
            .group()
            .read("account-0", "account-1", "account-2", "account-3")
            .run(() -> {
              int sum = 0;
              for (int account : ACCOUNTS) {
                sum += account;
              }
              return sum;
            });
    assertThat(total).isEqualTo(RANKS * ROUNDS);
  }

  @RankTest(ranks = 2)
  void readsOfAGroupOverlapAndItsWritesExclude(LockTemplate locks) {
    LockGroup group = locks.group().read("shared").write("own-" + locks.rank());
    group.runWithoutResult(() -> sync(two)); // passes only if both are inside at once
    group.runWithoutResult(() -> {
      sync(two);
      int other = 1 - locks.rank();
      assertThat(locks.on("own-" + other).tryRead(() -> 1)).isEmpty();
      assertThat(locks.on("shared").tryRead(() -> 1)).contains(1);
      sync(two);
    });
  }

  @Test
  void theyAreTakenInTheOrderOfTheirNamesEachOnceAndGivenBackInTheOther() throws Exception {
    List<String> events = new CopyOnWriteArrayList<>();
    LocalRanks.run(
        1,
        controller -> {
          controller.addListener(
              new LockListener() {
                @Override
                public void granted(String resource, LockMode mode, long nanos, boolean waited) {
                  events.add(mode + " " + resource);
                }

                @Override
                public void released(String resource, LockMode mode, long nanos) {
                  events.add("end of " + resource);
                }
              });
          LockGroup group =
              LockTemplate.of(controller).group().write("c", "a").read("b", "a").read("b");
          assertThat(group).hasToString("LockGroup[a=write, b=read, c=write]");
          assertThat(group.<String, RuntimeException>run(() -> "done")).isEqualTo("done");
        });
    assertThat(events)
        .containsExactly("write a", "read b", "write c", "end of c", "end of b", "end of a");
  }

  @RankTest(ranks = 2)
  void ifOneIsNotGrantedNoneIsHeldAndTheActionDoesNotRun(LockTemplate locks) {
    if (locks.rank() == 0) {
      locks
          .on("b")
          .readWithoutResult(() -> {
            sync(two);
            sync(two);
          });
    } else {
      sync(two);
      AtomicInteger runs = new AtomicInteger();
      LockGroup group = locks.group().read("a").write("b", "c");
      assertThat(group.tryRun(runs::incrementAndGet)).isEmpty();
      assertThat(group.tryRun(SHORT, runs::incrementAndGet)).isEmpty();
      assertThat(group.tryRunWithoutResult(runs::incrementAndGet)).isFalse();
      LockGroup timed = locks.withTimeout(SHORT).group().write("a", "b");
      assertThatExceptionOfType(LockTimeoutException.class)
          .isThrownBy(() -> timed.run(runs::incrementAndGet))
          .withMessageContaining("resource 'b'")
          .withMessageContaining("rank 0");
      assertThat(runs).hasValue(0);
      assertThat(state(locks, "a")).isEqualTo("free");
      assertThat(state(locks, "c")).isEqualTo("free");
      sync(two);
      assertThat(group.tryRun(LONG, runs::incrementAndGet)).contains(1);
      assertThat(group.tryRunWithoutResult(LONG, runs::incrementAndGet)).isTrue();
    }
  }

  @Test
  void whatItsActionThrowsReachesTheCallerAndAllAreFree() throws Exception {
    alone(locks -> {
      assertThatThrownBy(() ->
              locks
                  .group()
                  .write("a", "b")
                  .run(() -> {
                    throw new IOException("full");
                  }))
          .isExactlyInstanceOf(IOException.class);
      assertThat(state(locks, "a")).isEqualTo("free");
      assertThat(state(locks, "b")).isEqualTo("free");
    });
  }

  @Test
  void whatTheThreadHoldsIsHeldOnceMoreIfTheOrderIsKept() throws Exception {
    alone(locks -> {
      locks
          .on("a")
          .writeWithoutResult(() -> {
            locks
                .group()
                .write("a", "b")
                .runWithoutResult(() ->
                    locks
                        .group()
                        .read("a", "b")
                        .runWithoutResult(() -> { // all of them are held
                          assertThat(state(locks, "a")).isEqualTo("held");
                          assertThat(state(locks, "b")).isEqualTo("held");
                        }));
            assertThat(state(locks, "a")).isEqualTo("held");
            assertThat(state(locks, "b")).isEqualTo("free");
          });
      assertThat(state(locks, "a")).isEqualTo("free");
    });
  }

  @Test
  void aGroupThatWouldWaitOutOfItsOrderIsRefusedUnlessThereIsATimeOut() throws Exception {
    alone(locks ->
        locks
            .on("b")
            .writeWithoutResult(() -> {
              LockGroup group = locks.group().write("a", "b", "c");
              assertThatExceptionOfType(LockUseException.class)
                  .isThrownBy(() -> group.run(() -> 1))
                  .withMessageContaining("rank 0")
                  .withMessageContaining("resource 'a' while it holds 'b'");
              assertThat(state(locks, "a")).isEqualTo("free");
              assertThat(group.tryRun(() -> 1)).contains(1);
              assertThat(group.tryRun(SHORT, () -> 2)).contains(2);
              assertThat(locks.withTimeout(LONG).group().write("a", "b").tryRun(() -> 3))
                  .contains(3);
              int got = locks.withTimeout(LONG).group().write("a", "b").run(() -> 4);
              assertThat(got).isEqualTo(4);
              assertThat(state(locks, "a")).isEqualTo("free");
              assertThat(state(locks, "b")).isEqualTo("held");
            }));
  }

  @Test
  void aWriteInAReadOfTheThreadIsRefusedAndNothingIsHeld() throws Exception {
    alone(locks ->
        locks
            .on("b")
            .readWithoutResult(() -> {
              assertThatExceptionOfType(LockUseException.class)
                  .isThrownBy(() -> locks.group().write("b", "c").run(() -> 1));
              assertThatExceptionOfType(LockUseException.class)
                  .isThrownBy(() -> locks.group().write("a", "b").tryRun(() -> 1));
              assertThat(state(locks, "a")).isEqualTo("free");
              assertThat(state(locks, "b")).isEqualTo("read");
              assertThat(state(locks, "c")).isEqualTo("free");
            }));
  }

  @Test
  void aWrongNameAndAnEmptyGroupAreRefused() throws Exception {
    alone(locks -> {
      assertThatExceptionOfType(IllegalArgumentException.class)
          .isThrownBy(() -> locks.group().read("a", " "));
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(() -> locks.group().run(() -> 1));
    });
  }
}
