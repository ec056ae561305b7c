/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockUseException;
import io.mpilock.testing.Ranks;
import io.mpilock.testing.SharedWords;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import org.apache.commons.lang3.concurrent.locks.LockingVisitors;
import org.junit.jupiter.api.Test;

/** What the locks promise as those of {@code java.util.concurrent}; as {@link LockContract}. */
@SuppressWarnings("LockNotBeforeTry") // when it is unlocked is what is tested
public abstract class ReadWriteLockContract {
  private static final int THREADS = 3;
  private static final int ROUNDS = 300;

  /** The ranks to run on. */
  protected abstract Ranks ranks();

  /** A way to take a lock. */
  @FunctionalInterface
  private interface Taking {
    void take(Lock lock) throws InterruptedException;
  }

  private static final List<Taking> WAYS =
      List.of(
          Lock::lock,
          Lock::lockInterruptibly,
          lock -> assertThat(lock.tryLock(60, TimeUnit.SECONDS)).isTrue(),
          lock -> {
            while (!lock.tryLock()) {
              Thread.onSpinWait();
            }
          });

  private static void take(int way, Lock lock) {
    try {
      WAYS.get(way % WAYS.size()).take(lock);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static Thread start(String name, Runnable body) {
    return Thread.ofPlatform().name(name).start(body);
  }

  private static void onThread(Runnable body) {
    CompletableFuture.runAsync(body, task -> start("other", task)).join();
  }

  private static void barrier(WindowController controller) {
    LockContract.barrier(controller);
  }

  private static ReadWriteLock shared(WindowController controller) {
    return controller.resource("shared").asReadWriteLock();
  }

  @Test
  void writesInEveryWayLoseNoUpdate() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("lock-updates", 8);
          Lock write = shared(controller).writeLock();
          LockContract.runThreads(
              THREADS,
              () -> {
                for (int i = 0; i < ROUNDS; i++) {
                  take(i, write);
                  try {
                    words.increment(0);
                  } finally {
                    write.unlock();
                  }
                }
              });
          barrier(controller);
          assertThat(words.get(0)).isEqualTo((long) THREADS * ROUNDS * controller.size());
        });
  }

  @Test
  void readersInEveryWayNeverSeeHalfAWrite() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("lock-torn", 64);
          Lock write = shared(controller).writeLock();
          Lock read = shared(controller).readLock();
          LockContract.runThreads(
              2,
              () -> {
                for (int i = 0; i < ROUNDS; i++) {
                  Lock lock = i % 3 == 0 ? write : read;
                  take(i, lock);
                  try {
                    if (i % 3 == 0) {
                      words.increment(0);
                      words.increment(40);
                    } else {
                      assertThat(words.get(0)).isEqualTo(words.get(40));
                    }
                  } finally {
                    lock.unlock();
                  }
                }
              });
        });
  }

  @Test
  void aLibraryThatTakesAReadWriteLockLosesNoUpdate() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("library", 8);
          var guarded = LockingVisitors.create(words, shared(controller));
          LockContract.runThreads(
              THREADS,
              () -> {
                for (int i = 0; i < ROUNDS; i++) {
                  guarded.acceptWriteLocked(each -> each.increment(0));
                }
              });
          barrier(controller);
          long seen = guarded.applyReadLocked(each -> each.get(0));
          assertThat(seen).isEqualTo((long) THREADS * ROUNDS * controller.size());
        });
  }

  @Test
  void theReadLocksOfAllRanksAreHeldAtTheSameTime() throws Exception {
    ranks()
        .run(controller -> {
          Lock read = shared(controller).readLock();
          read.lock();
          barrier(controller); // passed only when all ranks hold theirs
          read.unlock();
        });
  }

  @Test
  void aHeldWriteLockRefusesTriesOfAllOthersAndThenLeavesNoTrace() throws Exception {
    ranks()
        .run(controller -> {
          ReadWriteLock lock = shared(controller);
          if (controller.rank() == 0) {
            lock.writeLock().lock();
          }
          barrier(controller);
          onThread(() -> {
            for (Lock each : List.of(lock.readLock(), lock.writeLock())) {
              assertThat(each.tryLock()).isFalse();
              assertThat(tryFor(each, 30)).isFalse();
              assertThat(tryFor(each, -1)).isFalse();
            }
          });
          barrier(controller);
          if (controller.rank() == 0) {
            lock.writeLock().unlock();
          }
          barrier(controller);
          for (Lock each : List.of(lock.readLock(), lock.writeLock())) {
            assertThat(each.tryLock(60, TimeUnit.SECONDS)).isTrue();
            each.unlock();
          }
        });
  }

  private static boolean tryFor(Lock lock, long millis) {
    try {
      return lock.tryLock(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void lockWaitsOnThoughInterruptedAndTellsItAfterwards() throws Exception {
    ranks()
        .run(controller -> {
          ResourceLock own = controller.resource("own-" + controller.rank());
          ReadWriteLock lock = own.asReadWriteLock();
          for (Lock each : List.of(lock.readLock(), lock.writeLock())) {
            AtomicBoolean locked = new AtomicBoolean();
            AtomicBoolean told = new AtomicBoolean();
            WriteLease held = own.write();
            Thread waiter =
                start(
                    "waiter",
                    () -> {
                      each.lock();
                      locked.set(true);
                      told.set(Thread.interrupted());
                      each.unlock();
                    });
            for (int i = 0; i < 20; i++) {
              awaitWaiting(own);
              waiter.interrupt();
              assertThat(locked).isFalse();
            }
            held.close();
            waiter.join();
            assertThat(locked).isTrue();
            assertThat(told).isTrue();
          }
        });
  }

  private static void awaitWaiting(ResourceLock resource) throws InterruptedException {
    while (!resource.toString().contains("waiting")) {
      Thread.sleep(1);
    }
  }

  @Test
  void anInterruptEndsAnInterruptibleWaitWhichLeavesNoTrace() throws Exception {
    ranks()
        .run(controller -> {
          WriteLease held = controller.rank() == 0 ? controller.resource("shared").write() : null;
          barrier(controller);
          for (Lock each : List.of(shared(controller).readLock(), shared(controller).writeLock())) {
            assertInterrupted(each, Lock::lockInterruptibly);
            assertInterrupted(each, lock -> lock.tryLock(60, TimeUnit.SECONDS));
          }
          barrier(controller);
          if (held != null) {
            held.close();
          }
          for (Lock each : List.of(shared(controller).readLock(), shared(controller).writeLock())) {
            assertThat(each.tryLock(60, TimeUnit.SECONDS)).isTrue();
            each.unlock();
          }
        });
  }

  /** Interrupts before the wait and within it. */
  private static void assertInterrupted(Lock lock, Taking way) throws Exception {
    for (boolean before : new boolean[] {true, false}) {
      CountDownLatch ready = new CountDownLatch(1);
      CompletableFuture<Boolean> cleared = new CompletableFuture<>();
      Thread waiter =
          start(
              "waiter",
              () -> {
                if (before) {
                  Thread.currentThread().interrupt();
                }
                ready.countDown();
                try {
                  way.take(lock);
                  cleared.completeExceptionally(new AssertionError("was not interrupted"));
                } catch (InterruptedException e) {
                  cleared.complete(!Thread.currentThread().isInterrupted());
                }
              });
      Ranks.await(ready);
      if (!before) {
        waiter.interrupt();
      }
      assertThat(cleared.get(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void anInterruptSetBeforeRefusesAFreeLockInItsInterruptibleFormsOnly() throws Exception {
    ranks()
        .run(controller -> {
          ReadWriteLock lock = controller.resource("own-" + controller.rank()).asReadWriteLock();
          onThread(() -> {
            for (Lock each : List.of(lock.readLock(), lock.writeLock())) {
              Thread.currentThread().interrupt();
              each.lock();
              assertThat(each.tryLock()).isTrue();
              assertThatThrownBy(each::lockInterruptibly)
                  .isInstanceOf(InterruptedException.class)
                  .hasMessageContaining("own-" + controller.rank());
              Thread.currentThread().interrupt();
              assertThatThrownBy(() -> each.tryLock(1, TimeUnit.SECONDS))
                  .isInstanceOf(InterruptedException.class);
              assertThat(Thread.interrupted()).isFalse();
              each.unlock();
              each.unlock();
              assertThatThrownBy(each::unlock).isInstanceOf(IllegalMonitorStateException.class);
            }
          });
        });
  }

  /** Of another node: a try has to wait for its answer. */
  @Test
  void aTryOfAnInterruptedThreadAsksOtherNodesAllTheSame() throws Exception {
    ranks()
        .run(controller -> {
          Lock write = shared(controller).writeLock();
          for (int turn = 0; turn < controller.size(); turn++) {
            barrier(controller);
            if (turn == controller.rank()) {
              Thread.currentThread().interrupt();
              boolean granted = write.tryLock();
              assertThat(Thread.interrupted()).isTrue();
              assertThat(granted).isTrue();
              write.unlock();
            }
            barrier(controller);
          }
        });
  }

  @Test
  void onlyTheThreadThatLockedUnlocks() throws Exception {
    ranks()
        .run(controller -> {
          ReadWriteLock lock = controller.resource("own-" + controller.rank()).asReadWriteLock();
          for (Lock each : List.of(lock.readLock(), lock.writeLock())) {
            assertThatThrownBy(each::unlock)
                .isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining("has not locked")
                .hasMessageContaining("own-" + controller.rank());
            each.lock();
            onThread(() ->
                assertThatThrownBy(each::unlock)
                    .isInstanceOf(IllegalMonitorStateException.class)
                    .hasMessageContaining("'other'"));
            onThread(() -> assertThat(lock.writeLock().tryLock()).isFalse());
            each.unlock();
            onThread(() -> takeAndGiveBack(lock.writeLock()));
          }
        });
  }

  private static void takeAndGiveBack(Lock lock) {
    assertThat(lock.tryLock()).isTrue();
    lock.unlock();
  }

  @Test
  void unlockNeverGivesBackALease() throws Exception {
    ranks()
        .run(controller -> {
          ResourceLock own = controller.resource("own-" + controller.rank());
          ReadWriteLock lock = own.asReadWriteLock();
          try (ReadLease _ = own.read()) {
            assertThatThrownBy(lock.readLock()::unlock)
                .isInstanceOf(IllegalMonitorStateException.class);
            lock.readLock().lock();
            lock.readLock().unlock();
            onThread(() -> assertThat(own.tryWrite()).isEmpty());
          }
          try (WriteLease _ = own.write()) {
            assertThatThrownBy(lock.writeLock()::unlock)
                .isInstanceOf(IllegalMonitorStateException.class);
            lock.writeLock().lock();
            lock.writeLock().unlock();
            onThread(() -> assertThat(own.tryRead()).isEmpty());
          }
          onThread(() -> takeAndGiveBack(lock.writeLock()));
        });
  }

  @Test
  void holdsNestAsThoseOfLeases() throws Exception {
    ranks()
        .run(controller -> {
          ReadWriteLock lock = controller.resource("own-" + controller.rank()).asReadWriteLock();
          Lock read = lock.readLock();
          Lock write = lock.writeLock();
          read.lock();
          read.lock();
          for (Taking each : WAYS) {
            assertThatThrownBy(() -> each.take(write)).isInstanceOf(LockUseException.class);
          }
          read.unlock();
          onThread(() -> assertThat(write.tryLock()).isFalse());
          read.unlock();
          write.lock();
          write.lock();
          write.unlock();
          onThread(() -> assertThat(read.tryLock()).isFalse());
          read.lock();
          write.unlock(); // a downgrade
          onThread(() -> {
            assertThat(write.tryLock()).isFalse();
            takeAndGiveBack(read);
          });
          read.unlock();
          onThread(() -> takeAndGiveBack(write));
        });
  }

  @Test
  void whatItIsCanBeSeen() throws Exception {
    ranks()
        .run(controller -> {
          ResourceLock own = controller.resource("own-" + controller.rank());
          ReadWriteLock lock = own.asReadWriteLock();
          assertThat(own.asReadWriteLock()).isSameAs(lock);
          assertThat(lock.readLock()).isSameAs(lock.readLock()).isNotEqualTo(lock.writeLock());
          lock.writeLock().lock();
          assertThat(lock.readLock().toString())
              .startsWith("read lock of resource 'own-" + controller.rank() + "'")
              .contains("Held by rank " + controller.rank());
          lock.writeLock().unlock();
          for (Lock each : List.of(lock.readLock(), lock.writeLock())) {
            assertThatThrownBy(each::newCondition)
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("no conditions");
          }
        });
  }

  @Test
  void afterTheCloseLockIsRefusedAndUnlockDoesNothing() throws Exception {
    ranks()
        .runBare(world -> {
          WindowController controller = WindowController.sync(world, 0);
          ReadWriteLock lock = controller.resource("own-" + controller.rank()).asReadWriteLock();
          lock.readLock().lock();
          assertThatThrownBy(controller::close).isInstanceOf(LockUseException.class);
          lock.readLock().unlock();
          for (Lock each : List.of(lock.readLock(), lock.writeLock())) {
            assertThatThrownBy(each::lock).isInstanceOf(ControllerClosedException.class);
            each.unlock();
          }
        });
  }

  @Test
  void whatTheBodyThrowsIsNotLostInTheUnlock() throws Exception {
    ranks()
        .run(controller -> {
          IOException failure = new IOException("disk full");
          var guarded =
              LockingVisitors.create(
                  "nothing", controller.resource("own-" + controller.rank()).asReadWriteLock());
          assertThatThrownBy(() ->
                  guarded.acceptWriteLocked(_ -> {
                    throw failure;
                  }))
              .hasRootCause(failure);
          onThread(() ->
              takeAndGiveBack(
                  controller.resource("own-" + controller.rank()).asReadWriteLock().writeLock()));
        });
  }
}
