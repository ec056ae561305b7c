/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.ShareException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.testing.Ranks;
import io.mpilock.testing.SharedWords;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * What a single write promises (docs/promises.md, 7 and 8), for any transport and number of ranks.
 */
public abstract class SingleWriteContract {

  /** The ranks to run on. */
  protected abstract Ranks ranks();

  record Layout(String name, List<Integer> sizes) implements Serializable {}

  record Foreign(Object what) implements Serializable {}

  /** Not serializable. */
  record Plan(String name, Optional<Plan> next, Map<Integer, Layout> layouts, long size) {}

  private static ControllerOptions allowing() {
    return ControllerOptions.defaults()
        .withShareAllow(
            List.of(
                "io.mpilock.SingleWriteContract$Layout", "io.mpilock.SingleWriteContract$Plan"));
  }

  @Test
  void recordsAreSharedByTheirComponents() throws Exception {
    Plan plan =
        new Plan(
            "outer",
            Optional.of(new Plan("inner", Optional.empty(), Map.of(), -1)),
            Map.of(1, new Layout("one", List.of(1, 2))),
            1L << 40);
    ranks()
        .run(
            allowing(),
            controller -> {
              List<Plan> shared =
                  controller.singleWrite(controller.size() - 1, () -> List.of(plan));
              assertThat(shared).containsExactly(plan);
            });
  }

  @Test
  void oneRankWritesAndAllGetWhatItShared() throws Exception {
    ranks()
        .run(
            allowing(),
            controller -> {
              SharedWords words = ranks().words("once", 8);
              for (int i = 1; i <= 200; i++) {
                int writer = i % controller.size();
                int round = i;
                Layout layout =
                    controller.singleWrite(
                        writer,
                        () -> {
                          assertThat(controller.rank()).isEqualTo(writer);
                          words.increment(0);
                          return new Layout("round", List.of(round));
                        });
                assertThat(layout).isEqualTo(new Layout("round", List.of(i)));
                assertThat(words.get(0)).isEqualTo(i);
              }
            });
  }

  // The unnamed overload of the controller, over the default resource.
  private static <T> Fence<T> fence(WindowController controller) {
    return controller.singleWrite();
  }

  @Test
  void theFenceLeadsOnlyTheWriterThroughTheBlock() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("fence", 8);
          Fence<String> fence = fence(controller);
          boolean left = false;
          try (fence) {
            fence.guard();
            words.increment(0);
            fence.share("from " + controller.rank());
          } catch (FencedSignal signal) {
            left = true;
          }
          assertThat(left).isEqualTo(controller.rank() != controller.master());
          assertThat(fence.collect()).isEqualTo("from 0");
          assertThat(words.get(0)).isEqualTo(1);
        });
  }

  @Test
  void theHandleGoesToTheWritingRankAloneHoweverEmptyItLooks() throws Exception {
    ranks()
        .run(controller -> {
          int writer = controller.size() - 1;
          for (Object handle : List.of("", 0, false, List.of())) {
            try (FencedHandle<Object> fenced = controller.singleWriteWith(handle, writer)) {
              assertThat(fenced.handle())
                  .isEqualTo(controller.rank() == writer ? Optional.of(handle) : Optional.empty());
              fenced.complete();
            }
          }
        });
  }

  @Test
  void anythingSerializableOfAnySizeIsShared() throws Exception {
    ranks()
        .run(
            allowing(),
            controller -> {
              long[] large = new long[700_000]; // 5.6 MB: several times round the ring
              for (int i = 0; i < large.length; i++) {
                large[i] = i * 31L;
              }
              List<Object> values =
                  List.of(
                      "text",
                      42,
                      List.of(1, 2, 3),
                      Map.of("a", List.of("b")),
                      Optional.of(Path.of("/data/flights.h5")),
                      Optional.empty(),
                      Path.of("relative", "file"),
                      Duration.ofSeconds(3),
                      new Layout("x", List.of(1)),
                      Fairness.PHASE_FAIR.name());
              for (Object value : values) {
                Object got = controller.singleWrite(() -> value);
                assertThat(got).isEqualTo(value);
              }
              long[] got = controller.singleWrite(() -> large);
              assertThat(got).isEqualTo(large);
              Object nothing = controller.singleWrite(() -> null);
              assertThat(nothing).isNull();
            });
  }

  /** In the Python library the other ranks wait in collect for ever. */
  @Test
  void aBodyThatThrowsIsToldToEveryRank() throws Exception {
    ranks()
        .run(controller -> {
          Throwable failure =
              catchThrowable(() ->
                  controller.singleWrite(() -> {
                    throw new IOException("the disk is full");
                  }));
          if (controller.rank() == 0) {
            assertThat(failure).isInstanceOf(IOException.class).hasMessage("the disk is full");
          } else {
            assertThat(failure)
                .isInstanceOf(SingleWriteFailedException.class)
                .hasMessageContaining("rank 0")
                .message()
                .endsWith(": java.io.IOException: the disk is full")
                .hasLineCount(1);
            SingleWriteFailedException told = (SingleWriteFailedException) failure;
            assertThat(told.rank()).isZero();
            assertThat(told.remoteClass()).isEqualTo("java.io.IOException");
            assertThat(told.remoteStackTrace())
                .startsWith("java.io.IOException: the disk is full")
                .contains("\tat io.mpilock.SingleWriteContract");
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aLongMessageIsToldShortAndIsWholeBesideIt() throws Exception {
    String line = "no ".repeat(1_000);
    ranks()
        .run(controller -> {
          Throwable failure =
              catchThrowable(() ->
                  controller.singleWrite(() -> {
                    throw new IOException(line + "\nand more");
                  }));
          if (controller.rank() != 0) {
            assertThat(failure).isInstanceOf(SingleWriteFailedException.class);
            assertThat(failure).message().hasLineCount(1).hasSizeLessThan(700).endsWith("…");
            assertThat(((SingleWriteFailedException) failure).remoteStackTrace())
                .startsWith("java.io.IOException: " + line + "\nand more\n");
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aFailureAfterShareIsToldToEveryRankToo() throws Exception {
    ranks()
        .run(controller -> {
          Fence<String> fence = fence(controller);
          Throwable failure =
              catchThrowable(() -> {
                try (fence) {
                  fence.guard();
                  fence.share("half done");
                  fence.fail(new IllegalStateException("too late"));
                }
              });
          if (controller.rank() != 0) {
            assertThat(failure)
                .isInstanceOf(SingleWriteFailedException.class)
                .hasMessageContaining("too late");
            assertThatThrownBy(fence::collect).isInstanceOf(SingleWriteFailedException.class);
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aBlockLeftWithoutAWordHasFailedOnEveryRank() throws Exception {
    ranks()
        .run(controller -> {
          assertThatThrownBy(
                  () -> {
                    try (Fence<String> fence = fence(controller)) {
                      fence.guard();
                    }
                  })
              .isInstanceOf(SingleWriteFailedException.class)
              .hasMessageContaining("left its single write without share()");
          assertStillWorks(controller);
        });
  }

  @Test
  void anObjectThatCannotBeEncodedIsAnErrorOnAllRanks() throws Exception {
    ranks()
        .run(controller -> {
          Object unencodable = new Object();
          Throwable failure =
              catchThrowable(
                  () -> controller.singleWrite(() -> List.of("x".repeat(300_000), unencodable)));
          if (controller.rank() == 0) {
            assertThat(failure)
                .isInstanceOf(ShareException.class)
                .hasMessageContaining("java.lang.Object");
          } else {
            assertThat(failure)
                .isInstanceOf(SingleWriteFailedException.class)
                .hasMessageContaining("NotSerializableException");
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aClassThatIsNotAllowedIsRefusedOnAllRanks() throws Exception {
    ranks()
        .run(
            allowing(),
            controller -> {
              assertThatThrownBy(() -> controller.singleWrite(() -> new Foreign("x")))
                  .hasMessageContaining("SingleWriteContract$Foreign")
                  .hasMessageContaining("mpilock.share.allow");
              assertStillWorks(controller);
            });
  }

  @Test
  void ranksThatDisagreeAreToldWhoCalledWhat() throws Exception {
    ranks()
        .run(controller -> {
          boolean odd = controller.rank() == 1;
          if (controller.size() > 1) {
            assertThatThrownBy(() -> controller.singleWrite(odd ? 1 : 0, () -> "x"))
                .isInstanceOf(CollectiveMismatchException.class)
                // any of the others: two that differ are enough, before the rest has come
                .hasMessageMatching(
                    "(?s).*rank [^1] called singleWrite\\(resource 'default', writer 0\\).*")
                .hasMessageContaining("rank 1 called singleWrite(resource 'default', writer 1)");
            assertThatThrownBy(
                    () -> controller.resource(odd ? "one" : "other").singleWrite(() -> "x"))
                .isInstanceOf(CollectiveMismatchException.class)
                .hasMessageContaining("resource 'one'")
                .hasMessageContaining("resource 'other'");
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aWriterThatIsNoRankIsRefusedOnAllRanks() throws Exception {
    ranks()
        .run(controller -> {
          for (int writer : new int[] {-1, controller.size()}) {
            assertThatThrownBy(() -> controller.singleWrite(writer, () -> "x"))
                .isInstanceOfAny(IllegalArgumentException.class, CollectiveMismatchException.class);
          }
          assertStillWorks(controller);
        });
  }

  /** The Python library deadlocks. */
  @Test
  void aSingleWriteWhileEveryRankHoldsAReadIsRefused() throws Exception {
    ranks()
        .run(controller -> {
          try (ReadLease read = controller.read()) {
            assertThatThrownBy(() -> controller.singleWrite(() -> "x"))
                .isInstanceOfAny(LockUseException.class, CollectiveMismatchException.class)
                .hasMessageContaining("read");
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aLeaseOfOneRankThatWouldDeadlockIsToldToAll() throws Exception {
    ranks()
        .run(controller -> {
          int last = controller.size() - 1;
          ReadLease read = controller.rank() == last ? controller.read() : null;
          Throwable failure = catchThrowable(() -> controller.singleWrite(() -> "x"));
          if (controller.rank() == last) {
            assertThat(failure)
                .isInstanceOf(LockUseException.class)
                .hasMessageContaining("rank " + last)
                .hasMessageContaining("while it holds a read");
          } else {
            assertThat(failure)
                .isInstanceOf(CollectiveMismatchException.class)
                .hasMessageContaining("rank " + last)
                .hasMessageContaining("while holding a read");
          }
          if (read != null) {
            read.close();
          }
          assertStillWorks(controller);
        });
  }

  /** The Python library deadlocks; here a write in a write is reentrant. */
  @Test
  void aSingleWriteInsideTheWritersOwnWriteIsReentrant() throws Exception {
    ranks()
        .run(controller -> {
          WriteLease write = controller.rank() == 0 ? controller.write() : null;
          String got = controller.singleWrite(() -> "inside");
          assertThat(got).isEqualTo("inside");
          if (write != null) {
            assertThat(write.token()).isPositive();
            write.close();
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aSingleWriteInsideAnotherIsRefused() throws Exception {
    ranks()
        .run(controller -> {
          assertThatThrownBy(() ->
                  controller.singleWrite(() -> controller.resource("inner").singleWrite(() -> "x")))
              .isInstanceOfAny(LockUseException.class, SingleWriteFailedException.class)
              .hasMessageContaining("inside one that is not closed");
          assertStillWorks(controller);
        });
  }

  @Test
  void shareOnARankThatDoesNotWriteIsRefused() throws Exception {
    ranks()
        .run(controller -> {
          try (Fence<String> fence = fence(controller)) {
            if (fence.isWriter()) {
              fence.share("a");
              assertThatThrownBy(() -> fence.share("b")).isInstanceOf(LockUseException.class);
            } else {
              assertThatThrownBy(() -> fence.share("b"))
                  .isInstanceOf(LockUseException.class)
                  .hasMessageContaining("rank 0 writes");
            }
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aTimedSingleWriteThatOneRankMissesFailsOnAll() throws Exception {
    ranks()
        .run(controller -> {
          int last = controller.size() - 1;
          ResourceLock lock = controller.resource("timed");
          if (controller.size() > 1) {
            if (controller.rank() == last) {
              // Not there in time, and then one call behind.
              while (controller.resource("gave-up").tryOptimisticRead() == 0) {
                Thread.onSpinWait();
              }
              assertThatThrownBy(() -> lock.singleWrite(0, Duration.ofMinutes(1), () -> "x"))
                  .isInstanceOf(CollectiveMismatchException.class);
            } else {
              assertThatThrownBy(() -> lock.singleWrite(0, Duration.ofMillis(50), () -> "x"))
                  .isInstanceOfAny(LockTimeoutException.class, CollectiveMismatchException.class)
                  .hasMessageContaining("time-out");
              controller.resource("gave-up").write().close();
            }
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aTimedSingleWriteThatCannotLockFailsOnAll() throws Exception {
    ranks()
        .run(controller -> {
          ResourceLock lock = controller.resource("held");
          Thread holder = null;
          var release = new java.util.concurrent.CountDownLatch(1);
          var held = new java.util.concurrent.CountDownLatch(1);
          if (controller.rank() == 0) {
            holder =
                Thread.ofPlatform()
                    .start(() -> {
                      try (ReadLease read = lock.read()) {
                        held.countDown();
                        Ranks.await(release);
                      }
                    });
            Ranks.await(held);
          }
          assertThatThrownBy(() -> lock.singleWrite(0, Duration.ofSeconds(2), () -> "x"))
              .isInstanceOfAny(LockTimeoutException.class, SingleWriteFailedException.class)
              .hasMessageContaining("did not get the write of resource 'held'");
          if (holder != null) {
            release.countDown();
            holder.join();
          }
          assertStillWorks(controller);
        });
  }

  private static void assertStillWorks(WindowController controller) {
    for (int i = 0; i < 3; i++) {
      int round = i;
      int got = controller.singleWrite(round % controller.size(), () -> round);
      assertThat(got).isEqualTo(i);
    }
    controller.write(Duration.ofSeconds(60)).close();
    controller.read(Duration.ofSeconds(60)).close();
  }
}
