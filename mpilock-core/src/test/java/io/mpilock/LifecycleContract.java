/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.testing.Ranks;
import io.mpilock.testing.SharedWords;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How controllers begin and end, for any transport and number of ranks (docs/promises.md, 9). */
public abstract class LifecycleContract {

  /** The ranks to run on. */
  protected abstract Ranks ranks();

  private static ControllerOptions quick() {
    return ControllerOptions.defaults().withShutdownTimeout(Duration.ofMillis(300));
  }

  /** The Python library accepts it, and fails at the first lock. */
  @ParameterizedTest
  @ValueSource(ints = {99, -1})
  void aMasterThatIsNoRankIsRefusedAtOnce(int master) throws Exception {
    ranks()
        .runBare(world ->
            assertThatThrownBy(() -> WindowController.sync(world, master))
                .isInstanceOfSatisfying(
                    StartupException.class,
                    e ->
                        assertThat(e.problem())
                            .isEqualTo(StartupException.Problem.MASTER_OUT_OF_RANGE))
                .hasMessageContaining("mpilock.master is " + master)
                .hasMessageContaining(world.size() + " rank(s)"));
  }

  @Test
  void ranksWithDifferentSettingsAreToldAtStart() throws Exception {
    ranks()
        .runBare(world -> {
          if (world.size() > 1) {
            int master = world.rank() == 0 ? 0 : 1;
            assertThatThrownBy(() -> WindowController.sync(world, master))
                .isInstanceOfSatisfying(
                    StartupException.class,
                    e ->
                        assertThat(e.problem())
                            .isEqualTo(StartupException.Problem.SETTINGS_DIFFER));
          }
          WindowController.sync(world, 0).close();
        });
  }

  @Test
  void everyCallAfterCloseThrowsTheSameClearException() throws Exception {
    ranks()
        .runBare(world -> {
          WindowController controller = WindowController.sync(world, 0);
          ResourceLock lock = controller.resource("x");
          lock.read().close();
          assertThat(controller.isClosed()).isFalse();
          controller.close();
          assertThat(controller.isClosed()).isTrue();
          assertThatCode(controller::close).doesNotThrowAnyException();
          List<Runnable> calls =
              List.of(
                  lock::read,
                  lock::write,
                  lock::tryRead,
                  lock::tryWrite,
                  () -> lock.read(Duration.ofSeconds(1)),
                  () -> lock.write(Duration.ofSeconds(1)),
                  lock::tryOptimisticRead,
                  () -> lock.validate(0),
                  () -> lock.singleWrite(),
                  () -> lock.singleWrite(() -> "x"),
                  () -> controller.resource("new"));
          for (Runnable call : calls) {
            assertThatThrownBy(call::run)
                .isInstanceOf(ControllerClosedException.class)
                .hasMessageContaining("rank " + world.rank())
                .hasMessageContaining("closed");
          }
        });
  }

  /** The Python library deadlocks. */
  @Test
  void severalControllersCloseInAnyOrder() throws Exception {
    ranks()
        .runBare(world -> {
          for (int round = 0; round < 5; round++) {
            List<WindowController> controllers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
              controllers.add(
                  WindowController.sync(
                      world,
                      ControllerOptions.defaults().withShutdownTimeout(Duration.ofMinutes(5))));
            }
            Collections.rotate(controllers, world.rank());
            controllers.forEach(WindowController::close);
          }
        });
  }

  @Test
  void controllersDoNotDisturbEachOther() throws Exception {
    ranks()
        .runBare(world -> {
          try (WindowController one = WindowController.sync(world, 0);
              WindowController two = WindowController.sync(world, 0)) {
            WriteLease write = one.rank() == 0 ? one.write() : null;
            LockContract.barrier(one);
            two.write(Duration.ofSeconds(60)).close();
            LockContract.barrier(one);
            if (write != null) {
              write.close();
            }
          }
        });
  }

  /**
   * While all ranks close another controller, all of them are in a close, but not in this one's.
   */
  @Test
  void theEndOfAnotherControllerIsNotThisOnes() throws Exception {
    ranks()
        .runBare(world -> {
          WindowController controller = WindowController.sync(world, quick());
          SharedWords words = ranks().words("another", 8);
          for (int i = 0; i < 10; i++) {
            WindowController.sync(world, 0).close();
          }
          if (world.rank() == 0) {
            controller.close(); // nobody else has
            words.set(7, 1);
            return;
          }
          while (words.get(7) == 0) {
            Thread.onSpinWait();
          }
          for (int i = 0; i < 100; i++) {
            try (WriteLease write = controller.resource("r" + i).write()) {
              words.increment(0);
            }
          }
          controller.close();
        });
  }

  @Test
  void aRankMayUseAControllerThatAnotherHasClosedBeforeASecondOne() throws Exception {
    ranks()
        .runBare(world -> {
          WindowController one = WindowController.sync(world, quick());
          WindowController two = WindowController.sync(world, 0);
          SharedWords words = ranks().words("second", 8);
          if (world.rank() == 0) {
            one.close(); // may end because the others are in the close of the second
            words.set(7, 1);
            two.close();
            return;
          }
          two.close();
          while (words.get(7) == 0) {
            Thread.onSpinWait();
          }
          for (int i = 0; i < 100; i++) {
            try (WriteLease write = one.resource("r" + i).write()) {
              words.increment(0);
            }
          }
          one.close();
        });
  }

  @Test
  void aNewControllerStartsFromNothing() throws Exception {
    ranks()
        .runBare(world -> {
          for (int i = 0; i < 20; i++) {
            try (WindowController controller = WindowController.sync(world, 0)) {
              assertThat(controller.tryOptimisticRead()).isZero();
              LockContract.barrier(controller);
              controller.resource("a" + i).write().close();
              controller.write().close();
            }
          }
        });
  }

  @Test
  void aPartOfTheRanksHasItsOwnLocks() throws Exception {
    ranks()
        .runBare(world -> {
          int half = world.rank() % 2;
          SharedWords words = ranks().words("half-" + half, 8);
          try (var part = world.split(half, -world.rank());
              WindowController controller = WindowController.sync(part, 0)) {
            assertThat(controller.size()).isEqualTo((world.size() + 1 - half) / 2);
            for (int i = 0; i < 500; i++) {
              try (WriteLease write = controller.write()) {
                words.increment(0);
              }
            }
            LockContract.barrier(controller);
            assertThat(words.get(0)).isEqualTo(500L * controller.size());
          }
        });
  }

  @Test
  void aRankThatClosesEarlyLeavesTheLocksToTheOthers() throws Exception {
    ranks()
        .runBare(world -> {
          WindowController controller = WindowController.sync(world, quick());
          SharedWords words = ranks().words("early", 8);
          if (world.rank() != 0) {
            while (words.get(8 - 1) == 0) {
              Thread.onSpinWait();
            }
            for (int i = 0; i < 500; i++) {
              try (WriteLease write = controller.write()) {
                words.increment(0);
              }
            }
            controller.close();
          } else {
            controller.close(); // nobody else has
            words.set(8 - 1, 1);
          }
        });
  }

  @Test
  void aSingleWriteAgainstACloseIsToldToBoth() throws Exception {
    ranks()
        .runBare(world -> {
          WindowController controller = WindowController.sync(world, 0);
          if (world.size() > 1) {
            if (world.rank() == 0) {
              assertThatThrownBy(controller::close)
                  .isInstanceOf(CollectiveMismatchException.class)
                  .hasMessageContaining("rank 0 called close")
                  .hasMessageContaining("called singleWrite(resource 'default', writer 1)");
              assertThat(controller.isClosed()).isTrue();
            } else {
              assertThatThrownBy(() -> controller.singleWrite(1, () -> "x"))
                  .isInstanceOf(CollectiveMismatchException.class)
                  .hasMessageContaining("rank 0 called close");
            }
          }
          controller.close();
        });
  }

  @Test
  void closeWaitsForTheLeasesOfOtherThreads() throws Exception {
    ranks()
        .runBare(world -> {
          WindowController controller = WindowController.sync(world, 0);
          ResourceLock own = controller.resource("own-" + world.rank());
          CountDownLatch held = new CountDownLatch(1);
          Thread holder =
              Thread.ofPlatform()
                  .start(() -> {
                    try (WriteLease write = own.write()) {
                      held.countDown();
                      while (!controller.isClosed()) {
                        Thread.onSpinWait();
                      }
                    }
                  });
          Ranks.await(held);
          controller.close();
          holder.join();
        });
  }

  @Test
  void closeIsBoundedAndSaysWhoHoldsWhat() throws Exception {
    ranks()
        .runBare(world -> {
          WindowController controller = WindowController.sync(world, quick());
          ResourceLock shared = controller.resource("shared");
          CountDownLatch held = new CountDownLatch(1);
          CountDownLatch release = new CountDownLatch(1);
          Thread holder = null;
          if (world.rank() == 0) {
            holder =
                Thread.ofPlatform()
                    .name("stubborn")
                    .start(() -> {
                      WriteLease write = shared.write();
                      held.countDown();
                      Ranks.await(release);
                      write.close(); // after the window is gone: gives nothing back
                    });
            Ranks.await(held);
          }
          LockContract.barrier(controller);
          if (world.rank() == 0) {
            assertThatThrownBy(controller::close)
                .isInstanceOf(LockUseException.class)
                .hasMessageContaining("resource 'shared'")
                .hasMessageContaining("thread 'stubborn'");
            release.countDown();
            Objects.requireNonNull(holder).join();
          } else {
            // It never comes back: nobody waits for it for ever.
            assertThatThrownBy(shared::write)
                .isInstanceOf(RankFailedException.class)
                .hasMessageContaining("rank 0")
                .hasMessageContaining("closed its controller while it held the lock");
            controller.close();
          }
        });
  }

  @Test
  void closeEndsTheWaitsOfOtherThreads() throws Exception {
    ranks()
        .runBare(world -> {
          WindowController controller = WindowController.sync(world, quick());
          ResourceLock own = controller.resource("own-" + world.rank());
          WriteLease write = own.write();
          List<Throwable> seen = Collections.synchronizedList(new ArrayList<>());
          List<Thread> waiters = new ArrayList<>();
          for (Runnable call : List.<Runnable>of(own::read, own::write, own::write)) {
            waiters.add(Thread.ofPlatform().start(() -> seen.add(catchThrowable(call::run))));
          }
          assertThatThrownBy(controller::close).isInstanceOf(LockUseException.class);
          for (Thread waiter : waiters) {
            waiter.join();
          }
          write.close();
          assertThat(seen)
              .hasSize(3)
              .allSatisfy(e -> assertThat(e).isInstanceOf(ControllerClosedException.class));
        });
  }
}
