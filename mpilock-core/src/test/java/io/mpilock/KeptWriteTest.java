/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.status.LockUser;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.locks.Lock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A write that is kept beyond the code that took it, and ended by whichever thread. */
@Timeout(60)
class KeptWriteTest {
  private static final Duration NOW = Duration.ZERO;

  private static void elsewhere(Runnable body) {
    CompletableFuture.runAsync(body, task -> Thread.ofPlatform().name("other").start(task)).join();
  }

  private static boolean isFree(ResourceLock lock) {
    return CompletableFuture.supplyAsync(
            () -> {
              var lease = lock.tryWrite();
              lease.ifPresent(WriteLease::close);
              return lease.isPresent();
            })
        .join();
  }

  private static void alone(LocalRanks.RankBody body) throws Exception {
    LocalRanks.run(1, body);
  }

  @Test
  void anyThreadMayEndIt() throws Exception {
    alone(controller -> {
      ResourceLock lock = controller.resource("a");
      WriteLease lease = lock.write();
      assertThatThrownBy(() -> elsewhere(() -> lease.keep("t")))
          .hasRootCauseInstanceOf(LockUseException.class)
          .hasMessageContaining("called keep on a lease of resource 'a'");
      assertThatThrownBy(() -> elsewhere(lease::close))
          .hasRootCauseInstanceOf(LockUseException.class);
      assertThat(controller.keptWrites()).isEmpty();
      lease.keep("t");
      lease.keep("again, which is nothing");
      assertThat(controller.keptWrites()).containsExactly("a");
      elsewhere(() -> assertThat(controller.keptWrites()).isEmpty());
      assertThat(isFree(lock)).isFalse();
      assertThat(lock.isWriteHeldByCurrentThread()).isTrue();
      elsewhere(() -> assertThat(lock.isHeldByCurrentThread()).isFalse());
      elsewhere(lease::close);
      assertThat(lock.isHeldByCurrentThread()).isFalse();
      elsewhere(lease::close);
      lease.close();
      assertThat(controller.keptWrites()).isEmpty();
      assertThat(isFree(lock)).isTrue();
      lease.keep("nothing");
      assertThat(controller.keptWrites()).isEmpty();
      lock.write().close();
      assertThat(isFree(lock)).isTrue();
    });
  }

  @Test
  void itIsReentrantForItsThreadAlone() throws Exception {
    alone(controller -> {
      ResourceLock lock = controller.resource("a");
      WriteLease kept = lock.write();
      kept.keep("t");
      try (WriteLease again = lock.write();
          ReadLease read = lock.read()) {
        assertThat(again.token()).isEqualTo(kept.token());
        assertThat(read.token()).isEqualTo(kept.token());
        elsewhere(() -> assertThat(lock.tryRead()).isEmpty());
        elsewhere(kept::close);
        elsewhere(() -> assertThat(lock.tryRead()).as("a body still runs").isEmpty());
      }
      assertThat(isFree(lock)).isTrue();
      try (WriteLease own = lock.write()) {
        assertThat(own.token()).isEqualTo(kept.token() + 2);
      }
    });
  }

  @Test
  void eachLevelThatIsKeptEndsByItself() throws Exception {
    alone(controller -> {
      ResourceLock lock = controller.resource("a");
      WriteLease outer = lock.write();
      outer.keep("outer");
      WriteLease inner = lock.write();
      inner.keep("inner");
      elsewhere(outer::close);
      assertThat(isFree(lock)).isFalse();
      assertThat(controller.keptWrites()).containsExactly("a");
      elsewhere(inner::close);
      assertThat(isFree(lock)).isTrue();
    });
  }

  @Test
  void aReadTakenInItLetsReadersInWhenItEnds() throws Exception {
    alone(controller -> {
      ResourceLock lock = controller.resource("a");
      WriteLease kept = lock.write();
      kept.keep("t");
      ReadLease read = lock.read();
      elsewhere(() -> assertThat(lock.tryRead()).isEmpty());
      elsewhere(kept::close);
      elsewhere(() -> lock.tryRead().orElseThrow().close());
      elsewhere(() -> assertThat(lock.tryWrite()).isEmpty());
      assertThatThrownBy(lock::write).isInstanceOf(LockUseException.class);
      read.close();
      assertThat(isFree(lock)).isTrue();
    });
  }

  @Test
  void anUpgradedReadIsKept() throws Exception {
    alone(controller -> {
      ResourceLock lock = controller.resource("a");
      WriteLease kept = lock.read().upgrade();
      assertThat(kept.intervened()).isFalse();
      kept.keep("t");
      assertThat(isFree(lock)).isFalse();
      elsewhere(kept::close);
      assertThat(isFree(lock)).isTrue();
    });
  }

  @Test
  void locksOfTheLibrarysKindEndAtUnlock() throws Exception {
    alone(controller -> {
      ResourceLock lock = controller.resource("a");
      WriteLease kept = lock.write();
      kept.keep("t");
      Lock inner = lock.asReadWriteLock().writeLock();
      inner.lock();
      try {
        elsewhere(kept::close);
        assertThat(isFree(lock)).isFalse();
      } finally {
        inner.unlock();
      }
      assertThat(isFree(lock)).isTrue();
    });
  }

  @Test
  void whoWaitsIsToldOnAnyNodeForWhatItIsKept() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch told = new CountDownLatch(1);
    LocalRanks.run(
        new int[] {1, 1},
        ControllerOptions.defaults(),
        controller -> {
          ResourceLock lock = controller.resource("a");
          if (controller.rank() == 0) {
            WriteLease kept = lock.write();
            kept.keep("Orders.closeAllThatAreOpen");
            held.countDown();
            elsewhere(() -> assertThat(timeOut(lock)).contains(TOLD));
            told.await();
            kept.close();
          } else {
            held.await();
            assertThat(timeOut(lock)).contains(TOLD);
            told.countDown();
          }
        });
  }

  private static final String TOLD =
      "body ended, kept for transaction Orders.closeAllThatAreOp since 2";

  private static String timeOut(ResourceLock lock) {
    try {
      lock.write(Duration.ofMillis(900)).close();
      throw new AssertionError("it was granted");
    } catch (LockTimeoutException e) {
      return String.valueOf(e.getMessage());
    }
  }

  @Test
  void inABodyItIsNotSaidToHaveEnded() throws Exception {
    alone(controller -> {
      ResourceLock lock = controller.resource("a");
      WriteLease kept = lock.write();
      assertThat(lock.toString()).doesNotContain("kept");
      kept.keep("");
      assertThat(lock.toString())
          .matches(
              ".*, write with token 1( since \\S+| for at least [^,]+)?, body ended, kept for its transaction since \\S+Z\\.");
      WriteLease again = lock.write();
      assertThat(lock.toString()).contains("write with token 1").doesNotContain("kept");
      again.close();
      assertThat(lock.toString()).contains("body ended, kept for its transaction since ");
      kept.close();
      assertThat(lock.toString()).contains("Nobody holds it now");
      WriteLease next = lock.write();
      assertThat(lock.toString()).contains("write with token 2").doesNotContain("kept");
      next.close();
    });
  }

  @Test
  void aCollectiveCallIsRefusedOnAllRanks() throws Exception {
    for (int[] nodes : new int[][] {{3}, {1, 2}}) {
      CyclicBarrier told = new CyclicBarrier(3); // a rank that goes on leaves less to tell
      LocalRanks.run(
          nodes,
          ControllerOptions.defaults(),
          controller -> {
            ResourceLock other = controller.resource("other");
            if (controller.rank() == 0) {
              WriteLease kept = controller.resource("a").write();
              kept.keep("t");
              assertThatThrownBy(() -> other.singleWrite(1, () -> true))
                  .isInstanceOf(LockUseException.class)
                  .hasMessageContaining(
                      "calls singleWrite on resource 'other' while its transaction keeps the write of resource 'a'")
                  .hasMessageContaining("mpilock.resources.a.until=body");
              told.await();
              assertThatThrownBy(() -> controller.resource("a").singleWrite(1, () -> true))
                  .isInstanceOf(LockUseException.class);
              kept.close();
            } else {
              assertThatThrownBy(() -> other.singleWrite(1, () -> true))
                  .isInstanceOf(CollectiveMismatchException.class)
                  .hasMessageContaining("rank 0 refused it")
                  .hasMessageContaining(
                      "while its transaction keeps the write of resource 'a', which mpilock.resources.NAME.until=body would end with its body");
              told.await();
              assertThatThrownBy(() -> controller.resource("a").singleWrite(1, () -> true))
                  .isInstanceOf(CollectiveMismatchException.class);
            }
            assertThat(other.<Boolean, RuntimeException>singleWrite(() -> true)).isTrue();
          });
    }
  }

  /** Nobody can be before it whom it would wait for. */
  @Test
  void butNotOneOfThatResourceByTheRankThatKeepsIt() throws Exception {
    LocalRanks.run(
        2,
        controller -> {
          ResourceLock lock = controller.resource("a b");
          WriteLease kept = null;
          if (controller.rank() == 0) {
            kept = lock.write();
            kept.keep("t");
          }
          assertThat(lock.<Integer, RuntimeException>singleWrite(0, () -> 1)).isEqualTo(1);
          if (kept != null) {
            assertThat(isFree(lock)).isFalse();
            assertThatThrownBy(() -> lock.singleWrite(1, () -> 1))
                .hasMessageContaining("mpilock.resources[a b].until=body");
            kept.close();
          } else {
            assertThatThrownBy(() -> lock.singleWrite(1, () -> 1))
                .isInstanceOf(CollectiveMismatchException.class);
          }
        });
  }

  @Test
  void theTrueHoldIsToldOnceWhoeverEndsIt() throws Exception {
    alone(controller -> {
      List<String> events = new CopyOnWriteArrayList<>();
      controller.addListener(
          new LockListener() {
            @Override
            public void granted(String resource, LockMode mode, long nanos, boolean contended) {
              events.add("granted " + mode);
            }

            @Override
            public void released(String resource, LockMode mode, long nanos) {
              assertThat(nanos).isPositive();
              events.add("released " + mode + " by " + Thread.currentThread().getName());
            }
          });
      ResourceLock lock = controller.resource("a");
      String me = Thread.currentThread().getName();
      WriteLease kept = lock.write();
      kept.keep("t");
      lock.write().close();
      lock.read().close();
      assertThat(events).containsExactly("granted write");
      elsewhere(kept::close);
      assertThat(events).containsExactly("granted write", "released write by other");
      events.clear();

      WriteLease first = lock.write();
      first.keep("t");
      try (WriteLease again = lock.write()) {
        elsewhere(first::close);
        assertThat(events).containsExactly("granted write");
      }
      assertThat(events).containsExactly("granted write", "released write by " + me);
      events.clear();

      WriteLease own = lock.write();
      own.keep("t");
      own.close();
      lock.write().close();
      assertThat(events)
          .containsExactly(
              "granted write",
              "released write by " + me,
              "granted write",
              "released write by " + me);
    });
  }

  @Test
  void afterTheCloseOfItsControllerItEndsQuietly() throws Exception {
    WriteLease[] kept = new WriteLease[1];
    assertThatThrownBy(() ->
            alone(controller -> {
              kept[0] = controller.resource("a").write();
              kept[0].keep("Orders.close");
            }))
        .isInstanceOf(LockUseException.class)
        .hasMessageContaining("body ended, kept for transaction Orders.close since ");
    elsewhere(kept[0]::close);
  }

  /** A thread goes on while another one ends what it kept. */
  @Test
  void nothingIsLostWhenBothComeTogether() throws Exception {
    int rounds = 20_000;
    alone(controller -> {
      ResourceLock lock = controller.resource("a");
      long[] count = new long[1]; // plain: guarded by the lock
      BlockingQueue<WriteLease> reaped = new SynchronousQueue<>();
      CompletableFuture<Void> reaper =
          CompletableFuture.runAsync(() -> {
            for (int i = 0; i < rounds; i++) {
              take(reaped).close();
            }
          });
      CompletableFuture<Void> rival =
          CompletableFuture.runAsync(() -> {
            for (int i = 0; i < rounds; i++) {
              try (WriteLease _ = lock.write()) {
                count[0]++;
              }
            }
          });
      for (int i = 0; i < rounds; i++) {
        WriteLease kept = lock.write();
        count[0]++;
        kept.keep("t");
        reaped.put(kept);
        for (int j = 0; j < i % 3; j++) {
          try (WriteLease _ = lock.write()) { // in what is kept, or anew
            count[0]++;
            try (ReadLease _ = lock.read()) {
              count[0]++;
            }
          }
        }
      }
      reaper.join();
      rival.join();
      long bodies = 0;
      for (int i = 0; i < rounds; i++) {
        bodies += i % 3;
      }
      assertThat(count[0]).isEqualTo(2L * rounds + 2 * bodies);
      assertThat(isFree(lock)).isTrue();
      assertThat(controller.keptWrites()).isEmpty();
    });
  }

  private static WriteLease take(BlockingQueue<WriteLease> from) {
    try {
      return from.take();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void theStatusTellsForWhatItIsKept() throws Exception {
    alone(controller -> {
      WriteLease kept = controller.resource("a").write();
      assertThat(holder(controller).kept()).isNull();
      kept.keep("Orders.close");
      assertThat(holder(controller).kept())
          .startsWith("body ended, kept for transaction Orders.close since ");
      kept.close();
      assertThat(controller.status("a", NOW).orElseThrow().holders()).isEmpty();
    });
  }

  private static LockUser holder(WindowController controller) {
    return controller.status("a", NOW).orElseThrow().holders().getFirst();
  }
}
