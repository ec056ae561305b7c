/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.MpilockException;
import io.mpilock.internal.PlayedNodes;
import io.mpilock.internal.Simulation;
import io.mpilock.internal.job.NodeReport;
import io.mpilock.internal.job.Permission;
import io.mpilock.internal.rank.StatusQuery;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadParker;
import io.mpilock.testing.Silent;
import io.mpilock.transport.local.LocalCluster;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a rank and its agent say to each other in the window, when somebody asks who holds what. */
@ExtendWith(Silent.class)
class StatusQueryTest {
  private static final CoreSettings SETTINGS = PlayedNodes.settings(0, Duration.ofHours(1));
  private static final long HALF_A_SECOND = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long ANSWER = Layout.answer(3);

  /** Ranks 0 and 1 on node 0 with its agent, and rank 2 on node 1. */
  private final Simulation job =
      new Simulation(1, 2, 1, (int) Layout.directory(3, 3) + 8 * Layout.LINE, false);

  private final RankContext words = job.node(1, SETTINGS);

  StatusQueryTest() {
    for (int member = 0; member < 3; member++) {
      life(member, RankContext.OPEN);
    }
  }

  private void life(int member, long life) {
    job.word(Layout.slot(member) + Layout.LIFE, life);
  }

  /** The agent's part is played whenever the clock is looked at; each look takes 50 ms. */
  private Map<Integer, NodeReport> ask(Runnable agent) {
    long[] now = {1_000_000_000};
    LongSupplier clock =
        () -> {
          agent.run();
          return now[0] += 50_000_000;
        };
    RankContext rank =
        new RankContext(
            new LocalCluster(2, 1).world(1),
            words.window(),
            SETTINGS,
            new RankContext.Pace(0, 0, clock, nanos -> {}, ThreadParker.REAL));
    return new StatusQuery(rank).ask(123, HALF_A_SECOND);
  }

  private static NodeReport report(int ranks) {
    return new NodeReport(1, Collections.nCopies(ranks, 1), List.of(), 0);
  }

  private void answer(int from, NodeReport report) {
    ByteBuffer bytes = ByteBuffer.allocate(NodeReport.MAX_BYTES);
    report.encode(bytes);
    words.window().putBytes(ANSWER + Layout.LINE, bytes.array(), 0, bytes.position());
    job.word(ANSWER, bytes.position());
    job.word(Layout.ANSWER_FROM, from + 1);
  }

  @Test
  void oneAnswerAfterTheOtherIsTaken() {
    job.word(Layout.AGENT_BELL + 1, 1); // it sleeps
    int[] told = {0};
    Map<Integer, NodeReport> reports =
        ask(() -> {
          if (job.word(Layout.QUERY) == 123 && job.word(Layout.ANSWER_FROM) == 0) {
            assertThat(job.word(Layout.QUERY_LOCK)).isEqualTo(2);
            assertThat(job.word(Layout.AGENT_BELL)).as("it is rung for").isEqualTo(1 + told[0]);
            switch (told[0]++) {
              case 0 -> answer(1, report(1));
              case 1 -> answer(0, report(2));
              default -> job.word(Layout.QUERY, 0);
            }
          }
        });
    assertThat(reports).isEqualTo(Map.of(0, report(2), 1, report(1)));
    assertThat(job.word(Layout.QUERY_LOCK)).isZero();
  }

  @Test
  void anAgentThatDoesNotAnswerIsNotWaitedForForEver() {
    int[] looks = {0};
    assertThat(ask(() -> looks[0]++)).isEmpty();
    assertThat(looks[0]).as("half a second").isBetween(10, 13);
    assertThat(job.word(Layout.QUERY_LOCK)).isZero();
    assertThat(job.word(Layout.QUERY)).as("for the agent to clear").isEqualTo(123);
  }

  @Test
  void aThreadWhoseTimeIsNearlyOverAsksAheadAndIsNotHeldUp() {
    long[] now = {1_000_000_000};
    Runnable[] agent = {() -> {}};
    RankContext rank =
        new RankContext(
            new LocalCluster(2, 1).world(1),
            words.window(),
            SETTINGS,
            new RankContext.Pace(
                0,
                0,
                () -> {
                  agent[0].run();
                  return now[0] += 50_000;
                },
                nanos -> now[0] += nanos,
                ThreadParker.REAL));
    StatusQuery statusQuery = new StatusQuery(rank);
    job.word(Layout.QUERY_LOCK, 1); // another rank asks
    assertThat(statusQuery.askAhead(123)).as("again later").isTrue();
    assertThat(job.word(Layout.QUERY)).isZero();
    job.word(Layout.QUERY_LOCK, 0);
    long before = now[0];
    assertThat(statusQuery.askAhead(123)).isTrue();
    assertThat(now[0] - before).as("nobody answers").isLessThan(1_000_000);
    assertThat(job.word(Layout.QUERY)).isEqualTo(123);
    answer(1, report(1));
    assertThat(statusQuery.askAhead(123)).isTrue();
    assertThat(job.word(Layout.ANSWER_FROM)).isZero();
    assertThat(statusQuery.end()).as("what came in time").isEqualTo(Map.of(1, report(1)));
    assertThat(job.word(Layout.QUERY_LOCK)).isZero();
    job.word(Layout.QUERY, 0);
    StatusQuery whole = new StatusQuery(rank);
    assertThat(whole.askAhead(123)).isTrue();
    agent[0] = () -> job.word(Layout.QUERY, 0);
    assertThat(whole.askAhead(123)).as("that was all").isFalse();
    assertThat(job.word(Layout.QUERY_LOCK)).isZero();
    assertThat(whole.askAhead(123)).isFalse();
  }

  @Test
  void aMessageOfNoTimeAsksNobody() {
    RankContext rank =
        new RankContext(
            new LocalCluster(2, 1).world(1),
            words.window(),
            SETTINGS,
            new RankContext.Pace(
                0,
                0,
                () -> {
                  throw new AssertionError("no time to look at the clock");
                },
                nanos -> {
                  throw new AssertionError("no time to rest");
                },
                ThreadParker.REAL));
    assertThat(new StatusQuery(rank).describe(123, "here", 0))
        .isEqualTo("On node 0: here No answer from node 0, 1.");
    assertThat(job.word(Layout.QUERY)).isZero();
  }

  @Test
  void anInterruptEndsTheWait() {
    int[] looks = {0};
    Thread.currentThread().interrupt();
    assertThat(ask(() -> looks[0]++)).isEmpty();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(looks[0]).isLessThan(5);
  }

  @Test
  void anAgentThatIsGoneIsNotAsked() {
    life(2, RankContext.LEFT);
    assertThat(ask(() -> {})).isEmpty();
    assertThat(job.word(Layout.QUERY)).isZero();
    Simulation alone = new Simulation(1, 2, (int) Layout.directory(2, 2), false);
    assertThat(new StatusQuery(alone.node(0, SETTINGS)).ask(123, HALF_A_SECOND)).isEmpty();
  }

  @Test
  void oneAsksAtATimeUnlessTheOtherIsGone() {
    job.word(Layout.QUERY_LOCK, 1);
    assertThat(ask(() -> {})).isEmpty();
    assertThat(job.word(Layout.QUERY_LOCK)).isEqualTo(1);
    assertThat(job.word(Layout.QUERY)).isZero();
    life(0, RankContext.DEAD);
    Runnable agent =
        () -> {
          if (job.word(Layout.QUERY) == 123) {
            job.word(Layout.QUERY, 0);
          }
        };
    assertThat(ask(agent)).isEmpty();
    assertThat(job.word(Layout.QUERY_LOCK)).as("it was its turn").isZero();
    job.word(Layout.QUERY_LOCK, 1);
    job.word(Layout.QUERY, 99); // the agent is still at it for the one that died
    assertThat(ask(() -> {})).isEmpty();
    assertThat(job.word(Layout.QUERY)).isEqualTo(99);
  }

  @Test
  void wordsThatAreNoAnswerAreSaidToBeDamaged() {
    NodeReport.Use elsewhere = new NodeReport.Use(2, true, true, 1, 1, "t", 0);
    NodeReport wrong =
        new NodeReport(
            1,
            List.of(1, 1),
            List.of(new NodeReport.Resource("r", 1, -1, Permission.NONE, "", List.of(elsewhere))),
            0);
    for (Runnable damage :
        List.<Runnable>of(
            () -> job.word(ANSWER, -1),
            () -> job.word(ANSWER, NodeReport.MAX_BYTES + 1),
            () -> job.word(ANSWER, 5),
            () -> job.word(Layout.ANSWER_FROM, 3),
            () -> job.word(Layout.ANSWER_FROM, Long.MIN_VALUE),
            () -> answer(0, report(3)),
            () -> answer(0, wrong))) {
      job.word(Layout.QUERY_LOCK, 0);
      job.word(Layout.QUERY, 0);
      assertThatThrownBy(() ->
              ask(() -> {
                if (job.word(Layout.QUERY) != 0) {
                  answer(0, report(2));
                  damage.run();
                }
              }))
          .isInstanceOf(MpilockException.class)
          .hasMessageContaining("damaged");
      assertThat(job.word(Layout.QUERY_LOCK)).isZero();
    }
  }
}
