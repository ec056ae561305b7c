/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.status.ResourceStatus;
import io.mpilock.testing.Ranks;
import io.mpilock.testing.SharedWords;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What counters promise, for any transport and any number of ranks. Every rank runs each test. */
public abstract class CounterContract {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final int ROUNDS = 600;
  private static final int NUMBERS = 40_000;

  /** The ranks to run on. */
  protected abstract Ranks ranks();

  private static void barrier(WindowController controller) {
    controller.resource("barrier").singleWrite(() -> true);
  }

  private static boolean isOneNode(WindowController controller) {
    for (int rank = 1; rank < controller.size(); rank++) {
      if (controller.member(rank).node() != controller.member(0).node()) {
        return false;
      }
    }
    return true;
  }

  @Test
  void allThatIsAddedIsThere() throws Exception {
    ranks()
        .run(controller -> {
          JobCounter rows = controller.counter("rows");
          assertThat(rows.name()).isEqualTo("rows");
          assertThat(controller.counter("rows")).isSameAs(rows);
          LockContract.runThreads(
              3,
              () -> {
                long before = 0;
                for (int i = 0; i < ROUNDS; i++) {
                  long now = rows.add(3);
                  assertThat(now).isGreaterThanOrEqualTo(before + 3);
                  assertThat(rows.get()).isGreaterThanOrEqualTo(now);
                  before = now;
                }
              });
          barrier(controller);
          assertThat(rows.get()).isEqualTo(9L * ROUNDS * controller.size());
          assertThat(controller.counter("Rows").get()).isZero();
          barrier(controller);
          rows.add(-9L * ROUNDS);
          barrier(controller);
          assertThat(rows.get()).isZero();
        });
  }

  /** {@code add} leaves no hole, on any number of nodes. */
  @Test
  void whatIsAddedIsARangeOfOneRank() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("shares", NUMBERS);
          JobCounter shares = controller.counter("shares");
          for (int i = 0; i < ROUNDS; i++) {
            int count = 1 + i % 4;
            mark(words, shares.add(count) - count, count);
          }
          barrier(controller);
          long all = shares.get();
          assertThat(all).isEqualTo(ROUNDS * 5L / 2 * controller.size());
          for (int i = 0; i <= all; i++) {
            assertThat(words.get(i)).as("how often %d was had", i).isEqualTo(i < all ? 1 : 0);
          }
        });
  }

  @Test
  void numbersAreHandedOutOnce() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("ids", NUMBERS);
          JobCounter ids = controller.counter("ids");
          take(ids, words, 3);
          barrier(controller);
          long taken = 2L * ROUNDS * 3 * controller.size();
          checkTaken(controller, words, 0, taken, ids.get());
        });
  }

  /** Then what does not fill a call is left out. */
  @Test
  void numbersOfDifferentCountsAreHandedOutOnce() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("different", NUMBERS);
          JobCounter ids = controller.counter("different");
          long mine = 0;
          long before = -1;
          for (int i = 0; i < ROUNDS; i++) {
            int count = 1 + (i * 7 + controller.rank()) % 5;
            long first = ids.next(count);
            assertThat(first).isGreaterThan(before);
            before = first + count - 1;
            mark(words, first, count);
            mine += count;
          }
          JobCounter sum = controller.counter("how many");
          sum.add(mine);
          barrier(controller);
          checkTaken(controller, words, 0, sum.get(), ids.get());
        });
  }

  private static void take(JobCounter ids, SharedWords words, int count) throws Exception {
    LockContract.runThreads(
        2,
        () -> {
          long before = -1;
          for (int i = 0; i < ROUNDS; i++) {
            long first = ids.next(count);
            assertThat(first).isGreaterThan(before);
            before = first;
            mark(words, first, count);
          }
        });
  }

  private static void mark(SharedWords words, long first, int count) {
    for (int i = 0; i < count; i++) {
      words.increment((int) first + i); // not atomic: of two at once one may be lost
    }
  }

  private static void checkTaken(
      WindowController controller, SharedWords words, int from, long taken, long end) {
    long seen = 0;
    for (int i = from; i < NUMBERS; i++) {
      assertThat(words.get(i)).as("how often %d was had", i).isBetween(0L, i < end ? 1L : 0L);
      seen += words.get(i);
    }
    assertThat(seen).isEqualTo(taken);
    if (isOneNode(controller)) {
      assertThat(end - from).as("no hole").isEqualTo(taken);
    }
  }

  @Test
  void aResetIsForAllRanks() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("again", NUMBERS);
          JobCounter again = controller.counter("again");
          assertThat(again.next(5)).isNotNegative(); // each rank has a run
          for (long start : new long[] {7, 100, -3, 0}) {
            again.reset(start);
            barrier(controller);
            assertThat(again.get()).isEqualTo(start);
            barrier(controller);
            again.add(1);
            barrier(controller);
            assertThat(again.get()).isEqualTo(start + controller.size());
            barrier(controller);
            assertThat(again.next()).isGreaterThanOrEqualTo(start);
          }
          again.reset(20);
          take(again, words, 1);
          barrier(controller);
          checkTaken(controller, words, 20, 2L * ROUNDS * controller.size(), again.get());
        });
  }

  @Test
  void aResetThatCannotBeIsToldToAll() throws Exception {
    ranks()
        .run(controller -> {
          JobCounter counter = controller.counter("reset");
          counter.add(1);
          barrier(controller);
          Throwable thrown = catchThrowable(() -> counter.reset(JobCounter.MOST + 1));
          assertThat(thrown)
              .isInstanceOf(
                  controller.isMaster()
                      ? IllegalArgumentException.class
                      : SingleWriteFailedException.class)
              .hasMessageContaining("counter 'reset'")
              .hasMessageContaining("" + (JobCounter.MOST + 1));
          assertThat(counter.get()).isEqualTo(controller.size());
          if (controller.size() > 1) {
            Throwable differs =
                catchThrowable(() -> {
                  if (controller.rank() == 1) {
                    counter.reset(0);
                  } else {
                    controller.resource("reset").singleWrite(() -> true);
                  }
                });
            assertThat(differs)
                .isInstanceOf(CollectiveMismatchException.class)
                .hasMessageContaining("rank 1 called reset of counter 'reset'")
                .hasMessageContaining("called singleWrite(resource 'reset'");
          }
          barrier(controller);
          assertThat(counter.get()).isEqualTo(controller.size());
        });
  }

  /** Neither waits for the other. */
  @Test
  void aCounterAndAResourceOfEqualNameAreTwoThings() throws Exception {
    ranks()
        .run(controller -> {
          JobCounter counter = controller.counter("same");
          for (int i = 0; i < 20; i++) {
            try (WriteLease write = controller.resource("same").write()) {
              long token = write.token();
              counter.add(1);
              assertThat(write.token()).isEqualTo(token);
            }
          }
          barrier(controller);
          assertThat(counter.get()).isEqualTo(20L * controller.size());
          try (ReadLease read = controller.resource("same").read()) {
            assertThat(read.token()).isEqualTo(20L * controller.size());
          }
        });
  }

  @Test
  void whatGoesTooFarIsRefused() throws Exception {
    ranks()
        .run(controller -> {
          JobCounter far = controller.counter("far " + controller.rank());
          assertThat(far.add(JobCounter.MOST)).isEqualTo(JobCounter.MOST);
          for (long amount : new long[] {1, JobCounter.MOST, Long.MAX_VALUE}) {
            assertThatThrownBy(() -> far.add(amount))
                .isInstanceOf(ArithmeticException.class)
                .hasMessageContaining(
                    "counter 'far %d' stands at %d, and rank %d adds %d",
                    controller.rank(), JobCounter.MOST, controller.rank(), amount);
            assertThatThrownBy(() -> far.next(amount)).isInstanceOf(ArithmeticException.class);
            assertThat(far.get()).isEqualTo(JobCounter.MOST);
          }
          far.add(-7);
          long first = JobCounter.MOST - 7;
          assertThat(far.next(3)).isEqualTo(first); // and no more is there for a run
          assertThat(far.next(3)).isEqualTo(first + 3);
          assertThatThrownBy(() -> far.next(3)).isInstanceOf(ArithmeticException.class);
          assertThat(far.next()).isEqualTo(first + 6);
          far.add(JobCounter.LEAST);
          assertThat(far.add(JobCounter.LEAST)).isEqualTo(JobCounter.LEAST);
          assertThatThrownBy(() -> far.add(-1)).isInstanceOf(ArithmeticException.class);
          assertThatThrownBy(() -> far.add(Long.MIN_VALUE)).isInstanceOf(ArithmeticException.class);
          assertThat(far.get()).isEqualTo(JobCounter.LEAST);
          assertThat(far.next()).isEqualTo(JobCounter.LEAST);
          assertThatThrownBy(() -> far.next(0))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("next(0) of counter 'far " + controller.rank() + "'");
          barrier(controller);
        });
  }

  @Test
  void namesAreCheckedAsThoseOfResources() throws Exception {
    ranks()
        .run(controller -> {
          for (String name : List.of("", " ", "\u0001", "\u0001rows", "x".repeat(256))) {
            assertThatThrownBy(() -> controller.counter(name))
                .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> controller.resource(name))
                .isInstanceOf(IllegalArgumentException.class);
          }
          JobCounter longest = controller.counter("\u20AC".repeat(255));
          longest.add(1);
          barrier(controller);
          assertThat(longest.get()).isEqualTo(controller.size());
          barrier(controller);
        });
  }

  /** An add that is interrupted adds nothing. */
  @Test
  void anInterruptLosesNothing() throws Exception {
    ranks()
        .run(controller -> {
          JobCounter counter = controller.counter("interrupted");
          JobCounter succeeded = controller.counter("succeeded");
          long mine = 0;
          for (int i = 0; i < 50; i++) {
            Thread.currentThread().interrupt();
            try {
              counter.add(1);
              mine++;
            } catch (LockInterruptedException e) {
              assertThat(isOneNode(controller)).isFalse();
              assertThat(e).hasMessageContaining("the write of counter 'interrupted'");
            }
            boolean _ = Thread.interrupted();
          }
          succeeded.add(mine);
          barrier(controller);
          assertThat(counter.get()).isEqualTo(succeeded.get());
          barrier(controller);
        });
  }

  @Test
  void theStatusShowsCountersByTheirNames() throws Exception {
    ranks()
        .run(controller -> {
          controller.counter("seen").add(1);
          controller.resource("seen").write().close();
          barrier(controller);
          List<String> names =
              controller.status(LONG).resources().stream().map(ResourceStatus::name).toList();
          assertThat(names)
              .contains("counter 'seen'", "seen")
              .noneMatch(name -> name.indexOf('\u0001') >= 0);
          assertThat(controller.status("counter 'seen'", LONG)).isPresent();
          barrier(controller);
        });
  }

  @Test
  void aClosedControllerCountsNoMore() throws Exception {
    ranks()
        .run(controller -> {
          JobCounter counter = controller.counter("closed");
          counter.next();
          barrier(controller);
          controller.close();
          for (ThrowingCallable call :
              List.<ThrowingCallable>of(
                  counter::get,
                  () -> counter.add(1),
                  counter::next,
                  () -> counter.reset(0),
                  () -> controller.counter("closed"))) {
            assertThatThrownBy(call).isInstanceOf(ControllerClosedException.class);
          }
          assertThat(counter.name()).isEqualTo("closed");
        });
  }

  /** As any other collective call. */
  @Test
  void aResetInsideASingleWriteIsRefused() throws Exception {
    ranks()
        .run(controller -> {
          JobCounter counter = controller.counter("inside");
          try (Fence<Long> fence = controller.singleWrite()) {
            assertThatThrownBy(() -> counter.reset(1)).isInstanceOf(LockUseException.class);
            if (fence.isWriter()) {
              fence.share(counter.add(2)); // which is no collective call
            }
            assertThat(fence.collect()).isEqualTo(2);
          }
          assertThat(counter.get()).isEqualTo(2);
          barrier(controller);
        });
  }
}
