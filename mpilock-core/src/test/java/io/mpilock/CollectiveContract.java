/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.failure.CollectiveFailedException;
import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.ShareException;
import io.mpilock.testing.Ranks;
import io.mpilock.testing.SharedWords;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the collective calls without a lock promise, for any transport and number of ranks. */
public abstract class CollectiveContract {
  private static final int MANY = 300_000;
  private static final int REFUSED_BY = 1;

  /** The ranks to run on. */
  protected abstract Ranks ranks();

  record Foreign(Object what) implements Serializable {}

  /** Is read on all ranks but one, by the property of the rank that reads. */
  static final class Picky implements Serializable {
    private static final long serialVersionUID = 1L;

    /** The rank whose thread this is, for ranks that are threads, too. */
    static final ThreadLocal<Integer> RANK = new ThreadLocal<>();

    private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
      in.defaultReadObject();
      if (Integer.valueOf(REFUSED_BY).equals(RANK.get())) {
        throw new InvalidObjectException("not on this rank");
      }
    }
  }

  private static ControllerOptions allowing() {
    return ControllerOptions.defaults().withShareAllow(List.of("io.mpilock.CollectiveContract$*"));
  }

  // Barrier.

  /** No rank leaves a barrier before all have come to it: the count is whole on each. */
  @Test
  void noRankLeavesABarrierBeforeAllHaveCome() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("barrier", 64);
          for (int round = 1; round <= 100; round++) {
            words.set(controller.rank(), round);
            controller.barrier();
            for (int rank = 0; rank < controller.size(); rank++) {
              assertThat(words.get(rank)).as("rank %d in round %d", rank, round).isEqualTo(round);
            }
            controller.barrier(Duration.ofMinutes(1));
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aBarrierKeepsTheLeasesOfItsThread() throws Exception {
    ranks()
        .run(controller -> {
          try (ReadLease _ = controller.read()) {
            controller.barrier();
            assertThat(controller.resource("default").isHeldByCurrentThread()).isTrue();
          }
          ResourceLock own = controller.resource("own" + controller.rank());
          try (WriteLease _ = own.write()) {
            controller.barrier();
            assertThat(own.isWriteHeldByCurrentThread()).isTrue();
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aBarrierWhoseTimeIsOverFailsOnAll() throws Exception {
    ranks()
        .run(controller -> {
          int last = controller.size() - 1;
          if (controller.size() > 1) {
            if (controller.rank() == last) {
              while (controller.resource("gave-up").tryOptimisticRead() == 0) {
                Thread.onSpinWait();
              }
              assertThatThrownBy(() -> controller.barrier(Duration.ofMinutes(1)))
                  .isInstanceOf(CollectiveMismatchException.class);
            } else {
              assertThatThrownBy(() -> controller.barrier(Duration.ofMillis(50)))
                  .isInstanceOfAny(LockTimeoutException.class, CollectiveMismatchException.class)
                  .hasMessageContaining("time-out");
              controller.resource("gave-up").write().close();
            }
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void anInterruptBeforeTheOthersComeFailsOnAll() throws Exception {
    ranks()
        .run(controller -> {
          if (controller.size() > 1) {
            ResourceLock gaveUp = controller.resource("gave-up");
            if (controller.rank() == 0) {
              Thread.currentThread().interrupt();
              assertThatThrownBy(controller::barrier).isInstanceOf(LockInterruptedException.class);
              assertThat(Thread.interrupted()).isTrue();
              gaveUp.write().close();
            } else {
              while (controller.rank() == controller.size() - 1
                  && gaveUp.tryOptimisticRead() == 0) { // else it might go
                Thread.onSpinWait();
              }
              assertThatThrownBy(controller::barrier)
                  .isInstanceOf(CollectiveMismatchException.class)
                  .hasMessageContaining("rank 0 was interrupted");
            }
          }
          assertStillWorks(controller);
        });
  }

  // Mismatches.

  @Test
  void ranksThatDisagreeAreToldWhoCalledWhat() throws Exception {
    ranks()
        .run(controller -> {
          boolean odd = controller.rank() == 1;
          if (controller.size() > 1) {
            assertTold(
                controller,
                odd ? () -> controller.allGather("x") : controller::barrier,
                "rank 1 called allGather(resource 'default')",
                "called barrier(resource 'default')");
            assertTold(
                controller,
                odd
                    ? () -> controller.singleWrite(0, () -> "x")
                    : () -> controller.inOrder(() -> "x"),
                "rank 1 called singleWrite(resource 'default', writer 0)",
                "called inOrder(resource 'default')");
            assertTold(
                controller,
                () -> controller.resource(odd ? "one" : "other").gather("x"),
                "rank 1 called gather(resource 'one')",
                "called gather(resource 'other')");
            assertTold(
                controller,
                odd ? () -> controller.gather("x") : () -> controller.allGather("x"),
                "rank 1 called gather(resource 'default')",
                "called allGather(resource 'default')");
          }
          assertStillWorks(controller);
        });
  }

  /**
   * Each rank is told of the mismatch, and rank 1, without which there is none, who called what.
   * The others give the call up as soon as one of them and rank 1 have come: who comes later may
   * find them in a later call, and is told so.
   */
  private static void assertTold(
      WindowController controller, ThrowingCallable call, String one, String others) {
    Throwable told = catchThrowable(call);
    assertThat(told).isInstanceOf(CollectiveMismatchException.class);
    boolean late =
        controller.rank() != 1
            && String.valueOf(told.getMessage()).contains("other ranks gave it up and went on");
    if (!late) {
      assertThat(told).hasMessageContaining(one).hasMessageContaining(others);
    }
  }

  @Test
  void aCollectiveCallInsideAnotherIsRefused() throws Exception {
    ranks()
        .run(controller -> {
          assertThatThrownBy(() ->
                  controller.singleWrite(() -> {
                    controller.resource("inner").barrier();
                    return "x";
                  }))
              .isInstanceOfAny(LockUseException.class, CollectiveFailedException.class)
              .hasMessageContaining("begins the barrier of resource 'inner' inside one");
          assertThatThrownBy(() -> controller.inOrder(() -> controller.allGather("x")))
              .isInstanceOfAny(LockUseException.class, CollectiveFailedException.class)
              .hasMessageContaining("begins the allGather of resource 'default' inside one");
          assertStillWorks(controller);
        });
  }

  /** The ranks differ only once a thread of one has made the other's call. */
  @Test
  void threadsOfARankTakeTurnsInTheirCalls() throws Exception {
    ranks()
        .run(controller -> {
          CountDownLatch first = new CountDownLatch(1);
          AtomicReference<Throwable> failure = new AtomicReference<>();
          Thread other =
              Thread.ofPlatform()
                  .start(() -> {
                    try {
                      controller.inOrder(() -> {
                        first.countDown();
                        return null;
                      });
                    } catch (Throwable e) {
                      failure.set(e);
                      first.countDown();
                    }
                  });
          Ranks.await(first);
          controller.barrier(); // behind the other thread's
          other.join();
          assertThat(failure.get()).isNull();
          assertStillWorks(controller);
        });
  }

  @Test
  void aClosedControllerRefuses() throws Exception {
    ranks()
        .run(controller -> {
          controller.barrier();
          controller.close();
          assertThatThrownBy(controller::barrier).isInstanceOf(ControllerClosedException.class);
          assertThatThrownBy(() -> controller.allGather("x"))
              .isInstanceOf(ControllerClosedException.class);
          assertThatThrownBy(() -> controller.gather("x"))
              .isInstanceOf(ControllerClosedException.class);
          assertThatThrownBy(() -> controller.inOrder(() -> "x"))
              .isInstanceOf(ControllerClosedException.class);
        });
  }

  @Test
  void aRankThatClosesInsteadIsToldToAll() throws Exception {
    ranks()
        .run(controller -> {
          controller.barrier();
          if (controller.rank() == controller.size() - 1) {
            Throwable failure = catchThrowable(controller::close);
            assertThat(failure == null || failure instanceof CollectiveMismatchException).isTrue();
          } else {
            assertThatThrownBy(() -> controller.allGather("x"))
                .isInstanceOf(CollectiveMismatchException.class)
                .hasMessageContaining("called close");
          }
        });
  }

  // Values.

  @Test
  void everyRankGetsTheValuesOfAllInTheirOrder() throws Exception {
    ranks()
        .run(controller -> {
          for (int round = 0; round < 50; round++) {
            int base = round;
            List<String> all = controller.allGather(base + " of " + controller.rank());
            assertThat(all)
                .isEqualTo(
                    IntStream.range(0, controller.size())
                        .mapToObj(rank -> base + " of " + rank)
                        .toList());
          }
          assertThat(controller.allGather(controller.rank(), Duration.ofMinutes(1)))
              .isEqualTo(IntStream.range(0, controller.size()).boxed().toList());
          assertStillWorks(controller);
        });
  }

  @Test
  void onlyTheMasterGetsWhatIsGathered() throws Exception {
    int size = ranks().size();
    for (int master : size > 1 ? new int[] {0, size - 1} : new int[] {0}) {
      ranks()
          .run(
              ControllerOptions.defaults().withMaster(master),
              controller -> {
                for (int round = 0; round < 20; round++) {
                  int base = round * 1000;
                  Optional<List<Integer>> all = controller.gather(base + controller.rank());
                  assertThat(all)
                      .isEqualTo(
                          controller.isMaster()
                              ? Optional.of(
                                  IntStream.range(0, size).mapToObj(rank -> base + rank).toList())
                              : Optional.empty());
                }
                assertThat(controller.gather("x", Duration.ofMinutes(1)).isPresent())
                    .isEqualTo(controller.isMaster());
                assertStillWorks(controller);
              });
    }
  }

  @Test
  void aValueMayBeNull() throws Exception {
    ranks()
        .run(controller -> {
          String mine = controller.rank() % 2 == 0 ? null : "x";
          List<@Nullable String> expected = new ArrayList<>();
          for (int rank = 0; rank < controller.size(); rank++) {
            expected.add(rank % 2 == 0 ? null : "x");
          }
          assertThat(controller.allGather(mine)).isEqualTo(expected);
          assertThat(controller.gather(mine).orElse(expected)).isEqualTo(expected);
          assertThat(controller.<@Nullable String, RuntimeException>inOrder(() -> mine))
              .isEqualTo(mine);
          assertStillWorks(controller);
        });
  }

  /** Some of many chunks, some of one. */
  @Test
  void valuesMayBeOfAnySize() throws Exception {
    ranks()
        .run(controller -> {
          for (int round = 0; round < 3; round++) {
            List<long[]> all = controller.allGather(large(controller.rank(), round));
            assertLarge(all, controller.size(), round);
            int again = round;
            controller
                .gather(large(controller.rank(), round))
                .ifPresent(gathered -> assertLarge(gathered, controller.size(), again));
          }
          assertStillWorks(controller);
        });
  }

  private static long[] large(int rank, int round) {
    long[] values = new long[(rank + round) % 3 == 0 ? MANY : rank];
    Arrays.fill(values, rank * 31L + round);
    return values;
  }

  private static void assertLarge(List<long[]> all, int size, int round) {
    assertThat(all).hasSize(size);
    for (int rank = 0; rank < size; rank++) {
      assertThat(all.get(rank)).isEqualTo(large(rank, round));
    }
  }

  @Test
  void valuesMayBeTakenOneByOne() throws Exception {
    ranks()
        .run(controller -> {
          ResourceLock lock = controller.resource("one by one");
          List<String> taken = new ArrayList<>();
          lock.allGather(
              "of " + controller.rank(),
              (value, rank) -> taken.add(rank + " " + value),
              Duration.ofMinutes(1));
          assertThat(taken)
              .isEqualTo(
                  IntStream.range(0, controller.size())
                      .mapToObj(rank -> rank + " of " + rank)
                      .toList());
          Throwable failure =
              catchThrowable(() ->
                  lock.allGather(
                      "x",
                      (value, rank) -> {
                        if (rank == controller.size() - 1 && controller.rank() == 0) {
                          throw new IllegalStateException("enough");
                        }
                      },
                      Duration.ofMinutes(1)));
          if (controller.rank() == 0) {
            assertThat(failure).isInstanceOf(IllegalStateException.class).hasMessage("enough");
          } else {
            assertThat(failure).isNull();
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void theListCannotBeChanged() throws Exception {
    ranks()
        .run(controller ->
            assertThatThrownBy(() -> controller.allGather("x").add("y"))
                .isInstanceOf(UnsupportedOperationException.class));
  }

  @Test
  void aValueThatCannotBeEncodedIsAnErrorOnAllRanks() throws Exception {
    ranks()
        .run(controller -> {
          int odd = controller.size() / 2;
          Object value =
              controller.rank() == odd ? List.of("x".repeat(MANY), new Object()) : "fine";
          for (boolean forAll : new boolean[] {true, false}) {
            Throwable failure =
                catchThrowable(() -> {
                  if (forAll) {
                    controller.allGather(value);
                  } else {
                    controller.gather(value);
                  }
                });
            if (controller.rank() == odd) {
              assertThat(failure)
                  .isInstanceOf(ShareException.class)
                  .hasMessageContaining("java.lang.Object");
            } else {
              assertThat(failure)
                  .isInstanceOf(CollectiveFailedException.class)
                  .hasMessageContaining("rank " + odd)
                  .hasMessageContaining("NotSerializableException");
              assertThat(((CollectiveFailedException) failure).rank()).isEqualTo(odd);
            }
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aClassThatIsNotAllowedIsRefused() throws Exception {
    ranks()
        .run(controller -> {
          if (controller.size() > 1) {
            assertThatThrownBy(() -> controller.allGather(new Foreign("x")))
                .isInstanceOf(MpilockException.class)
                .hasMessageContaining("CollectiveContract$Foreign")
                .hasMessageContaining("mpilock.share.allow");
          }
          assertStillWorks(controller);
        });
  }

  /** All other ranks have what they need. */
  @Test
  void aValueThatOneRankRefusesIsAnErrorThereAlone() throws Exception {
    ranks()
        .run(
            allowing(),
            controller -> {
              Picky.RANK.set(controller.rank());
              Object value = controller.rank() == 0 ? new Picky() : "x".repeat(MANY);
              if (controller.rank() == REFUSED_BY) {
                assertThatThrownBy(() -> controller.allGather(value))
                    .isInstanceOf(ShareException.class)
                    .hasMessageContaining("not on this rank")
                    .hasMessageContaining("what rank 0 shared");
              } else {
                List<Object> all = controller.allGather(value);
                assertThat(all.get(0)).isInstanceOf(Picky.class);
                assertThat(all.subList(1, all.size()))
                    .isEqualTo(Collections.nCopies(controller.size() - 1, "x".repeat(MANY)));
              }
              Picky.RANK.remove();
              assertStillWorks(controller);
            });
  }

  // In order.

  @Test
  void theActionsRunInTheOrderOfTheRanks() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("order", 8);
          for (int round = 0; round < 30; round++) {
            long base = (long) round * controller.size();
            long before =
                controller.inOrder(() -> {
                  long seen = words.get(0); // plain: what the one before wrote
                  words.set(0, seen + 1);
                  return seen;
                });
            assertThat(before).isEqualTo(base + controller.rank());
            assertThat(words.get(0)).isGreaterThanOrEqualTo(base + controller.size());
            controller.barrier();
          }
          assertThat(controller.<String, IOException>inOrder(Duration.ofMinutes(1), () -> "mine"))
              .isEqualTo("mine");
          assertStillWorks(controller);
        });
  }

  /** mpi4py's Sequential lets the others go on as if nothing had happened. */
  @Test
  void anActionThatThrowsIsTheLastAndIsToldToAll() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords ran = ranks().words("ran", 64);
          int odd = controller.size() / 2;
          Throwable failure =
              catchThrowable(() ->
                  controller.inOrder(() -> {
                    ran.set(controller.rank(), 1);
                    if (controller.rank() == odd) {
                      throw new IOException("the disk is full");
                    }
                    return "fine";
                  }));
          if (controller.rank() == odd) {
            assertThat(failure).isInstanceOf(IOException.class).hasMessage("the disk is full");
          } else {
            assertThat(failure)
                .isInstanceOf(CollectiveFailedException.class)
                .hasMessageContaining("rank " + odd)
                .message()
                .endsWith(
                    "failed in its turn of the inOrder of resource 'default': java.io.IOException: the disk is full")
                .hasLineCount(1);
            CollectiveFailedException told = (CollectiveFailedException) failure;
            assertThat(told.rank()).isEqualTo(odd);
            assertThat(told.remoteClass()).isEqualTo("java.io.IOException");
            assertThat(told.remoteStackTrace()).contains("\tat io.mpilock.CollectiveContract");
          }
          controller.barrier();
          for (int rank = 0; rank < controller.size(); rank++) {
            assertThat(ran.get(rank)).as("rank %d", rank).isEqualTo(rank <= odd ? 1 : 0);
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void anErrorInAnActionIsToldToAll() throws Exception {
    ranks()
        .run(controller -> {
          int last = controller.size() - 1;
          Throwable failure =
              catchThrowable(() ->
                  controller.inOrder(() -> {
                    if (controller.rank() == last) {
                      throw new StackOverflowError("deep");
                    }
                    return "fine";
                  }));
          assertThat(failure)
              .isInstanceOf(
                  controller.rank() == last
                      ? StackOverflowError.class
                      : CollectiveFailedException.class)
              .hasMessageContaining("deep");
          assertStillWorks(controller);
        });
  }

  /** Who is interrupted leaves, and its turn is the end for those behind. */
  @Test
  void anInterruptBeforeItsTurnIsToldToAll() throws Exception {
    ranks()
        .run(controller -> {
          int last = controller.size() - 1;
          if (controller.size() > 1) {
            Thread caller = Thread.currentThread();
            ResourceLock go = controller.resource("go");
            Throwable failure =
                catchThrowable(() -> {
                  if (controller.rank() == last) {
                    Thread.ofPlatform()
                        .start(() -> {
                          while (go.tryOptimisticRead() == 0) { // all are in the call
                            Thread.onSpinWait();
                          }
                          caller.interrupt();
                        });
                  }
                  controller.inOrder(() -> {
                    if (controller.rank() == 0) {
                      go.write().close();
                      while (controller.resource("left").tryOptimisticRead() == 0) {
                        Thread.onSpinWait();
                      }
                    }
                    return "fine";
                  });
                });
            if (controller.rank() == last) {
              assertThat(failure).isInstanceOf(LockInterruptedException.class);
              assertThat(Thread.interrupted()).isTrue();
              controller.resource("left").write().close();
            } else {
              assertThat(failure)
                  .isInstanceOf(CollectiveFailedException.class)
                  .hasMessageContaining("rank " + last)
                  .hasMessageContaining("left the inOrder of resource 'default'");
              assertThat(((CollectiveFailedException) failure).rank()).isEqualTo(last);
            }
          }
          assertStillWorks(controller);
        });
  }

  /** Those behind, and the rank itself, have had their turns. */
  @Test
  void anInterruptBehindItsTurnIsItsOwnAlone() throws Exception {
    ranks()
        .run(controller -> {
          int last = controller.size() - 1;
          if (controller.size() > 1) {
            Thread caller = Thread.currentThread();
            Throwable failure =
                catchThrowable(() ->
                    controller.inOrder(() -> {
                      if (controller.rank() == 0) {
                        caller.interrupt();
                      }
                      if (controller.rank() == last) {
                        while (controller.resource("away").tryOptimisticRead() == 0) {
                          Thread.onSpinWait();
                        }
                      }
                      return "fine";
                    }));
            if (controller.rank() == 0) {
              assertThat(failure).isInstanceOf(LockInterruptedException.class);
              assertThat(Thread.interrupted()).isTrue();
              controller.resource("away").write().close();
            } else {
              assertThat(failure).isNull();
            }
          }
          assertStillWorks(controller);
        });
  }

  @Test
  void aCloseBeforeItsTurnIsToldToAll() throws Exception {
    ranks()
        .run(controller -> {
          int last = controller.size() - 1;
          if (controller.size() == 1) {
            return;
          }
          SharedWords words = ranks().words("closing", 8);
          ResourceLock go = controller.resource("go");
          Thread closer = null;
          if (controller.rank() == last) {
            closer =
                Thread.ofPlatform()
                    .start(() -> {
                      while (go.tryOptimisticRead() == 0) { // all are in the call
                        Thread.onSpinWait();
                      }
                      Throwable _ = catchThrowable(controller::close);
                    });
          }
          Throwable failure =
              catchThrowable(() ->
                  controller.inOrder(() -> {
                    if (controller.rank() == 0) {
                      go.write().close();
                      while (words.get(0) == 0) {
                        Thread.onSpinWait();
                      }
                    }
                    return "fine";
                  }));
          if (controller.rank() == last) {
            assertThat(failure).isInstanceOf(ControllerClosedException.class);
            words.set(0, 1);
          } else {
            assertThat(failure)
                .isInstanceOf(CollectiveFailedException.class)
                .hasMessageContaining("left the inOrder of resource 'default'");
          }
          if (closer != null) {
            closer.join();
          }
        });
  }

  @Test
  void aLongTurnIsReportedByThoseThatWait() throws Exception {
    ranks()
        .run(
            ControllerOptions.defaults().withStallWarning(Duration.ofMillis(50)),
            controller -> {
              SharedWords words = ranks().words("stalls", 64);
              AtomicReference<String> told = new AtomicReference<>("");
              controller.addListener(
                  new LockListener() {
                    @Override
                    public void stalled(String resource, String report) {
                      if (report.contains("whose turn it is")) {
                        told.set(report);
                        words.set(controller.rank(), 1);
                      }
                    }
                  });
              controller.inOrder(() -> {
                if (controller.rank() == 0) {
                  for (int rank = 1; rank < controller.size(); rank++) {
                    while (words.get(rank) == 0) {
                      Thread.onSpinWait();
                    }
                  }
                }
                return null;
              });
              if (controller.rank() > 0) {
                assertThat(told.get())
                    .contains("in the inOrder of resource 'default' for rank")
                    .contains("rank " + controller.rank() + " ");
              }
              assertStillWorks(controller);
            });
  }

  @Test
  void anActionMayTakeALock() throws Exception {
    ranks()
        .run(controller -> {
          List<Long> tokens = new ArrayList<>();
          controller.inOrder(() -> {
            try (WriteLease write = controller.write()) {
              tokens.add(write.token());
            }
            return null;
          });
          List<Long> all = controller.allGather(tokens.get(0));
          assertThat(all).isSorted().doesNotHaveDuplicates();
          assertStillWorks(controller);
        });
  }

  // What else there is.

  @Test
  void listenersAreToldOfEachCallOnce() throws Exception {
    ranks()
        .run(controller -> {
          List<String> heard = Collections.synchronizedList(new ArrayList<>());
          controller.addListener(
              new LockListener() {
                @Override
                public void collective(
                    String resource,
                    CollectiveCall call,
                    long nanos,
                    long bytes,
                    @Nullable Throwable failure) {
                  heard.add(
                      resource
                          + " "
                          + call
                          + (bytes > 0 ? " bytes" : "")
                          + (failure == null ? "" : " " + failure.getMessage()));
                }
              });
          controller.barrier();
          controller.resource("values").allGather("x");
          controller.gather("x");
          controller.inOrder(() -> "x");
          assertThatThrownBy(() ->
                  controller.inOrder(() -> {
                    throw new IOException("no");
                  }))
              .isInstanceOfAny(IOException.class, CollectiveFailedException.class);
          assertThat(heard).hasSize(5);
          assertThat(heard.subList(0, 4))
              .containsExactly(
                  "default barrier", "values allGather bytes", heard.get(2), "default inOrder");
          assertThat(heard.get(2)).startsWith("default gather");
          assertThat(heard.get(4)).startsWith("default inOrder ").endsWith("no");
        });
  }

  @Test
  void twoControllersDoNotDisturbEachOther() throws Exception {
    ranks()
        .runBare(world -> {
          try (WindowController one = WindowController.sync(world, ControllerOptions.defaults());
              WindowController other = WindowController.sync(world, ControllerOptions.defaults())) {
            for (int i = 0; i < 10; i++) {
              int round = i;
              assertThat(one.inOrder(() -> other.isClosed())).isFalse();
              assertThat(other.allGather(round)).containsOnly(round).hasSize(world.size());
              one.barrier();
            }
          }
        });
  }

  /** Writes and reads as libraries do that close their stream, once more than needed. */
  static final class ClosingCodec implements ShareCodec {
    static final String BROKEN = "broken";

    @Override
    public void encode(@Nullable Object value, OutputStream out) throws IOException {
      try (DataOutputStream data = new DataOutputStream(out)) {
        data.writeUTF(String.valueOf(value));
        if (BROKEN.equals(value)) {
          throw new IOException("broken on purpose");
        }
        data.close();
      }
    }

    @Override
    public Object decode(InputStream in) throws IOException {
      try (DataInputStream data = new DataInputStream(in)) {
        return data.readUTF();
      }
    }
  }

  @Test
  void aCodecMayCloseItsStream() throws Exception {
    ranks()
        .run(
            ControllerOptions.defaults().withShareCodec(new ClosingCodec()),
            controller -> {
              int last = controller.size() - 1;
              List<String> expected =
                  IntStream.rangeClosed(0, last).mapToObj(rank -> "of " + rank).toList();
              for (int round = 0; round < 20; round++) {
                assertThat(controller.allGather("of " + controller.rank())).isEqualTo(expected);
                assertThat(controller.gather("of " + controller.rank()))
                    .isEqualTo(controller.isMaster() ? Optional.of(expected) : Optional.empty());
              }
              String mine = controller.rank() == last ? ClosingCodec.BROKEN : "whole";
              assertThatThrownBy(() -> controller.allGather(mine))
                  .isInstanceOf(
                      controller.rank() == last
                          ? ShareException.class
                          : CollectiveFailedException.class);
              assertThat(controller.allGather("of " + controller.rank())).isEqualTo(expected);
            });
  }

  private static void assertStillWorks(WindowController controller) {
    for (int i = 0; i < 3; i++) {
      int round = i;
      int got = controller.singleWrite(round % controller.size(), () -> round);
      assertThat(got).isEqualTo(i);
      controller.barrier();
      assertThat(controller.allGather(round)).containsOnly(round).hasSize(controller.size());
    }
    controller.write(Duration.ofSeconds(60)).close();
    controller.read(Duration.ofSeconds(60)).close();
  }
}
