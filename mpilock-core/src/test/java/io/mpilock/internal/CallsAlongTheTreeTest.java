/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.internal.agent.Agent;
import io.mpilock.internal.call.SingleWriteCall;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.testing.Silent;
import io.mpilock.transport.local.LocalCluster;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Collective calls of 15 nodes that are a binary tree of three steps: 0 is above 1 and 2, these are
 * above 3 to 6, and those above 7 to 14. Node n has rank n, and node 6 rank 15 beside it.
 */
@Timeout(90)
@ExtendWith(Silent.class)
class CallsAlongTheTreeTest {
  private static final Duration PATIENT = Duration.ofSeconds(30);
  private static final Duration HEARTBEAT = Duration.ofSeconds(4);
  private static final int NODES = 15;
  private static final int RANKS = 16;

  /** Above node 3, which is above 7 and 8. */
  private static final int INNER = 1;

  private final LocalCluster cluster =
      LocalCluster.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 6);

  /** What a rank does; what it throws is its result. */
  private interface Body {
    Object run(ControllerCore core, int rank) throws Exception;
  }

  @AfterEach
  void killTheRest() {
    for (int rank = 0; rank < RANKS; rank++) {
      cluster.kill(rank);
    }
  }

  /** Runs that on each rank, closes its controller, and gives what each returned or threw. */
  private List<Object> run(Duration heartbeatTimeout, Body body) throws Exception {
    List<CompletableFuture<Object>> ranks = new ArrayList<>();
    CoreSettings settings = PlayedNodes.settings(0, heartbeatTimeout);
    for (int i = 0; i < RANKS; i++) {
      int rank = i;
      ranks.add(
          PlayedNodes.start(() -> {
            ControllerCore core =
                ControllerCore.open(
                    cluster.world(rank), settings, RankContext.Pace.of(NODES), Agent.onThread(), 2);
            try {
              return body.run(core, rank);
            } catch (Exception e) {
              return e;
            } finally {
              end(core);
            }
          }));
    }
    List<Object> results = new ArrayList<>();
    for (CompletableFuture<Object> each : ranks) {
      results.add(each.get(60, TimeUnit.SECONDS));
    }
    return results;
  }

  private static void end(ControllerCore core) {
    try {
      core.close();
    } catch (RankFailedException | CollectiveMismatchException | IllegalStateException e) {
      // it was to fail
    }
  }

  private static SingleWriteCall begin(ControllerCore core, int writer, long nanos) {
    return core.collectives()
        .singleWrite(
            core.resource("default"), writer, nanos, (isWriter, took, bytes, failure) -> {});
  }

  /** A single write that shares a text. */
  private static String call(ControllerCore core, int writer, String text) {
    SingleWriteCall section = begin(core, writer, ThreadHold.FOREVER);
    try {
      if (section.isWriter()) {
        section.share(text.getBytes(StandardCharsets.UTF_8));
        return text;
      }
      return new String((byte[]) Objects.requireNonNull(section.collect()), StandardCharsets.UTF_8);
    } finally {
      section.close();
    }
  }

  private static void assertAll(List<Object> results, IntPredicate ranks, Class<?> type) {
    for (int rank = 0; rank < RANKS; rank++) {
      if (ranks.test(rank)) {
        assertThat(results.get(rank)).as("rank %d", rank).isInstanceOf(type);
      }
    }
  }

  @Test
  void allGoTogetherWhoeverWrites() throws Exception {
    List<Object> results =
        run(
            PATIENT,
            (core, rank) -> {
              StringBuilder got = new StringBuilder();
              for (int writer : new int[] {0, 14, 1, 7, 15, 6}) {
                got.append(call(core, writer, writer + " ")); // two calls at a time, at most
              }
              return got.toString();
            });
    assertThat(results).hasSize(RANKS).containsOnly("0 14 1 7 15 6 ");
  }

  /** What a rank is told of a call that one rank made differently, and that the next one goes. */
  private List<Object> oneCallsSomethingElse(int odd) throws Exception {
    return run(
        PATIENT,
        (core, rank) -> {
          String told;
          try {
            told = call(core, rank == odd ? 9 : 2, "not to be shared");
          } catch (CollectiveMismatchException e) {
            told = Objects.requireNonNull(e.getMessage());
          }
          return told + call(core, odd, ", and then all went on");
        });
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5, 13})
  void aDifferenceBetweenNodesIsToldToAllWithWhatAllCalled(int odd) throws Exception {
    for (Object result : oneCallsSomethingElse(odd)) {
      assertThat((String) result)
          .startsWith("Collective call 1 failed, since the ranks disagree: rank 0 called")
          .contains("rank " + odd + " called singleWrite(resource 'default', writer 9)")
          .contains("rank 14 called")
          .doesNotContain("has called nothing")
          .endsWith(", and then all went on");
    }
  }

  /** It is told as soon as its own ranks have called; others may not have yet. */
  @ParameterizedTest
  @ValueSource(ints = {6, 15})
  void aDifferenceInsideANodeIsToldToAll(int odd) throws Exception {
    for (Object result : oneCallsSomethingElse(odd)) {
      assertThat((String) result)
          .startsWith("Collective call 1 failed, since the ranks disagree: rank 0 ")
          .contains("rank " + odd + " called singleWrite(resource 'default', writer 9)")
          .contains("rank " + (21 - odd) + " called singleWrite(resource 'default', writer 2)")
          .endsWith(", and then all went on");
    }
  }

  @Test
  void aWriterThatFailsFailsTheCallForAll() throws Exception {
    List<Object> results =
        run(
            PATIENT,
            (core, rank) -> {
              SingleWriteCall section = begin(core, 11, ThreadHold.FOREVER);
              try {
                if (section.isWriter()) {
                  throw new ArithmeticException("on purpose");
                }
                return "" + section.collect();
              } catch (ArithmeticException e) {
                section.fail(e);
                throw e;
              } finally {
                section.close();
              }
            });
    assertAll(results, rank -> rank == 11, ArithmeticException.class);
    assertAll(results, rank -> rank != 11, SingleWriteFailedException.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 8, 15})
  void whoComesLateIsWaitedFor(int late) throws Exception {
    CountDownLatch others = new CountDownLatch(RANKS - 1);
    List<Object> results =
        run(
            PATIENT,
            (core, rank) -> {
              if (rank == late) {
                others.await();
              }
              others.countDown();
              return call(core, 12, "a");
            });
    assertThat(results).containsOnly("a");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 5, 7, 14})
  void whoGivesUpIsHeardThoughANodeAboveItHasCalledNothing(int impatient) throws Exception {
    CountDownLatch failed = new CountDownLatch(RANKS - 1);
    List<Object> results =
        run(
            PATIENT,
            (core, rank) -> {
              if (rank == INNER) {
                failed.await(); // all of them, before this one calls anything
              }
              try {
                SingleWriteCall section =
                    begin(
                        core,
                        2,
                        rank == impatient ? TimeUnit.MILLISECONDS.toNanos(50) : ThreadHold.FOREVER);
                section.close();
                return "went";
              } finally {
                failed.countDown();
              }
            });
    assertAll(results, rank -> rank == impatient, LockTimeoutException.class);
    assertAll(results, rank -> rank != impatient, CollectiveMismatchException.class);
    assertThat(((Exception) results.get(8)).getMessage())
        .contains("rank " + impatient + " had waited for its time-out")
        .contains("rank 1 has called nothing");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, INNER})
  void theDeathOfALeaderIsToldToAllThatWaitForIt(int victim) throws Exception {
    CountDownLatch others = new CountDownLatch(RANKS - 1);
    List<Object> results =
        run(
            HEARTBEAT,
            (core, rank) -> {
              if (rank == victim) {
                others.await();
                cluster.kill(victim);
                return "died";
              }
              others.countDown();
              return call(core, 2, "a");
            });
    assertAll(results, rank -> rank != victim, RankFailedException.class);
    for (int rank = 0; rank < RANKS; rank++) {
      if (rank != victim) {
        assertThat(((RankFailedException) results.get(rank)).rank()).isEqualTo(victim);
      }
    }
  }

  /** The writer is in its body, so all have agreed, and not all need have heard of it. */
  @ParameterizedTest
  @ValueSource(ints = {INNER, 3})
  void theDeathOfALeaderAfterTheDecisionLeavesNobodyWaiting(int victim) throws Exception {
    List<Object> results =
        run(
            HEARTBEAT,
            (core, rank) -> {
              SingleWriteCall section = begin(core, 2, ThreadHold.FOREVER);
              try {
                if (section.isWriter()) {
                  cluster.kill(victim);
                  section.share(new byte[10 * Layout.CHUNK_BYTES]);
                  return "went";
                }
                return section.collect() == null ? "nothing" : "went";
              } finally {
                section.close();
              }
            });
    for (int rank = 0; rank < RANKS; rank++) {
      if (rank != victim) {
        assertThat(results.get(rank))
            .as("rank %d", rank)
            .matches(result -> "went".equals(result) || isOf(victim, result));
      }
    }
  }

  private static boolean isOf(int victim, Object result) {
    return result instanceof SingleWriteFailedException // the writer was told in the middle
        || (result instanceof RankFailedException failure && failure.rank() == victim);
  }

  @Test
  void aDeathOfAnotherRankIsToldFromTheMiddleOfTheTree() throws Exception {
    CountDownLatch others = new CountDownLatch(RANKS - 1);
    List<Object> results =
        run(
            PATIENT,
            (core, rank) -> {
              if (rank == 15) {
                others.await();
                cluster.kill(15);
                return "died";
              }
              others.countDown();
              return call(core, 2, "a");
            });
    assertAll(results, rank -> rank != 15, RankFailedException.class);
    assertThat(((RankFailedException) results.get(9)).rank()).isEqualTo(15);
  }

  /** Those that have closed pass the decisions of the others on. */
  @Test
  void theOthersAreToldThoughTheNodesAboveThemHaveClosed() throws Exception {
    CountDownLatch called = new CountDownLatch(RANKS - 3);
    List<Object> results =
        run(
            PATIENT,
            (core, rank) -> {
              if (rank == INNER || rank == 3 || rank == 6) {
                return "closes";
              }
              int failed = 0;
              for (int i = 0; i < 3; i++) {
                try {
                  call(core, 2, "a");
                } catch (CollectiveMismatchException e) {
                  failed += Objects.requireNonNull(e.getMessage()).contains("is closing") ? 1 : 0;
                }
              }
              called.countDown();
              called.await();
              return failed;
            });
    for (int rank = 0; rank < RANKS; rank++) {
      boolean closes = rank == INNER || rank == 3 || rank == 6;
      assertThat(results.get(rank)).as("rank %d", rank).isEqualTo(closes ? "closes" : (Object) 3);
    }
  }

  @Test
  void allCloseThoughTheNodesAboveThemHaveClosedLongAgo() throws Exception {
    CountDownLatch closed = new CountDownLatch(3);
    List<Object> results =
        run(
            PATIENT,
            (core, rank) -> {
              call(core, 2, "a");
              if (rank == 0 || rank == INNER || rank == 3) {
                closed.countDown();
                return true;
              }
              closed.await();
              RankLock lock = core.resource("r" + rank);
              ThreadHold hold = lock.hold();
              assertThat(hold.acquireWrite(lock, ThreadHold.FOREVER)).isTrue();
              hold.releaseWrite(lock);
              return core.close();
            });
    assertThat(results).containsOnly(true);
  }
}
