/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.mpilock.LocalRanks;
import io.mpilock.ReadLease;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.spring.test.RankTest;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LockTemplateTests {
  private static final int RANKS = 4;
  private static final int ROUNDS = 500;

  private final CyclicBarrier all = new CyclicBarrier(RANKS);

  /** Counts without any synchronisation of its own: only exclusion keeps it from losing updates. */
  private static final class PlainCounter {
    int value;
  }

  private static final class Checked extends Exception {
    private static final long serialVersionUID = 1L;

    Checked() {
      super("checked");
    }
  }

  @Test
  void writesExcludeEachOtherOverAllRanks() throws Exception {
    PlainCounter counter = new PlainCounter();
    LocalRanks.run(
        RANKS,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          for (int i = 0; i < ROUNDS; i++) {
            locks.writeWithoutResult(() -> counter.value++);
          }
        });
    assertThat(counter.value).isEqualTo(RANKS * ROUNDS);
  }

  @RankTest(ranks = RANKS)
  void readsOfSeveralRanksOverlap(LockTemplate locks) throws Exception {
    locks.readWithoutResult(all::await); // passes only if all are inside at once
    int result = locks.read(all::await);
    assertThat(result).isBetween(0, RANKS - 1);
  }

  @RankTest(nodes = {2, 2})
  void allRanksCountTogether(LockTemplate locks, WindowController controller) {
    locks.counter("rows").add(locks.rank() + 1);
    locks.gather("counted");
    assertThat(locks.on("another").counter("rows").get()).isEqualTo(10);
    assertThat(controller.counter("rows")).isSameAs(locks.counter("rows"));
    locks.gather("seen");
  }

  @RankTest(nodes = {2, 2})
  void eachRankGetsWhatAllSay(LockTemplate locks) {
    assertThat(locks.allGather("rank " + locks.rank()))
        .containsExactly("rank 0", "rank 1", "rank 2", "rank 3");
    assertThat(locks.on("another").withTimeout(Duration.ofSeconds(50)).allGather(locks.rank()))
        .containsExactly(0, 1, 2, 3);
  }

  @RankTest(ranks = 3)
  void aTimeOutOfTheWordsIsThatOfAllTogether(LockTemplate locks) {
    if (locks.rank() != 2) {
      assertThatThrownBy(() -> locks.withTimeout(Duration.ofMillis(100)).allGather("here"))
          .isInstanceOf(MpilockException.class);
    }
    locks.on("end").readWithoutResult(() -> {});
  }

  @RankTest(nodes = {2, 1})
  void onlyTheMasterGetsWhatIsGathered(LockTemplate locks) {
    assertThat(locks.gather(locks.rank()))
        .isEqualTo(locks.isMaster() ? Optional.of(List.of(0, 1, 2)) : Optional.empty());
    assertThat(locks.withTimeout(Duration.ofSeconds(50)).gather("x").isPresent())
        .isEqualTo(locks.isMaster());
  }

  private static final List<Integer> RAN = new CopyOnWriteArrayList<>();

  @RankTest(nodes = {1, 2})
  void theRanksRunOneAfterTheOther(LockTemplate locks) {
    locks.inOrderWithoutResult(() -> RAN.add(locks.rank()));
    assertThat(RAN).containsExactly(0, 1, 2);
    int mine = locks.withTimeout(Duration.ofSeconds(50)).inOrder(locks::rank);
    assertThat(mine).isEqualTo(locks.rank());
  }

  private static final AtomicInteger CAME = new AtomicInteger();

  @RankTest(ranks = RANKS)
  void behindABarrierAllHaveCome(LockTemplate locks) {
    CAME.incrementAndGet();
    locks.barrier();
    assertThat(CAME).hasValue(RANKS);
  }

  @Test
  void resultsReachTheCallerAlsoNull() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          assertThat(locks.read(() -> "r")).isEqualTo("r");
          assertThat(locks.write(() -> "w")).isEqualTo("w");
          String none = locks.write(() -> null);
          assertThat(none).isNull();
        });
  }

  @Test
  void whatACallbackThrowsReachesTheCallerAsThrownAndTheLockIsFree() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          Checked checked = new Checked();
          IllegalStateException unchecked = new IllegalStateException("unchecked");
          assertThatThrownBy(() -> locks.read(() -> fail(checked))).isSameAs(checked);
          assertThatThrownBy(() -> locks.write(() -> fail(checked))).isSameAs(checked);
          assertThatThrownBy(() -> locks.readWithoutResult(() -> fail(unchecked)))
              .isSameAs(unchecked);
          assertThatThrownBy(() -> locks.writeWithoutResult(() -> fail(unchecked)))
              .isSameAs(unchecked);
          assertThat(controller.tryWrite()).hasValueSatisfying(WriteLease::close);
        });
  }

  @Test
  void theCompilerKnowsWhichCheckedExceptionACallbackThrows() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          try {
            locks.readWithoutResult(() -> {
              throw new FileNotFoundException("gone");
            });
          } catch (FileNotFoundException expected) {
            assertThat(expected).hasMessage("gone");
          }
        });
  }

  /** Compiles: Kotlin's overloads do not take what Java's lambdas throw to be any exception. */
  private static String withNothingElseToCatch(LockTemplate locks) {
    try {
      return locks
          .<String, FileNotFoundException>tryWrite(() -> fail(new FileNotFoundException()) + "")
          .orElseThrow();
    } catch (FileNotFoundException expected) {
      try {
        return locks.read(() -> {
          if (locks.rank() == 0) {
            throw new FileNotFoundException("gone");
          }
          return "";
        });
      } catch (FileNotFoundException again) {
        return locks.write(again::getMessage) + locks.readWithLease(LeasedRead::token);
      }
    }
  }

  @Test
  void lambdasThrowInJavaWhatTheyThrow() throws Exception {
    LocalRanks.run(
        1,
        controller ->
            assertThat(withNothingElseToCatch(LockTemplate.of(controller))).isEqualTo("gone2"));
  }

  @Test
  void singleWriteRunsOnTheMasterAndGivesTheValueToEveryRank() throws Exception {
    AtomicInteger runs = new AtomicInteger();
    Queue<Path> results = new ConcurrentLinkedQueue<>();
    LocalRanks.run(
        RANKS,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          results.add(
              locks.singleWrite(() -> {
                assertThat(locks.isMaster()).isTrue();
                runs.incrementAndGet();
                return Path.of("made", "once");
              }));
        });
    assertThat(runs).hasValue(1);
    assertThat(results).hasSize(RANKS).containsOnly(Path.of("made", "once"));
  }

  @RankTest(ranks = RANKS)
  void singleWriteRunsOnTheRankThatIsNamed(LockTemplate locks) {
    int writer = locks.on("named").singleWrite(RANKS - 1, locks::rank);
    assertThat(writer).isEqualTo(RANKS - 1);
    int timed = locks.withTimeout(Duration.ofSeconds(30)).singleWrite(1, locks::rank);
    assertThat(timed).isEqualTo(1);
  }

  @Test
  void aFailedSingleWriteIsThrownAsItIsByTheWriterAndToldToTheOthers() throws Exception {
    IOException failure = new IOException("disk full");
    LocalRanks.run(
        RANKS,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          Throwable thrown = catchThrowable(() -> locks.singleWrite(() -> fail(failure)));
          expectFailure(locks, failure, thrown);
        });
  }

  @Test
  void aFencedBlockRunsOnTheMasterAndEveryRankGetsWhatItShared() throws Exception {
    AtomicInteger entered = new AtomicInteger();
    AtomicInteger passed = new AtomicInteger();
    LocalRanks.run(
        RANKS,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          String shared =
              locks.<String, RuntimeException>singleWriteFenced(fence -> {
                entered.incrementAndGet();
                fence.guard();
                passed.incrementAndGet();
                fence.share("layout");
              });
          assertThat(shared).isEqualTo("layout");
        });
    assertThat(entered).hasValue(RANKS);
    assertThat(passed).hasValue(1);
  }

  @RankTest(ranks = 2)
  void aFencedBlockNeedNotShare(LockTemplate locks) {
    String shared = locks.<String, RuntimeException>singleWriteFenced(fence -> fence.guard());
    assertThat(shared).isNull();
  }

  @Test
  void aFencedBlockThatFailsOnTheMasterFailsOnEveryRank() throws Exception {
    Checked failure = new Checked();
    LocalRanks.run(
        RANKS,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          Throwable thrown =
              catchThrowable(() ->
                  locks.<String, Checked>singleWriteFenced(fence -> {
                    fence.guard();
                    throw failure;
                  }));
          expectFailure(locks, failure, thrown);
        });
  }

  @Test
  void aBlockThatSaysItFailedHasFailedAlthoughItReturns() throws Exception {
    LocalRanks.run(
        2,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          Throwable thrown =
              catchThrowable(() ->
                  locks.<String, RuntimeException>singleWriteFenced(fence -> {
                    fence.guard();
                    fence.fail(new Checked());
                  }));
          assertThat(thrown).isInstanceOf(MpilockException.class);
        });
  }

  @RankTest(ranks = RANKS)
  void aTimeOutEndsTheWaitForAnotherRanksWrite(LockTemplate locks) throws Exception {
    if (locks.rank() == 0) {
      locks.writeWithoutResult(() -> {
        all.await();
        all.await();
      });
    } else {
      all.await();
      LockTemplate hurried = locks.withTimeout(Duration.ofMillis(20));
      assertThatExceptionOfType(LockTimeoutException.class).isThrownBy(() -> hurried.read(() -> 0));
      assertThatExceptionOfType(LockTimeoutException.class)
          .isThrownBy(() -> hurried.write(() -> 0));
      all.await();
    }
  }

  @Test
  void aFencedSingleWriteGivesUpWhenTheTimeIsOver() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          LockTemplate timed = LockTemplate.of(controller).withTimeout(Duration.ofMillis(20));
          String got = timed.singleWriteFenced(fence -> fence.share("in time"));
          assertThat(got).isEqualTo("in time");
          try (ReadLease read = controller.read()) {
            CompletableFuture.runAsync(() ->
                    assertThatExceptionOfType(LockTimeoutException.class)
                        .isThrownBy(() ->
                            timed.<String, RuntimeException>singleWriteFenced(
                                fence -> fence.share("too late"))))
                .join();
          }
        });
  }

  @Test
  void aBlockThatSaysThatItFailedFailsOnTheMasterToo() throws Exception {
    LocalRanks.run(
        1,
        controller ->
            assertThatExceptionOfType(SingleWriteFailedException.class)
                .isThrownBy(() ->
                    LockTemplate.of(controller)
                        .<String, RuntimeException>singleWriteFenced(
                            fence -> fence.fail(new IllegalStateException("not today"))))
                .withMessageContaining("not today"));
  }

  @Test
  void templatesOfOneNameAreOneObjectAndOfTwoNamesTwoLocks() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          LockTemplate locks = LockTemplate.of(controller);
          assertThat(locks.on("orders")).isSameAs(locks.on("orders")).isNotSameAs(locks.on("x"));
          assertThat(locks.on(WindowController.DEFAULT_RESOURCE)).isSameAs(locks);
          int nested = locks.read(() -> locks.on("orders").write(() -> 7));
          assertThat(nested).isEqualTo(7);
          assertThatExceptionOfType(LockUseException.class)
              .isThrownBy(() -> locks.read(() -> locks.write(() -> 0)));
          assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> locks.on(" "));
        });
  }

  @Test
  void aTimeOutStaysWithTheTemplatesOfOtherNames() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          LockTemplate timed =
              LockTemplate.of(controller).on("a").withTimeout(Duration.ofSeconds(2));
          assertThat(timed).hasToString("LockTemplate[a, PT2S]");
          assertThat(timed.on("b")).hasToString("LockTemplate[b, PT2S]");
        });
  }

  @RankTest(ranks = 2)
  void tellsWhereItStands(LockTemplate locks, WindowController controller) {
    assertThat(locks.rank()).isEqualTo(controller.rank());
    assertThat(locks.size()).isEqualTo(2);
    assertThat(locks.master()).isZero();
    assertThat(locks.isMaster()).isEqualTo(controller.rank() == 0);
  }

  private static void expectFailure(LockTemplate locks, Throwable failure, Throwable thrown) {
    if (locks.isMaster()) {
      assertThat(thrown).isSameAs(failure);
    } else {
      assertThat(thrown)
          .isInstanceOf(SingleWriteFailedException.class)
          .hasMessageContaining(failure.getMessage());
    }
  }

  private static <E extends Throwable> int fail(E failure) throws E {
    throw failure;
  }
}
