/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.testing.Ranks;
import io.mpilock.testing.SharedWords;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/**
 * What the locks promise (docs/promises.md), for any transport and any number of ranks. Every rank
 * runs each test; exclusion is proven by plain counters that lose no update, and by token runs
 * without a hole, never by clocks.
 */
public abstract class LockContract {

  /** The ranks to run on. */
  protected abstract Ranks ranks();

  private static final int ROUNDS = 2_000;

  static void barrier(WindowController controller) {
    controller.resource("barrier").singleWrite(() -> true);
  }

  private static Thread start(String name, Runnable body) {
    return Thread.ofPlatform().name(name).start(body);
  }

  private static void onThread(Runnable body) {
    CompletableFuture.runAsync(body, task -> start("other", task)).join();
  }

  @Test
  void writesOfAllRanksLoseNoUpdate() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("updates", 8);
          for (int i = 0; i < ROUNDS; i++) {
            try (WriteLease write = controller.write()) {
              words.increment(0);
            }
          }
          barrier(controller);
          assertThat(words.get(0)).isEqualTo((long) ROUNDS * controller.size());
        });
  }

  @Test
  void writesOfAllThreadsOfAllRanksLoseNoUpdate() throws Exception {
    int threads = 3;
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("thread-updates", 8);
          runThreads(
              threads,
              () -> {
                for (int i = 0; i < ROUNDS / 4; i++) {
                  try (WriteLease write = controller.write()) {
                    words.increment(0);
                  }
                }
              });
          barrier(controller);
          assertThat(words.get(0)).isEqualTo((long) ROUNDS / 4 * threads * controller.size());
        });
  }

  @Test
  void handoverAmongThreadsKeepsExclusion() throws Exception {
    ranks()
        .run(
            ControllerOptions.defaults().withHandoverLimit(5),
            controller -> {
              SharedWords words = ranks().words("handover-updates", 8);
              runThreads(
                  2,
                  () -> {
                    for (int i = 0; i < ROUNDS / 4; i++) {
                      try (WriteLease write = controller.write()) {
                        words.increment(0);
                      }
                    }
                  });
              barrier(controller);
              assertThat(words.get(0)).isEqualTo((long) ROUNDS / 2 * controller.size());
            });
  }

  @Test
  void readersNeverSeeHalfAWrite() throws Exception {
    readersNeverSeeHalfAWrite("torn", ControllerOptions.defaults());
  }

  @Test
  void readersNeverSeeHalfAWriteWhenPhaseFair() throws Exception {
    readersNeverSeeHalfAWrite(
        "torn-phase-fair", ControllerOptions.defaults().withFairness(Fairness.PHASE_FAIR));
  }

  /** The Python library locks rank 0 for writers and the master for readers. */
  @Test
  void readersNeverSeeHalfAWriteWhenAnotherRankIsMaster() throws Exception {
    int last = ranks().size() - 1;
    readersNeverSeeHalfAWrite("torn-master", ControllerOptions.defaults().withMaster(last));
  }

  private void readersNeverSeeHalfAWrite(String file, ControllerOptions options) throws Exception {
    ranks()
        .run(
            options,
            controller -> {
              SharedWords words = ranks().words(file, 64);
              runThreads(
                  2,
                  () -> {
                    for (int i = 0; i < ROUNDS / 2; i++) {
                      if ((i + controller.rank()) % 5 == 0) {
                        try (WriteLease write = controller.write()) {
                          words.increment(0);
                          words.increment(40);
                        }
                      } else {
                        try (ReadLease read = controller.read()) {
                          assertThat(words.get(0)).isEqualTo(words.get(40));
                        }
                      }
                    }
                  });
            });
  }

  @Test
  void everyWriteHasTheNextToken() throws Exception {
    ranks()
        .run(controller -> {
          int total = controller.size() * 200;
          SharedWords words = ranks().words("tokens", total + 1);
          for (int i = 0; i < 200; i++) {
            try (WriteLease write = controller.write()) {
              words.set((int) words.increment(0), write.token());
            }
          }
          barrier(controller);
          for (int i = 1; i <= total; i++) {
            assertThat(words.get(i)).isEqualTo(i);
          }
          try (ReadLease read = controller.read()) {
            assertThat(read.token()).isEqualTo(total);
          }
        });
  }

  @Test
  void allRanksReadAtTheSameTime() throws Exception {
    ranks()
        .run(controller -> {
          try (ReadLease read = controller.read()) {
            barrier(controller); // passed only when all ranks hold their read
          }
        });
  }

  @Test
  void aHeldWriteRefusesTriesAndTimedRequestsOfAllOthers() throws Exception {
    ranks()
        .run(controller -> {
          if (controller.rank() == 0) {
            try (WriteLease write = controller.write()) {
              barrier(controller);
              onThread(() -> assertRefused(controller));
              barrier(controller);
            }
          } else {
            barrier(controller);
            assertRefused(controller);
            barrier(controller);
          }
          barrier(controller);
          controller.read(Duration.ofSeconds(60)).close(); // gave up without a trace
          controller.write(Duration.ofSeconds(60)).close();
          ResourceLock lock = controller.resource(WindowController.DEFAULT_RESOURCE);
          lock.tryRead(Duration.ofSeconds(60)).orElseThrow().close();
          try (WriteLease write = lock.tryWrite(Duration.ofSeconds(60)).orElseThrow()) {
            assertThat(lock.isWriteHeldByCurrentThread()).isTrue();
            onThread(() -> assertThat(lock.isHeldByCurrentThread()).isFalse());
          }
        });
  }

  /** Other nodes are named as far as they answer before the time is over. */
  private static final Duration LONG_ENOUGH_TO_ASK = Duration.ofMillis(1500);

  private static void assertRefused(WindowController controller) {
    assertThat(controller.tryRead()).isEmpty();
    assertThat(controller.tryWrite()).isEmpty();
    ResourceLock lock = controller.resource(WindowController.DEFAULT_RESOURCE);
    assertThat(lock.tryRead(Duration.ofMillis(20))).isEmpty();
    assertThat(lock.tryWrite(Duration.ofMillis(20))).isEmpty();
    assertThat(lock.isHeldByCurrentThread()).isFalse();
    assertThat(controller.tryOptimisticRead()).isEqualTo(ResourceLock.NO_STAMP);
    assertThatThrownBy(() -> controller.read(LONG_ENOUGH_TO_ASK))
        .isInstanceOf(LockTimeoutException.class)
        .hasMessageContaining("read of resource 'default'")
        .hasMessageContaining("Held by rank 0")
        .hasMessageContaining("write with token");
    assertThatThrownBy(() -> controller.write(LONG_ENOUGH_TO_ASK))
        .isInstanceOf(LockTimeoutException.class)
        .hasMessageContaining("Held by rank 0");
  }

  @Test
  void aHeldReadRefusesWritesAndAllowsReads() throws Exception {
    ranks()
        .run(controller -> {
          ReadLease held = controller.rank() == 0 ? controller.read() : null;
          barrier(controller);
          onThread(() -> controller.tryRead().orElseThrow().close());
          barrier(controller); // a waiting write would refuse the reads
          onThread(() -> {
            assertThat(controller.tryWrite()).isEmpty();
            assertThatThrownBy(() -> controller.write(LONG_ENOUGH_TO_ASK))
                .isInstanceOf(LockTimeoutException.class)
                .hasMessageContaining("Held by rank 0")
                .hasMessageContaining("read");
          });
          barrier(controller);
          if (held != null) {
            held.close();
          }
          barrier(controller);
          controller.write(Duration.ofSeconds(60)).close();
        });
  }

  @Test
  void anInterruptedWaiterLeavesNoTrace() throws Exception {
    ranks()
        .run(controller -> {
          WriteLease held = controller.rank() == 0 ? controller.write() : null;
          barrier(controller);
          for (boolean read : new boolean[] {true, false}) {
            AtomicReference<Throwable> seen = new AtomicReference<>();
            Thread waiter =
                start(
                    "waiter",
                    () -> {
                      try {
                        (read ? controller.read() : controller.write()).close();
                      } catch (Exception e) {
                        seen.set(e);
                        assertThat(Thread.currentThread().isInterrupted()).isTrue();
                      }
                    });
            waiter.interrupt();
            waiter.join();
            assertThat(seen.get()).isInstanceOf(LockInterruptedException.class);
          }
          barrier(controller);
          if (held != null) {
            held.close();
          }
          controller.write(Duration.ofSeconds(60)).close();
          controller.read(Duration.ofSeconds(60)).close();
        });
  }

  @Test
  void nestedHoldsOfAThreadWaitForNobody() throws Exception {
    ranks()
        .run(controller -> {
          try (ReadLease outer = controller.read();
              ReadLease inner = controller.read()) {
            assertThat(inner.token()).isEqualTo(outer.token());
          }
          try (WriteLease outer = controller.write();
              WriteLease inner = controller.write();
              ReadLease read = controller.read()) {
            assertThat(inner.token()).isEqualTo(outer.token());
            assertThat(read.token()).isEqualTo(outer.token());
          }
          barrier(controller);
          controller.write(Duration.ofSeconds(60)).close(); // all was given back
        });
  }

  @Test
  void aDowngradeLetsNoOtherWriteIn() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("downgrade", 8);
          for (int i = 0; i < 300; i++) {
            WriteLease write = controller.write();
            long mine = words.increment(0);
            ReadLease read = controller.read();
            write.close();
            assertThat(words.get(0)).isEqualTo(mine);
            assertThat(read.token()).isEqualTo(write.token());
            onThreadIf(i == 0, () -> assertThat(controller.tryWrite()).isEmpty());
            read.close();
          }
        });
  }

  private static void onThreadIf(boolean condition, Runnable body) {
    if (condition) {
      onThread(body);
    }
  }

  /** The Python library gives the read up without a word, and loses updates. */
  @Test
  void aWriteInsideAReadIsRefusedAtOnce() throws Exception {
    ranks()
        .run(controller -> {
          try (ReadLease read = controller.read()) {
            assertThatThrownBy(controller::write)
                .isInstanceOf(LockUseException.class)
                .hasMessageContaining("ReadLease.upgrade()");
            assertThatThrownBy(controller::tryWrite).isInstanceOf(LockUseException.class);
            onThread(() -> assertThat(controller.tryWrite()).isEmpty()); // the read still holds
          }
        });
  }

  @Test
  void anUpgradeTellsWhetherAnotherWriteCameIn() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("upgrade", 8);
          int succeeded = 0;
          for (int i = 0; i < 300; i++) {
            try (ReadLease read = controller.read()) {
              long seen = words.get(0);
              try (WriteLease write = read.upgrade()) {
                assertThat(write.intervened()).isEqualTo(words.get(0) != seen);
                succeeded += write.intervened() ? 0 : 1;
                words.set(0, words.get(0) + 1); // never lost: under the write
              }
            }
          }
          barrier(controller);
          assertThat(words.get(0)).isEqualTo(300L * controller.size());
          if (controller.size() == 1) {
            assertThat(succeeded).isEqualTo(300);
          }
        });
  }

  @Test
  void anUpgradeOfANestedReadIsRefused() throws Exception {
    ranks()
        .run(controller -> {
          try (ReadLease outer = controller.read();
              ReadLease inner = controller.read()) {
            assertThatThrownBy(inner::upgrade)
                .isInstanceOf(LockUseException.class)
                .hasMessageContaining("holds 2 read(s)");
          }
          barrier(controller);
          controller.write(Duration.ofSeconds(60)).close();
        });
  }

  @Test
  void aTimedUpgradeThatFailsHoldsNothing() throws Exception {
    ranks()
        .run(controller -> {
          ReadLease blocker = controller.rank() == 0 ? controller.read() : null;
          barrier(controller);
          onThread(() -> {
            ReadLease read = controller.read();
            assertThatThrownBy(() -> read.upgrade(Duration.ofMillis(30)))
                .isInstanceOf(LockTimeoutException.class);
            read.close();
            assertThatThrownBy(read::upgrade).isInstanceOf(LockUseException.class);
          });
          barrier(controller);
          if (blocker != null) {
            blocker.close();
          }
          controller.write(Duration.ofSeconds(60)).close();
        });
  }

  @Test
  void aLeaseBelongsToItsThread() throws Exception {
    ranks()
        .run(controller -> {
          ResourceLock own = controller.resource("own-" + controller.rank());
          WriteLease write = own.write();
          onThread(() ->
              assertThatThrownBy(write::close)
                  .isInstanceOf(LockUseException.class)
                  .hasMessageContaining("the thread that got a lease closes it"));
          onThread(() -> assertThat(own.tryRead()).isEmpty());
          write.close();
          try (ReadLease read = own.read()) {
            write.close(); // a second close, while something else is held, does nothing
            onThread(() -> assertThat(own.tryWrite()).isEmpty());
          }
          own.write(Duration.ofSeconds(60)).close();
        });
  }

  @Test
  void anOptimisticReadIsValidUnlessAWriteCameIn() throws Exception {
    ranks()
        .run(controller -> {
          ResourceLock own = controller.resource("optimistic-" + controller.rank());
          long stamp = own.tryOptimisticRead();
          assertThat(own.validate(stamp)).isTrue();
          own.read().close();
          assertThat(own.validate(stamp)).isTrue();
          own.write().close();
          assertThat(own.validate(stamp)).isFalse();
          assertThat(own.validate(ResourceLock.NO_STAMP)).isFalse();

          SharedWords words = ranks().words("optimistic", 64);
          for (int i = 0; i < ROUNDS; i++) {
            if (i % 10 == controller.rank() % 10) {
              try (WriteLease write = controller.write()) {
                words.increment(0);
                words.increment(40);
              }
            }
            long mine = controller.tryOptimisticRead();
            long first = words.get(0);
            long second = words.get(40);
            if (controller.validate(mine)) {
              assertThat(first).isEqualTo(second);
            }
          }
        });
  }

  @Test
  void resourcesOfDifferentNamesAreIndependent() throws Exception {
    ranks()
        .run(controller -> {
          List<WriteLease> held = new ArrayList<>();
          for (int i = 0; i < 50; i++) {
            held.add(controller.resource("r" + controller.rank() + "/" + i).write());
          }
          barrier(controller);
          for (int i = 0; i < 50; i++) {
            ResourceLock next =
                controller.resource("r" + (controller.rank() + 1) % controller.size() + "/" + i);
            onThread(() -> assertThat(next.tryRead()).isEmpty());
          }
          barrier(controller);
          held.forEach(WriteLease::close);
          assertThat(controller.resource("a")).isSameAs(controller.resource("a"));
          assertThat(controller.resource(WindowController.DEFAULT_RESOURCE).name())
              .isEqualTo("default");
        });
  }

  @Test
  void anInvalidResourceNameIsRefused() throws Exception {
    ranks()
        .run(controller -> {
          for (String name : List.of("", "  ", "a\nb", "a\u0000", "x".repeat(256), "\ud800")) {
            assertThatThrownBy(() -> controller.resource(name))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("A resource name");
          }
          controller.resource("Bestellungen/Größe λ").write().close();
        });
  }

  /** The Python library waits at 100 % of a core. */
  @Test
  void aWaitCostsNextToNothing() throws Exception {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    assertThat(threads.isCurrentThreadCpuTimeSupported()).isTrue();
    Duration wait = Duration.ofMillis(600);
    ranks()
        .run(controller -> {
          ResourceLock own = controller.resource("own-" + controller.rank());
          List<Runnable> waits = List.of(() -> own.read(wait), () -> own.write(wait));
          try (WriteLease held = own.write()) {
            for (Runnable each : waits) {
              onThread(() -> {
                long before = threads.getCurrentThreadCpuTime();
                assertThatThrownBy(each::run).isInstanceOf(LockTimeoutException.class);
                assertThat(Duration.ofNanos(threads.getCurrentThreadCpuTime() - before))
                    .isLessThan(wait.dividedBy(10)); // 5 % are promised; the first call costs more
              });
            }
          }
          barrier(controller);
          long before = threads.getCurrentThreadCpuTime();
          controller.singleWrite(() -> assertTimesOut(own, wait));
          assertThat(Duration.ofNanos(threads.getCurrentThreadCpuTime() - before))
              .isLessThan(wait.dividedBy(10));
        });
  }

  private static boolean assertTimesOut(ResourceLock own, Duration wait) {
    try (WriteLease held = own.write()) {
      onThread(
          () -> assertThatThrownBy(() -> own.read(wait)).isInstanceOf(LockTimeoutException.class));
    }
    return true;
  }

  static void runThreads(int count, Runnable body) throws Exception {
    List<CompletableFuture<Void>> threads = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String name = "worker-" + i;
      threads.add(CompletableFuture.runAsync(body, task -> start(name, task)));
    }
    for (CompletableFuture<Void> thread : threads) {
      thread.get();
    }
  }
}
