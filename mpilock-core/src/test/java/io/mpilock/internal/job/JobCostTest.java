/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.CountedJob.HOME;
import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.SHARED;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What an operation costs in messages between nodes, as a formula in the number of nodes; the table
 * is in docs/architecture.md, "What it costs in ranks and nodes". How many ranks a node has does
 * not matter to any of them: 256 nodes of 40 ranks are a job of 10,240.
 */
class JobCostTest {

  private static void assertCost(CountedJob job, int messages, int atHome, int oneAfterTheOther) {
    assertThat(job.between()).as("messages").isEqualTo(messages);
    assertThat(job.handledAtHome()).as("messages to the home").isEqualTo(atHome);
    assertThat(job.deepest()).as("one after the other").isEqualTo(oneAfterTheOther);
    job.forget();
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 16, 256})
  void aFirstUseIsOneRoundTripAndTheNextOnesAreFree(int nodes) {
    for (Permission mode : new Permission[] {SHARED, EXCLUSIVE}) {
      CountedJob job = new CountedJob(nodes);
      job.uses(nodes - 1, mode);
      assertCost(job, 2, 1, 2);
      job.uses(nodes - 1, mode);
      assertCost(job, 0, 0, 0);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 16, 256})
  void aConflictIsTwoRoundTripsHoweverManyNodesThereAre(int nodes) {
    CountedJob job = new CountedJob(nodes);
    job.uses(1, EXCLUSIVE);
    job.forget();
    job.uses(nodes - 1, EXCLUSIVE);
    assertCost(job, 4, 2, 4);
    job.uses(HOME, EXCLUSIVE);
    assertCost(job, 2, 1, 2);
    job.uses(1, EXCLUSIVE);
    assertCost(job, 2, 1, 2);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 16, 256})
  void aWriteAfterReadsOnAllNodesAsksEachOfThemAtOnce(int nodes) {
    CountedJob job = new CountedJob(nodes);
    for (int node = 0; node < nodes; node++) {
      job.uses(node, SHARED);
    }
    assertCost(job, 2 * (nodes - 1), nodes - 1, 2);
    for (int node = 0; node < nodes; node++) {
      job.uses(node, SHARED);
    }
    assertCost(job, 0, 0, 0);
    int others = nodes - 2; // neither the home nor the one that asks
    job.uses(nodes - 1, EXCLUSIVE);
    assertCost(job, 2 + 2 * others, 1 + others, others == 0 ? 2 : 4);
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 16, 256})
  void writersOnAllNodesInTurnCostFourMessagesEach(int nodes) {
    CountedJob job = new CountedJob(nodes);
    job.uses(nodes - 1, EXCLUSIVE);
    job.forget();
    int rounds = 3;
    for (int round = 0; round < rounds; round++) {
      for (int node = 0; node < nodes; node++) {
        job.uses(node, EXCLUSIVE);
      }
    }
    // To the home's node and away from it: two of the four are inside the node.
    assertThat(job.between()).isEqualTo(rounds * (4 * (nodes - 2) + 2 + 2));
  }

  private static void allWrite(CountedCalls calls, int nodes, long call, int odd) {
    for (int node = 0; node < nodes; node++) {
      calls.report(node, new Message.Arrived(call, Verdict.SINGLE_WRITE, node == odd ? 1 : 0, "r"));
    }
    calls.deliverAll();
    for (int node = 0; node < nodes; node++) {
      assertThat(calls.obeyed(node).getLast())
          .isInstanceOfSatisfying(
              Message.Decide.class,
              decision -> {
                assertThat(decision.call()).isEqualTo(call);
                assertThat(decision.code()).isEqualTo(odd < 0 ? Verdict.GO : Verdict.DIFFER);
              });
    }
  }

  /** How many steps the farthest node is from the root. */
  private static int height(int nodes, int arity) {
    int height = 0;
    long reached = 1;
    for (long level = 1; reached < nodes; reached += level) {
      level *= arity;
      height++;
    }
    return height;
  }

  @ParameterizedTest
  @CsvSource({"2, 8", "3, 8", "9, 8", "10, 8", "16, 8", "73, 8", "74, 8", "256, 8", "256, 2"})
  void aCollectiveCallIsAReportAndADecisionForEachOtherNodeAndNoNodeHandlesMoreThanItsShare(
      int nodes, int arity) {
    for (int top : new int[] {0, nodes - 1}) {
      CountedCalls calls = new CountedCalls(new Tree(nodes, top, arity));
      for (long call = 1; call <= 3; call++) {
        allWrite(calls, nodes, call, -1);
        assertThat(calls.between()).isEqualTo(2 * (nodes - 1));
        assertThat(calls.deepest()).isEqualTo(2 * height(nodes, arity));
        assertThat(calls.handledBy(top)).isEqualTo(Math.min(arity, nodes - 1));
        assertThat(calls.mostHandled()).isLessThanOrEqualTo(arity + 1);
        assertThat(calls.mostSent()).isLessThanOrEqualTo(arity + 1);
        calls.forget();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 16, 256})
  void oneThatFailsCostsAQuestionAndAnAnswerMoreWhichTheRootHandles(int nodes) {
    CountedCalls calls = new CountedCalls(new Tree(nodes, HOME, 8));
    calls.ranks((node, message) -> {
      if (message instanceof Message.Ask ask) {
        calls.report(node, new Message.Summary(ask.call(), "n" + node));
      }
    });
    allWrite(calls, nodes, 1, nodes - 1);
    assertThat(calls.between()).isEqualTo(4 * (nodes - 1));
    assertThat(calls.handledBy(HOME)).isEqualTo(Math.min(8, nodes - 1) + nodes - 1);
    assertThat(calls.deepest()).isEqualTo(3 * height(nodes, 8) + 1);
    assertThat(calls.mostSent()).as("none sends to all").isLessThanOrEqualTo(2 * 8 + 2);
  }
}
