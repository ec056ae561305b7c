package io.mpilock.protocol.job;

import static io.mpilock.protocol.job.CountedJob.HOME;
import static io.mpilock.protocol.job.Permission.EXCLUSIVE;
import static io.mpilock.protocol.job.Permission.SHARED;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.params.ParameterizedTest;
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

  /** The root, its nodes' messages to it and its own to them. */
  private static final class Calls implements Root.Outbox {
    private final int nodes;
    private final Root root;
    private final Deque<Runnable> inFlight = new ArrayDeque<>();
    private int between;
    private int decided;

    Calls(int nodes) {
      this.nodes = nodes;
      this.root = new Root(this, nodes);
    }

    void toRoot(int node, Runnable arrives) {
      between += node == HOME ? 0 : 1;
      inFlight.add(arrives);
    }

    private void toAll() {
      between += nodes - 1;
    }

    void deliverAll() {
      while (!inFlight.isEmpty()) {
        inFlight.remove().run();
      }
    }

    @Override
    public void ask(long call) {
      toAll();
      for (int node = 0; node < nodes; node++) {
        int from = node;
        toRoot(from, () -> root.summary(from, new Message.Summary(call, "n" + from)));
      }
    }

    @Override
    public void decide(long call, int code, int rank, String text) {
      toAll();
      decided = code;
    }

    @Override
    public void closing(long call, int rank) {
      toAll();
    }

    @Override
    public void allThrough() {
      toAll();
    }

    void arrives(int node, long call, int writer) {
      toRoot(
          node,
          () -> root.arrived(node, new Message.Arrived(call, Verdict.SINGLE_WRITE, writer, "r")));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 16, 256})
  void aCollectiveCallIsOneMessageToTheRootAndOneFromItForEachOtherNode(int nodes) {
    Calls calls = new Calls(nodes);
    for (long call = 1; call <= 3; call++) {
      calls.between = 0;
      for (int node = 0; node < nodes; node++) {
        calls.arrives(node, call, 7);
      }
      calls.deliverAll();
      assertThat(calls.decided).isEqualTo(Verdict.GO);
      assertThat(calls.between).isEqualTo(2 * (nodes - 1));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 16, 256})
  void oneThatFailsCostsAQuestionAndAnAnswerMore(int nodes) {
    Calls calls = new Calls(nodes);
    for (int node = 0; node < nodes; node++) {
      calls.arrives(node, 1, node == nodes - 1 ? 1 : 0);
    }
    calls.deliverAll();
    assertThat(calls.decided).isEqualTo(Verdict.DIFFER);
    assertThat(calls.between).isEqualTo(4 * (nodes - 1));
  }
}
