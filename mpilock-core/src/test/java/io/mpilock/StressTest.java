/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Everything at random, on real threads, until the time is over: {@code
 * -Dmpilock.stress.seconds=3600} for longer, {@code -Dmpilock.stress.seed=N} for the same choices
 * again (not the same interleaving).
 */
@Timeout(7200)
class StressTest {
  private static final double SECONDS =
      Double.parseDouble(System.getProperty("mpilock.stress.seconds", "8"));
  private static final int RANKS = 4;
  private static final int THREADS = 3;
  private static final int RESOURCES = 3;
  private static final int CONFIGURATIONS = 4;

  /** What one resource guards: plain fields, so an update is lost if two write at once. */
  private static final class Guarded {
    long left;
    long[] padding = new long[16];
    long right;
    long lastToken;
    final AtomicLong writes = new AtomicLong();
  }

  @ParameterizedTest
  @CsvSource({"WRITER_FIRST, 0", "WRITER_FIRST, 3", "PHASE_FAIR, 0", "PHASE_FAIR, 3"})
  void nothingIsTornLostOrLeftBehind(Fairness fairness, int handoverLimit) throws Exception {
    long seed = Long.getLong("mpilock.stress.seed", ThreadLocalRandom.current().nextLong());
    System.out.printf(
        "StressTest %s %d: -Dmpilock.stress.seed=%d%n", fairness, handoverLimit, seed);
    Guarded[] guarded = new Guarded[RESOURCES];
    for (int i = 0; i < RESOURCES; i++) {
      guarded[i] = new Guarded();
    }
    long end = System.nanoTime() + (long) (SECONDS / CONFIGURATIONS * 1e9);
    ControllerOptions options =
        ControllerOptions.defaults().withFairness(fairness).withHandoverLimit(handoverLimit);
    LocalRanks.run(
        RANKS,
        options,
        controller -> {
          List<CompletableFuture<Void>> threads = new ArrayList<>();
          for (int thread = 0; thread < THREADS; thread++) {
            Random random = new Random(seed + 31L * controller.rank() + thread);
            threads.add(
                CompletableFuture.runAsync(
                    () -> {
                      while (System.nanoTime() < end) {
                        once(controller, guarded, random);
                      }
                    },
                    task -> Thread.ofPlatform().start(task)));
          }
          for (CompletableFuture<Void> thread : threads) {
            thread.get();
          }
          controller.resource("end").singleWrite(() -> true);
          for (int i = 0; i < RESOURCES; i++) { // nothing was left behind
            ResourceLock lock = controller.resource("r" + i);
            try (WriteLease write = lock.write(Duration.ofSeconds(60))) {
              assertThat(guarded[i].left).isEqualTo(guarded[i].writes.get());
              assertThat(guarded[i].right).isEqualTo(guarded[i].writes.get());
            }
          }
        });
    for (Guarded each : guarded) {
      assertThat(each.writes.get()).isPositive();
    }
  }

  private static void once(WindowController controller, Guarded[] guarded, Random random) {
    int index = random.nextInt(RESOURCES);
    ResourceLock lock = controller.resource("r" + index);
    Guarded mine = guarded[index];
    if (random.nextInt(50) == 0) {
      Thread.currentThread().interrupt(); // seen by the next wait that is long enough
    }
    Duration shortly = Duration.ofNanos(random.nextInt(300_000));
    try {
      switch (random.nextInt(12)) {
        case 0 -> lock.tryWrite().ifPresent(write -> write(write, mine));
        case 1 -> write(lock.write(shortly), mine);
        case 2, 3 -> write(lock.write(), mine);
        case 4 -> lock.tryRead().ifPresent(read -> read(read, mine));
        case 5 -> read(lock.read(shortly), mine);
        case 6 -> upgrade(lock.read(), mine, random.nextBoolean() ? shortly : null);
        case 7 -> downgrade(lock, mine);
        case 8 -> nested(lock, mine);
        case 9 -> optimistic(lock, mine);
        default -> read(lock.read(), mine);
      }
    } catch (LockTimeoutException | LockInterruptedException expected) {
      assertThat(expected).hasMessageContaining("resource 'r" + index);
    } finally {
      Thread.interrupted();
    }
  }

  private static void write(WriteLease lease, Guarded guarded) {
    try (lease) {
      update(lease, guarded);
    }
  }

  private static void update(WriteLease lease, Guarded guarded) {
    assertThat(guarded.left).isEqualTo(guarded.right);
    assertThat(lease.token()).isGreaterThan(guarded.lastToken);
    guarded.lastToken = lease.token();
    guarded.left++;
    Thread.onSpinWait();
    guarded.right++;
    guarded.writes.incrementAndGet();
  }

  private static void read(ReadLease lease, Guarded guarded) {
    try (lease) {
      check(guarded);
    }
  }

  private static void check(Guarded guarded) {
    long left = guarded.left;
    Thread.onSpinWait();
    assertThat(guarded.right).isEqualTo(left);
  }

  private static void upgrade(ReadLease read, Guarded guarded, @Nullable Duration timeout) {
    try (read) {
      long seen = guarded.left;
      try (WriteLease write = timeout == null ? read.upgrade() : read.upgrade(timeout)) {
        if (!write.intervened()) {
          assertThat(guarded.left).isEqualTo(seen);
        }
        update(write, guarded);
      }
    }
  }

  private static void downgrade(ResourceLock lock, Guarded guarded) {
    WriteLease write = lock.write();
    ReadLease read;
    long left;
    try (write) {
      update(write, guarded);
      left = guarded.left;
      read = lock.read();
    }
    try (read) {
      check(guarded);
      assertThat(guarded.left).isEqualTo(left);
    }
  }

  private static void nested(ResourceLock lock, Guarded guarded) {
    try (ReadLease outer = lock.read()) {
      check(guarded);
      try (ReadLease inner = lock.read()) {
        assertThat(inner.token()).isEqualTo(outer.token());
        try {
          lock.write().close();
          throw new AssertionError("a write inside a read");
        } catch (LockUseException refused) {
          check(guarded);
        }
      }
    }
    try (WriteLease outer = lock.write();
        WriteLease inner = lock.write()) {
      assertThat(inner.token()).isEqualTo(outer.token());
      update(outer, guarded);
      guarded.lastToken = outer.token();
    }
  }

  private static void optimistic(ResourceLock lock, Guarded guarded) {
    long stamp = lock.tryOptimisticRead();
    long left = guarded.left;
    long right = guarded.right;
    if (lock.validate(stamp)) {
      assertThat(right).isEqualTo(left);
    }
  }

  @Test
  void ranksMayCloseWhileTheirThreadsAsk() throws Exception {
    long end = System.nanoTime() + (long) (SECONDS / CONFIGURATIONS * 1e9);
    while (System.nanoTime() < end) {
      Guarded guarded = new Guarded();
      LocalRanks.run(
          3,
          controller -> {
            List<Thread> askers = new ArrayList<>();
            for (int thread = 0; thread < 2; thread++) {
              boolean reads = thread == 1;
              askers.add(
                  Thread.ofPlatform()
                      .start(() -> {
                        try {
                          while (true) {
                            if (reads) {
                              read(controller.read(), guarded);
                            } else {
                              write(controller.write(), guarded);
                            }
                          }
                        } catch (ControllerClosedException closed) {
                          assertThat(controller.isClosed()).isTrue();
                        } catch (RuntimeException | AssertionError wrong) {
                          guarded.padding[controller.rank()]++;
                        }
                      }));
            }
            while (guarded.writes.get() < 100L * (controller.rank() + 1)) {
              Thread.onSpinWait();
            }
            controller.close();
            for (Thread asker : askers) {
              asker.join();
            }
          });
      assertThat(guarded.padding).containsOnly(0);
      assertThat(guarded.left).isEqualTo(guarded.right).isEqualTo(guarded.writes.get());
    }
  }
}
