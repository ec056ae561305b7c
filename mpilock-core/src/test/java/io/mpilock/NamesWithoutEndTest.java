/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Names come and go by several threads that live on: nothing of a name stays in the heap. */
@Timeout(120)
class NamesWithoutEndTest {
  private static final int THREADS = 3;
  private static final int NAMES = 100_000; // of each thread

  /** What a lock needs is more than a hundred times as much. */
  private static final long BYTES_OF_A_NAME = 16;

  private static final ControllerOptions SMALL =
      ControllerOptions.defaults().withWindowBytes(4 << 20);

  @Test
  void theHeapDoesNotGrowWithTheNumberOfNames() throws Exception {
    LocalRanks.run(
        1,
        SMALL,
        controller -> {
          try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            all(threads, controller, "before-", NAMES / 10);
            long before = heap();
            all(threads, controller, "name-", NAMES);
            assertThat(heap() - before)
                .as("bytes that stay of %d names", THREADS * NAMES)
                .isLessThan(BYTES_OF_A_NAME * THREADS * NAMES);
          }
          assertThat(controller.names().reclaimed()).isGreaterThan(NAMES);
        });
  }

  /** All at once, so that each thread of the pool has its part. */
  private static void all(Executor threads, WindowController controller, String prefix, int names) {
    CountDownLatch there = new CountDownLatch(THREADS);
    List<CompletableFuture<Void>> done = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      String first = prefix + thread + "-";
      done.add(
          CompletableFuture.runAsync(
              () -> {
                there.countDown();
                await(there);
                for (int i = 0; i < names; i++) {
                  ResourceLock lock = controller.resource(first + i);
                  lock.write().close();
                  lock.read().close();
                }
              },
              threads));
    }
    done.forEach(CompletableFuture::join);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** After what the collector can find in several turns: some references lead to others. */
  private static long heap() {
    long least = Long.MAX_VALUE;
    for (int turn = 0; turn < 5; turn++) {
      System.gc();
      least = Math.min(least, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }
    return least;
  }

  /** By a thread that has ended, and by one that is there; of both every object is let go. */
  @Test
  void whatIsHeldStaysHeldWhileNamesComeAndGo() throws Exception {
    LocalRanks.run(
        2,
        SMALL,
        controller -> {
          if (controller.rank() == 0) {
            for (int i = 0; i < 3_000; i++) { // a rank's first ones are kept
              comeAndGo(controller, "first-" + i);
            }
            Thread ended = Thread.ofPlatform().start(() -> leave(controller, "orphan"));
            ended.join();
            leave(controller, "mine");
            ResourceLock kept = controller.resource("kept");
            WeakReference<ResourceLock> free = new WeakReference<>(comeAndGo(controller, "free"));
            for (int i = 0; i < NAMES / 2; i++) {
              comeAndGo(controller, "name-" + i);
            }
            assertThat(isCollected(controller, free)).isTrue();
            assertThat(kept).isSameAs(controller.resource("kept"));
            assertThat(controller.resource("mine").isWriteHeldByCurrentThread()).isTrue();
            assertThat(controller.resource("orphan").isWriteHeldByCurrentThread()).isFalse();
            assertThat(controller.resource("orphan").tryRead()).isEmpty();
          }
          controller.singleWrite(() -> 0);
          assertThat(controller.resource("orphan").tryWrite()).isEmpty();
          if (controller.rank() == 1) {
            assertThat(controller.resource("mine").tryRead()).isEmpty();
          }
          controller.resource("kept").write().close();
          controller.singleWrite(() -> 0);
          controller.abandon(); // with what was left
        });
  }

  private static boolean isCollected(WindowController controller, WeakReference<?> reference) {
    for (int turn = 0; turn < 20 && !reference.refersTo(null); turn++) {
      System.gc();
      for (int i = 0; i < 2_000; i++) {
        comeAndGo(controller, "more-" + turn + "-" + i);
      }
    }
    return reference.refersTo(null);
  }

  private static ResourceLock comeAndGo(WindowController controller, String name) {
    ResourceLock lock = controller.resource(name);
    lock.write().close();
    return lock;
  }

  /** The lease is let go of, too. */
  private static void leave(WindowController controller, String name) {
    assertThat(controller.resource(name).write().token()).isPositive();
  }
}
