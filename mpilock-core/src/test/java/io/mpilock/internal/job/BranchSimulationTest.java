/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.Proof;
import io.mpilock.testing.Runs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/**
 * The collective calls of jobs of up to 40 nodes, with trees of every form, in any order of the
 * messages that keeps the one of each pair of nodes: nodes that come late, that call something
 * else, that give up, and that close.
 */
@Proof
class BranchSimulationTest {
  private static final int RUNS = 2000;
  private static final int CALLS = 6;

  @Test
  void everyCallIsDecidedOnceAndAlikeForAll(TestInfo info) {
    Runs.of(info).times(RUNS, (seed, trace) -> new Job(seed).run());
  }

  /** A job in which everything follows from a seed. */
  static final class Job {
    private final Random random;
    private final int nodes;
    private final CountedCalls calls;

    /** The call that a node's ranks are about to make, or have made. */
    private final long[] at;

    private final boolean[] hasCalled;
    private final boolean[] hasFailed;
    private final boolean[] closed;

    /** How each call was decided, when the top heard of it. */
    private final Map<Long, Message.Decide> decisions = new HashMap<>();

    /** For each call that was reported by all ranks of a node: what the nodes called. */
    private final Map<Long, List<Message.Arrived>> called = new HashMap<>();

    /** The calls that some node gave a reason to fail. */
    private final Set<Long> failed = new HashSet<>();

    private final boolean anyoneCloses;
    private final boolean anyoneGivesUp;

    Job(long seed) {
      random = new Random(seed);
      nodes = 1 + random.nextInt(random.nextInt(4) == 0 ? 40 : 8);
      int arity = 1 + random.nextInt(random.nextBoolean() ? 3 : 9);
      calls = new CountedCalls(new Tree(nodes, random.nextInt(nodes), arity));
      at = new long[nodes];
      hasCalled = new boolean[nodes];
      hasFailed = new boolean[nodes];
      closed = new boolean[nodes];
      anyoneCloses = random.nextInt(4) == 0;
      anyoneGivesUp = random.nextBoolean();
      Arrays.fill(at, 1);
      calls.ranks(this::hear);
    }

    private void hear(int node, Message.ToAll message) {
      switch (message) {
        case Message.Ask m -> calls.report(node, new Message.Summary(m.call(), "n" + node));
        case Message.Decide m -> {
          Message.Decide first = decisions.putIfAbsent(m.call(), m);
          assertThat(first == null ? m : first).isEqualTo(m);
          assertThat(m.call()).as("in order, none left out").isEqualTo(at[node]);
          if (m.code() == Verdict.GO) {
            List<Message.Arrived> all = called.getOrDefault(m.call(), List.of());
            assertThat(all).as("all have arrived").hasSize(nodes);
            assertThat(all).allMatch(all.getFirst()::equals);
            assertThat(m.rank()).isEqualTo(all.getFirst().writer());
          }
          at[node]++;
          hasCalled[node] = false;
          hasFailed[node] = false;
          if (closed[node]) {
            close(node);
          }
        }
        case Message.Closing m -> {
          if (m.call() == at[node] && hasCalled[node] && !closed[node]) {
            fail(node, Verdict.LEFT, m.rank());
          }
        }
        case Message.AllThrough _ -> {}
      }
    }

    private void fail(int node, int code, int rank) {
      if (!hasFailed[node]) {
        hasFailed[node] = true;
        failed.add(at[node]);
        calls.report(node, new Message.Fail(at[node], code, rank));
      }
    }

    private void close(int node) {
      failed.add(at[node]);
      calls.report(node, new Message.Closing(at[node], node));
    }

    /** Whether the root has told this node of a close in place of its call. */
    private boolean isClosing(int node) {
      return calls.obeyed(node).stream()
          .anyMatch(
              message -> message instanceof Message.Closing closing && closing.call() == at[node]);
    }

    private void act(int node) {
      if (at[node] > CALLS || closed[node]) {
        return;
      }
      if (hasCalled[node]) {
        if (anyoneGivesUp && random.nextInt(50) == 0) { // too late, perhaps
          fail(node, Verdict.TIMED_OUT, node);
        }
        return;
      }
      hasCalled[node] = true;
      if (anyoneCloses && random.nextInt(20) == 0) {
        closed[node] = true;
        close(node);
      } else if (random.nextInt(8 * nodes) == 0) {
        fail(node, Verdict.REFUSED, node);
      } else {
        int writer = random.nextInt(8 * nodes) == 0 ? 1 : 0;
        Message.Arrived arrived = new Message.Arrived(at[node], Verdict.SINGLE_WRITE, writer, "r");
        called.computeIfAbsent(at[node], call -> new ArrayList<>()).add(arrived);
        calls.report(node, arrived);
        if (isClosing(node)) {
          fail(node, Verdict.LEFT, node);
        }
      }
    }

    private boolean isOver() {
      boolean anyCall = false;
      boolean allClosed = true;
      for (int node = 0; node < nodes; node++) {
        anyCall |= at[node] <= CALLS;
        allClosed &= closed[node] || at[node] > CALLS;
      }
      return !anyCall || allClosed;
    }

    long run() {
      int idle = 0;
      while (!isOver()) {
        act(random.nextInt(nodes));
        int most = random.nextInt(4);
        boolean moved = false;
        for (int i = 0; i < most; i++) {
          moved |= calls.deliverOne(random);
        }
        idle = moved ? 0 : idle + 1;
        if (idle == 10_000) {
          throw new AssertionError(
              "calls that nobody decides: the nodes are at " + Arrays.toString(at));
        }
      }
      calls.deliverAll();
      for (int node = 0; node < nodes; node++) {
        assertThat(calls.obeyed(node))
            .as("what all are told, in the same order")
            .isEqualTo(calls.obeyed(0));
      }
      decisions.forEach((call, decision) -> {
        List<Message.Arrived> all = called.getOrDefault(call, List.of());
        if (decision.code() != Verdict.GO) {
          boolean differ = all.stream().distinct().count() > 1;
          assertThat(failed.contains(call) || differ).as("a reason for %s", decision).isTrue();
          assertThat(decision.text().split("; ")).hasSize(nodes);
        }
      });
      return decisions.size();
    }
  }
}
