/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.failure.RankFailedException;
import io.mpilock.testing.Ranks;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What the others get when a rank dies. Deaths at any single access to the window are simulated by
 * {@code NodeLockSimulationTest} and {@code CollectivesSimulationTest}; here the whole library runs
 * on threads, with its real time limits.
 */
@Timeout(60)
class RankFailureTest {
  private static final int RANKS = 4;
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final ControllerOptions RELEASE =
      ControllerOptions.defaults().withOnHolderDeath(OnHolderDeath.RELEASE);

  /** A job whose rank 0 dies when its body has returned. */
  private static void job(ControllerOptions options, Body victim, Body other) throws Exception {
    LocalCluster cluster = new LocalCluster(RANKS);
    CountDownLatch died = new CountDownLatch(1);
    List<CompletableFuture<Void>> ranks = new ArrayList<>();
    for (int rank = 0; rank < RANKS; rank++) {
      int mine = rank;
      ranks.add(
          thread(
              "rank-" + rank,
              () -> {
                WindowController controller = WindowController.sync(cluster.world(mine), options);
                if (mine == 0) {
                  victim.run(controller, died);
                  cluster.kill(0);
                  died.countDown();
                } else {
                  try {
                    other.run(controller, died);
                  } finally {
                    controller.close();
                  }
                }
              }));
    }
    for (CompletableFuture<Void> rank : ranks) {
      rank.get();
    }
  }

  private interface Body {
    void run(WindowController controller, CountDownLatch died) throws Exception;
  }

  private interface Task {
    void run() throws Exception;
  }

  private static CompletableFuture<Void> thread(String name, Task task) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            task.run();
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        },
        body -> Thread.ofPlatform().daemon().name(name).start(body));
  }

  private static void assertFailed(Throwable e) {
    assertThat(e).isInstanceOf(RankFailedException.class).hasMessageContaining("rank 0");
    assertThat(((RankFailedException) e).rank()).isZero();
  }

  /** Starts threads that wait for a lock, and gives what they will have seen. */
  private static List<CompletableFuture<Throwable>> waiters(WindowController controller) {
    List<CompletableFuture<Throwable>> seen = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      for (boolean read : new boolean[] {true, false}) {
        CompletableFuture<Throwable> outcome = new CompletableFuture<>();
        seen.add(outcome);
        var _ =
            thread(
                "waiter",
                () ->
                    outcome.complete(
                        catchThrowable(() ->
                            (read ? controller.read(LONG) : controller.write(LONG)).close())));
      }
    }
    return seen;
  }

  @Test
  void aRankThatDiesWhileItWritesPoisonsTheResourceForWaitersAndLaterCallersAndNoOther()
      throws Exception {
    job(
        ControllerOptions.defaults(),
        (controller, died) -> {
          WriteLease lost = controller.write();
          controller.resource("ready").singleWrite(() -> lost.token());
        },
        (controller, died) -> {
          controller.resource("ready").singleWrite(() -> 0L);
          for (CompletableFuture<Throwable> waiter : waiters(controller)) {
            assertFailed(waiter.get());
          }
          assertThatThrownBy(controller::tryRead).satisfies(RankFailureTest::assertFailed);
          assertThatThrownBy(controller::tryWrite)
              .satisfies(RankFailureTest::assertFailed)
              .hasMessageContaining("half written")
              .hasMessageContaining("mpilock.on-holder-death=release");
          assertThatThrownBy(controller::write).satisfies(RankFailureTest::assertFailed);
          assertThatThrownBy(controller::tryOptimisticRead)
              .satisfies(RankFailureTest::assertFailed);
          controller.resource("other").write(LONG).close();
          controller.resource("other").read(LONG).close();
        });
  }

  @Test
  void whatADeadWriterLeftIsGivenFreeForWaitersAndLaterCallers() throws Exception {
    CyclicBarrier told = new CyclicBarrier(RANKS - 1);
    AtomicInteger givers = new AtomicInteger();
    job(
        ControllerOptions.defaults(),
        (controller, died) -> {
          WriteLease lost = controller.write();
          controller.resource("ready").singleWrite(() -> lost.token());
        },
        (controller, died) -> {
          ResourceLock lock = controller.resource(WindowController.DEFAULT_RESOURCE);
          assertThat(controller.resource("other").clearPoison()).isEmpty();
          long token = controller.resource("ready").singleWrite(() -> 0L);
          for (CompletableFuture<Throwable> waiter : waiters(controller)) {
            assertFailed(waiter.get());
          }
          told.await();
          OptionalInt writer = lock.clearPoison(); // all at once, and some may come too late
          assertThat(writer.orElse(0)).isZero();
          givers.addAndGet(writer.isPresent() ? 1 : 0);
          try (WriteLease next = lock.write(LONG)) {
            assertThat(next.token()).isGreaterThan(token);
          }
          lock.read(LONG).close();
          assertThat(lock.clearPoison()).isEmpty();
          for (CompletableFuture<Throwable> waiter : waiters(controller)) {
            assertThat(waiter.get()).isNull();
          }
        });
    assertThat(givers).hasPositiveValue();
  }

  @Test
  void aLoopOfTriesIsToldOfADeathToo() throws Exception {
    job(
        ControllerOptions.defaults(),
        (controller, died) -> {
          WriteLease lost = controller.write();
          controller.resource("ready").singleWrite(() -> lost.token());
        },
        (controller, died) -> {
          controller.resource("ready").singleWrite(() -> 0L);
          assertFailed(
              catchThrowable(() -> {
                while (controller.tryWrite().isEmpty()) {
                  Thread.onSpinWait();
                }
              }));
        });
  }

  @Test
  void withReleaseTheNextGetsTheLockOfARankThatDiedWhileItWrote() throws Exception {
    job(
        RELEASE,
        (controller, died) -> {
          WriteLease lost = controller.write();
          controller.resource("ready").singleWrite(() -> lost.token());
        },
        (controller, died) -> {
          long lost = controller.resource("ready").singleWrite(() -> 0L);
          for (CompletableFuture<Throwable> waiter : waiters(controller)) {
            assertThat(waiter.get()).isNull();
          }
          try (WriteLease write = controller.write(LONG)) {
            assertThat(write.token()).isGreaterThan(lost);
          }
        });
  }

  @Test
  void writersGoOnWhenARankDiesWhileItReads() throws Exception {
    job(
        ControllerOptions.defaults(),
        (controller, died) -> {
          ReadLease lost = controller.read();
          controller.resource("ready").singleWrite(() -> lost.token());
        },
        (controller, died) -> {
          controller.resource("ready").singleWrite(() -> 0L);
          for (CompletableFuture<Throwable> waiter : waiters(controller)) {
            assertThat(waiter.get()).isNull();
          }
        });
  }

  @Test
  void theOthersGoOnWhenARankDiesWhileItWaits() throws Exception {
    for (boolean read : new boolean[] {true, false}) {
      CountDownLatch held = new CountDownLatch(1);
      job(
          ControllerOptions.defaults(),
          (controller, died) -> {
            Ranks.await(held);
            var _ = thread("lost", () -> (read ? controller.read() : controller.write()).close());
            // The stall report would name it: so it is in the table, or about to be.
            while (!waits(controller, read)) {
              Thread.onSpinWait();
            }
          },
          (controller, died) -> {
            if (controller.rank() == 1) {
              WriteLease write = controller.write();
              held.countDown();
              Ranks.await(died);
              write.close();
            } else {
              Ranks.await(died);
            }
            for (CompletableFuture<Throwable> waiter : waiters(controller)) {
              assertThat(waiter.get()).isNull();
            }
          });
    }
  }

  /** Whether rank 0 waits: a timed request that fails says who else does. */
  private static boolean waits(WindowController controller, boolean read) {
    Throwable refused = catchThrowable(() -> controller.read(Duration.ofMillis(2)).close());
    return String.valueOf(refused.getMessage())
        .contains(read ? "rank 0 (1 reader)" : "rank 0 (write, ");
  }

  @Test
  void aRankThatDiesInTheBodyOfASingleWriteIsToldToTheRanksThatWait() throws Exception {
    LocalCluster cluster = new LocalCluster(RANKS);
    List<CompletableFuture<Void>> others = new ArrayList<>();
    for (int rank = 0; rank < RANKS; rank++) {
      int mine = rank;
      CompletableFuture<Void> running =
          thread(
              "rank-" + rank,
              () -> {
                WindowController controller =
                    WindowController.sync(cluster.world(mine), ControllerOptions.defaults());
                if (mine == 0) {
                  Fence<String> lost = controller.singleWrite();
                  lost.guard();
                  cluster.kill(0);
                } else {
                  assertThatThrownBy(() -> controller.singleWrite(() -> "mine"))
                      .satisfies(RankFailureTest::assertFailed)
                      .hasMessageContaining("its single write of resource 'default' never ends");
                  assertThatThrownBy(controller::write).satisfies(RankFailureTest::assertFailed);
                  controller.close();
                }
              });
      if (mine != 0) {
        others.add(running);
      }
    }
    for (CompletableFuture<Void> other : others) {
      other.get();
    }
  }

  @Test
  void aSingleWriteOfTheOthersFailsWhenARankDiedBeforeItCalled() throws Exception {
    job(
        ControllerOptions.defaults(),
        (controller, died) -> controller.singleWrite(() -> "all are there"),
        (controller, died) -> {
          controller.singleWrite(() -> "all are there");
          assertThatThrownBy(() -> controller.singleWrite(1, () -> "x"))
              .satisfies(RankFailureTest::assertFailed)
              .hasMessageContaining("rank 0 died");
          controller.write(LONG).close();
        });
  }

  @Test
  void theOthersEndASingleWriteThatARankDiesIn() throws Exception {
    CountDownLatch gone = new CountDownLatch(1);
    LocalCluster cluster = new LocalCluster(3);
    List<CompletableFuture<Void>> ranks = new ArrayList<>();
    for (int rank = 0; rank < 3; rank++) {
      int mine = rank;
      CompletableFuture<Void> running =
          thread(
              "rank-" + rank,
              () -> {
                WindowController controller =
                    WindowController.sync(cluster.world(mine), ControllerOptions.defaults());
                byte[] large =
                    controller.singleWrite(
                        1,
                        () -> {
                          cluster.kill(0); // while it waits, or on its way there
                          gone.countDown();
                          return new byte[3_000_000];
                        });
                if (mine != 0) {
                  assertThat(large).hasSize(3_000_000);
                  controller.close();
                }
              });
      if (mine != 0) {
        ranks.add(running);
      }
    }
    for (CompletableFuture<Void> rank : ranks) {
      rank.get();
    }
    Ranks.await(gone);
  }

  @Test
  void closeDoesNotWaitForARankThatDied() throws Exception {
    job(
        ControllerOptions.defaults().withShutdownTimeout(Duration.ofMinutes(10)),
        (controller, died) -> {},
        (controller, died) -> Ranks.await(died));
  }
}
