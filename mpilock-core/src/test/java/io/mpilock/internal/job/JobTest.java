/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.SHARED;
import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.job.SimulatedGate.State;
import io.mpilock.internal.job.SimulatedGate.Visit;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a lock costs in messages, and how long a node can keep another waiting. */
class JobTest {
  private static final int HOME = CountedJob.HOME;

  private final CountedJob job = new CountedJob(4);

  private void assertSent(String... messages) {
    assertThat(job.takeSent()).containsExactly(messages);
  }

  @Test
  void theFirstUseCostsARequestAndAGrant() {
    job.uses(1, EXCLUSIVE);
    assertSent("1>0 request", "0>1 grant");
  }

  @Test
  void whatTheNodeHasCostsNothing() {
    job.uses(1, EXCLUSIVE);
    job.forget();
    job.uses(1, EXCLUSIVE);
    job.uses(1, SHARED);
    job.uses(1, EXCLUSIVE);
    assertSent();
  }

  @Test
  void aConflictCostsARecallAndAYieldMore() {
    job.uses(1, EXCLUSIVE);
    job.forget();
    job.uses(2, EXCLUSIVE);
    assertSent("2>0 request", "0>1 recall", "1>0 yield", "0>2 grant");
  }

  @Test
  void aConflictWithTheHomeNodeIsTwoMessagesBetweenNodes() {
    job.uses(HOME, EXCLUSIVE);
    job.forget();
    job.uses(2, EXCLUSIVE);
    assertSent("2>0 request", "0>0 recall", "0>0 yield", "0>2 grant");
    job.uses(HOME, EXCLUSIVE);
    assertSent("0>0 request", "0>2 recall", "2>0 yield", "0>0 grant");
  }

  @Test
  void readersOnAllNodesGetOnWithoutMessages() {
    for (int node = 0; node < 4; node++) {
      job.uses(node, SHARED);
    }
    job.forget();
    for (int node = 0; node < 4; node++) {
      job.uses(node, SHARED);
    }
    assertSent();
  }

  @Test
  void anUpgradeCostsARequestAndAGrant() {
    job.uses(1, SHARED);
    job.forget();
    job.uses(1, EXCLUSIVE);
    assertSent("1>0 request", "0>1 grant");
  }

  @Test
  void aReadAfterAWriteElsewhereLeavesBothReading() {
    job.uses(1, EXCLUSIVE);
    job.forget();
    job.uses(2, SHARED);
    assertSent("2>0 request", "0>1 recall", "1>0 yield", "0>2 grant");
    job.uses(1, SHARED);
    job.uses(2, SHARED);
    assertSent();
  }

  @Test
  void aTryThatMeetsAHolderElsewhereCostsSevenMessages() {
    Visit writer = job.enters(1, EXCLUSIVE);
    job.forget();
    Visit tries = job.arrives(2, EXCLUSIVE, true);
    job.deliverAll();
    assertThat(tries.state).isEqualTo(State.REFUSED);
    assertSent(
        "2>0 request",
        "0>1 recall",
        "0>1 settle",
        "1>0 settled",
        "0>2 refuse",
        "2>0 cancel",
        "0>1 recall");
    job.leaves(1, writer);
    job.uses(1, EXCLUSIVE);
    assertSent();
  }

  /** Ranks that come again as soon as they left, so that the node is never idle. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void aNodeThatWritesInALoopKeepsAnotherWaitingForOneHold(int ranks) {
    List<Visit> loop = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      loop.add(job.arrives(1, EXCLUSIVE, false));
    }
    job.deliverAll();
    for (Permission mode : List.of(EXCLUSIVE, SHARED, EXCLUSIVE)) {
      Visit other = job.arrives(2, mode, false);
      job.deliverAll();
      assertThat(other.state).isEqualTo(State.WAITS);
      comeAgain(loop);
      assertThat(other.state).as("after one hold").isEqualTo(State.IN);
      assertThat(loop).allMatch(visit -> visit.state == State.WAITS);
      job.leaves(2, other);
      job.deliverAll();
      assertThat(loop).as("its turn again").anyMatch(visit -> visit.state == State.IN);
    }
  }

  @Test
  void nodesThatWriteInALoopTakeTurns() {
    List<List<Visit>> loops = new ArrayList<>();
    for (int node = 0; node < 4; node++) {
      loops.add(new ArrayList<>(List.of(job.arrives(node, EXCLUSIVE, false))));
    }
    job.deliverAll();
    List<Integer> order = new ArrayList<>();
    for (int hold = 0; hold < 12; hold++) {
      for (int node = 0; node < 4; node++) {
        if (loops.get(node).getFirst().state == State.IN) {
          order.add(node);
          comeAgain(loops.get(node));
          break;
        }
      }
    }
    assertThat(order).containsExactly(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
  }

  @Test
  void readersInALoopDoNotKeepAWriterWaiting() {
    List<Visit> loop = new ArrayList<>(List.of(job.enters(1, SHARED), job.enters(1, SHARED)));
    Visit writer = job.arrives(2, EXCLUSIVE, false);
    job.deliverAll();
    for (Visit reader : List.copyOf(loop)) {
      assertThat(writer.state).isEqualTo(State.WAITS);
      job.leaves(1, reader);
      job.arrives(1, SHARED, false);
      job.deliverAll();
    }
    assertThat(writer.state).isEqualTo(State.IN);
  }

  /** Whoever is in leaves and is back before any message is under way. */
  private void comeAgain(List<Visit> loop) {
    Visit in = loop.stream().filter(visit -> visit.state == State.IN).findFirst().orElseThrow();
    SimulatedGate gate = job.gate(in.rank);
    gate.leave(in);
    loop.remove(in);
    Visit again = new Visit(in.rank, in.mode, false);
    loop.add(again);
    gate.arrive(again);
    job.look(in.rank);
    job.deliverAll();
  }
}
