package io.mpilock.protocol.job;

import static io.mpilock.protocol.job.Permission.EXCLUSIVE;
import static io.mpilock.protocol.job.Permission.SHARED;
import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.protocol.job.SimulatedGate.State;
import io.mpilock.protocol.job.SimulatedGate.Visit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a lock costs in messages, and how long a node can keep another waiting. */
class JobTest {
  private static final int HOME = 0;

  private final Deque<Runnable> inFlight = new ArrayDeque<>();
  private final List<String> sent = new ArrayList<>();
  private final List<SimulatedGate> gates = new ArrayList<>();
  private final List<Tenant> tenants = new ArrayList<>();
  private final Home home = new Home(new ToTenants(), false);

  JobTest() {
    for (int node = 0; node < 4; node++) {
      SimulatedGate gate = new SimulatedGate(false, true, visit -> {}, () -> {});
      gates.add(gate);
      tenants.add(new Tenant(gate, new ToHome(node)));
    }
  }

  private void send(int from, int to, String what, Runnable arrives) {
    sent.add(from + ">" + to + " " + what);
    inFlight.add(arrives);
  }

  private final class ToTenants implements Home.Outbox {
    @Override
    public void grant(int node, Permission permission, long token) {
      send(HOME, node, "grant", () -> tenants.get(node).granted(permission, token));
    }

    @Override
    public void recall(int node, Permission limit, boolean tried) {
      send(HOME, node, "recall", () -> tenants.get(node).recalled(limit, tried));
    }

    @Override
    public void refuse(int node) {
      send(HOME, node, "refuse", () -> tenants.get(node).refused());
    }

    @Override
    public void poison(int node, int rank) {
      send(HOME, node, "poison", () -> tenants.get(node).poisoned(rank));
    }
  }

  private final class ToHome implements Tenant.Outbox {
    private final int node;

    ToHome(int node) {
      this.node = node;
    }

    @Override
    public void request(Permission wanted, boolean tried) {
      send(node, HOME, "request", () -> home.request(node, wanted, tried));
    }

    @Override
    public void cancel() {
      send(node, HOME, "cancel", () -> home.cancel(node));
    }

    @Override
    public void yielded(Permission kept, long token, int deadWriter) {
      send(node, HOME, "yield", () -> home.yielded(node, kept, token, deadWriter));
    }

    @Override
    public void busy() {
      send(node, HOME, "busy", () -> home.busy(node));
    }
  }

  private Visit arrives(int node, Permission mode, boolean tries) {
    Visit visit = new Visit(node, mode, tries);
    gates.get(node).arrive(visit);
    tenants.get(node).look();
    return visit;
  }

  private void leaves(int node, Visit visit) {
    gates.get(node).leave(visit);
    tenants.get(node).look();
  }

  private void deliverAll() {
    while (!inFlight.isEmpty()) {
      inFlight.remove().run();
    }
  }

  private Visit enters(int node, Permission mode) {
    Visit visit = arrives(node, mode, false);
    deliverAll();
    assertThat(visit.state).isEqualTo(State.IN);
    return visit;
  }

  private void uses(int node, Permission mode) {
    leaves(node, enters(node, mode));
    deliverAll();
  }

  private void assertSent(String... messages) {
    assertThat(sent).containsExactly(messages);
    sent.clear();
  }

  @Test
  void theFirstUseCostsARequestAndAGrant() {
    uses(1, EXCLUSIVE);
    assertSent("1>0 request", "0>1 grant");
  }

  @Test
  void whatTheNodeHasCostsNothing() {
    uses(1, EXCLUSIVE);
    sent.clear();
    uses(1, EXCLUSIVE);
    uses(1, SHARED);
    uses(1, EXCLUSIVE);
    assertSent();
  }

  @Test
  void aConflictCostsARecallAndAYieldMore() {
    uses(1, EXCLUSIVE);
    sent.clear();
    uses(2, EXCLUSIVE);
    assertSent("2>0 request", "0>1 recall", "1>0 yield", "0>2 grant");
  }

  @Test
  void aConflictWithTheHomeNodeIsTwoMessagesBetweenNodes() {
    uses(HOME, EXCLUSIVE);
    sent.clear();
    uses(2, EXCLUSIVE);
    assertSent("2>0 request", "0>0 recall", "0>0 yield", "0>2 grant");
    uses(HOME, EXCLUSIVE);
    assertSent("0>0 request", "0>2 recall", "2>0 yield", "0>0 grant");
  }

  @Test
  void readersOnAllNodesGetOnWithoutMessages() {
    for (int node = 0; node < 4; node++) {
      uses(node, SHARED);
    }
    sent.clear();
    for (int node = 0; node < 4; node++) {
      uses(node, SHARED);
    }
    assertSent();
  }

  @Test
  void anUpgradeCostsARequestAndAGrant() {
    uses(1, SHARED);
    sent.clear();
    uses(1, EXCLUSIVE);
    assertSent("1>0 request", "0>1 grant");
  }

  @Test
  void aReadAfterAWriteElsewhereLeavesBothReading() {
    uses(1, EXCLUSIVE);
    sent.clear();
    uses(2, SHARED);
    assertSent("2>0 request", "0>1 recall", "1>0 yield", "0>2 grant");
    uses(1, SHARED);
    uses(2, SHARED);
    assertSent();
  }

  @Test
  void aTryThatMeetsAHolderElsewhereCostsSixMessages() {
    Visit writer = enters(1, EXCLUSIVE);
    sent.clear();
    Visit tries = arrives(2, EXCLUSIVE, true);
    deliverAll();
    assertThat(tries.state).isEqualTo(State.REFUSED);
    assertSent("2>0 request", "0>1 recall", "1>0 busy", "0>2 refuse", "2>0 cancel", "0>1 recall");
    leaves(1, writer);
    uses(1, EXCLUSIVE);
    assertSent();
  }

  /** Ranks that come again as soon as they left, so that the node is never idle. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void aNodeThatWritesInALoopKeepsAnotherWaitingForOneHold(int ranks) {
    List<Visit> loop = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      loop.add(arrives(1, EXCLUSIVE, false));
    }
    deliverAll();
    for (Permission mode : List.of(EXCLUSIVE, SHARED, EXCLUSIVE)) {
      Visit other = arrives(2, mode, false);
      deliverAll();
      assertThat(other.state).isEqualTo(State.WAITS);
      comeAgain(loop);
      assertThat(other.state).as("after one hold").isEqualTo(State.IN);
      assertThat(loop).allMatch(visit -> visit.state == State.WAITS);
      leaves(2, other);
      deliverAll();
      assertThat(loop).as("its turn again").anyMatch(visit -> visit.state == State.IN);
    }
  }

  @Test
  void nodesThatWriteInALoopTakeTurns() {
    List<List<Visit>> loops = new ArrayList<>();
    for (int node = 0; node < 4; node++) {
      loops.add(new ArrayList<>(List.of(arrives(node, EXCLUSIVE, false))));
    }
    deliverAll();
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
    List<Visit> loop = new ArrayList<>(List.of(enters(1, SHARED), enters(1, SHARED)));
    Visit writer = arrives(2, EXCLUSIVE, false);
    deliverAll();
    for (Visit reader : List.copyOf(loop)) {
      assertThat(writer.state).isEqualTo(State.WAITS);
      leaves(1, reader);
      arrives(1, SHARED, false);
      deliverAll();
    }
    assertThat(writer.state).isEqualTo(State.IN);
  }

  /** Whoever is in leaves and is back before any message is under way. */
  private void comeAgain(List<Visit> loop) {
    Visit in = loop.stream().filter(visit -> visit.state == State.IN).findFirst().orElseThrow();
    SimulatedGate gate = gates.get(in.rank);
    gate.leave(in);
    loop.remove(in);
    Visit again = new Visit(in.rank, in.mode, false);
    loop.add(again);
    gate.arrive(again);
    tenants.get(in.rank).look();
    deliverAll();
  }
}
