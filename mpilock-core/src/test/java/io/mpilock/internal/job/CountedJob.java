/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.job.SimulatedGate.State;
import io.mpilock.internal.job.SimulatedGate.Visit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** One resource of a job, with the real state machines, whose messages are counted. */
final class CountedJob {
  static final int HOME = 0;

  /** A message on its way: the how many-th of a chain, each of which answers the one before. */
  private record Message(int depth, Runnable arrives) {}

  private final Deque<Message> inFlight = new ArrayDeque<>();
  private final List<String> sent = new ArrayList<>();
  private final List<SimulatedGate> gates = new ArrayList<>();
  private final List<PermissionHolder> holders = new ArrayList<>();
  private final PermissionServer home = new PermissionServer(new ToHolders(), false, 0);
  private int between;
  private int handledAtHome;
  private int depth;
  private int deepest;

  CountedJob(int nodes) {
    for (int node = 0; node < nodes; node++) {
      SimulatedGate gate = new SimulatedGate(false, true, visit -> {}, () -> {});
      gates.add(gate);
      holders.add(new PermissionHolder(gate, new ToHome(node)));
    }
  }

  private void send(int from, int to, String what, Runnable arrives) {
    sent.add(from + ">" + to + " " + what);
    int link = from == to ? 0 : 1;
    between += link;
    handledAtHome += to == HOME ? link : 0;
    inFlight.add(new Message(depth + link, arrives));
  }

  private final class ToHolders implements PermissionServer.Outbox {
    @Override
    public void grant(int node, Permission permission, long token, long value) {
      send(HOME, node, "grant", () -> holders.get(node).granted(permission, token, value));
    }

    @Override
    public void recall(int node, Permission limit) {
      send(HOME, node, "recall", () -> holders.get(node).recalled(limit));
    }

    @Override
    public void settle(int node) {
      send(HOME, node, "settle", () -> holders.get(node).settle());
    }

    @Override
    public void refuse(int node, long tries) {
      send(HOME, node, "refuse", () -> holders.get(node).refused(tries));
    }

    @Override
    public void poison(int node, int rank) {
      send(HOME, node, "poison", () -> holders.get(node).poisoned(rank));
    }

    @Override
    public void confirm(int node, int rank) {
      send(HOME, node, "confirm", () -> holders.get(node).clear(rank));
    }

    @Override
    public void cleared(int node) {
      send(HOME, node, "cleared", () -> holders.get(node).cleared());
    }

    @Override
    public void retired(int node) {
      send(HOME, node, "retired", () -> holders.get(node).retired());
    }
  }

  private final class ToHome implements PermissionHolder.Outbox {
    private final int node;

    ToHome(int node) {
      this.node = node;
    }

    @Override
    public void request(Permission wanted, long tries) {
      send(node, HOME, "request", () -> home.request(node, wanted, tries));
    }

    @Override
    public void plead(long tries) {
      send(node, HOME, "plead", () -> home.plead(node, tries));
    }

    @Override
    public void cancel() {
      send(node, HOME, "cancel", () -> home.cancel(node));
    }

    @Override
    public void yielded(Permission kept, long token, long value, int deadWriter) {
      send(node, HOME, "yield", () -> home.yielded(node, kept, token, value, deadWriter));
    }

    @Override
    public void settled() {
      send(node, HOME, "settled", () -> home.settled(node));
    }

    @Override
    public void clear(int rank) {
      send(node, HOME, "clear", () -> home.clear(node, rank));
    }

    @Override
    public void retire(Permission held, long token, long value) {
      send(node, HOME, "retire", () -> home.retire(node, held, token, value));
    }
  }

  Visit arrives(int node, Permission mode, boolean tries) {
    Visit visit = new Visit(node, mode, tries);
    gates.get(node).arrive(visit);
    holders.get(node).look();
    return visit;
  }

  void leaves(int node, Visit visit) {
    gates.get(node).leave(visit);
    holders.get(node).look();
  }

  void deliverAll() {
    while (!inFlight.isEmpty()) {
      Message next = inFlight.remove();
      depth = next.depth();
      deepest = Math.max(deepest, depth);
      next.arrives().run();
      depth = 0;
    }
  }

  Visit enters(int node, Permission mode) {
    Visit visit = arrives(node, mode, false);
    deliverAll();
    assertThat(visit.state).isEqualTo(State.IN);
    return visit;
  }

  void uses(int node, Permission mode) {
    leaves(node, enters(node, mode));
    deliverAll();
  }

  void retires(int node) {
    holders.get(node).retire();
    deliverAll();
    assertThat(holders.get(node).isRetired()).isTrue();
  }

  SimulatedGate gate(int node) {
    return gates.get(node);
  }

  void look(int node) {
    holders.get(node).look();
  }

  /** What was sent since it was last asked, also inside a node. */
  List<String> takeSent() {
    List<String> taken = List.copyOf(sent);
    forget();
    return taken;
  }

  void forget() {
    sent.clear();
    between = 0;
    handledAtHome = 0;
    deepest = 0;
  }

  /** Messages from a node to another. */
  int between() {
    return between;
  }

  /** Those of them that the home receives. */
  int handledAtHome() {
    return handledAtHome;
  }

  /** How many messages were on the way one after the other, at most. */
  int deepest() {
    return deepest;
  }
}
