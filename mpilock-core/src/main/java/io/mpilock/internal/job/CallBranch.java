/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A node's part in carrying the messages of the collective calls along a {@link Tree} of the nodes,
 * with the {@link CallRoot} at its top. So a call that all ranks make alike costs no node more than
 * a message from each of its children and one to each, however many nodes there are.
 *
 * <p>Up the tree goes Arrived alone. All else that a node tells the root goes to it directly:
 * nobody in between can delay the news of a failure. What the root tells all goes down the tree.
 *
 * <h2>Invariants</h2>
 *
 * <ol>
 *   <li>A node that says Arrived says it of each rank of its subtree, once for a call: its own
 *       ranks have made the call, and each of its children has said so. Hence what is told at the
 *       top is told of all ranks.
 *   <li>A difference is kept on the way up: an Arrived of {@link Verdict#DIFFERENT} stays one.
 *   <li>What the root says reaches each node in the order in which the root said it, since each
 *       pair of nodes keeps the order and a node passes on at once what it gets: it waits neither
 *       for its ranks nor for its children.
 *   <li>What is gathered belongs to the call behind the last that was decided as far as this node
 *       has heard. A child cannot have heard more, since it hears through this node; what it says
 *       of an earlier call has crossed that call's decision, and is dropped.
 * </ol>
 */
public final class CallBranch {

  /** Where a node's messages go, and what it does for its own ranks. */
  public interface Outbox {
    /**
     * Sends a message.
     *
     * @param to a node; or this one, which gets it later, by {@link #receive}
     * @param message what it is told
     */
    void send(int to, Message.OfCall message);

    /**
     * The root has said something to this node's ranks.
     *
     * @param message what
     */
    void obey(Message.ToAll message);
  }

  private final Tree tree;
  private final int me;
  private final Outbox outbox;
  private final int[] children;
  private final @Nullable CallRoot root;

  /** What is said of the next call, by this node and its children. */
  private final Map<Integer, Message.Arrived> arrived = new HashMap<>();

  private long next = 1;

  /**
   * Makes a node's part.
   *
   * @param tree the same on all nodes
   * @param me the node
   * @param outbox where its messages go
   */
  public CallBranch(Tree tree, int me, Outbox outbox) {
    this.tree = tree;
    this.me = me;
    this.outbox = outbox;
    this.children = tree.children(me);
    this.root =
        me == tree.top() ? new CallRoot(message -> outbox.send(me, message), tree.nodes()) : null;
  }

  /**
   * This node's ranks have done something that the others must know of.
   *
   * @param message an Arrived, Fail, Closing, Summary or Through
   */
  public void report(Message.OfCall message) {
    if (message instanceof Message.Arrived own) {
      gather(me, own);
    } else if (root == null) {
      outbox.send(tree.top(), message);
    } else {
      tellRoot(root, me, message);
    }
  }

  /**
   * A message has come.
   *
   * @param from the node that sent it; this one, if {@link Outbox#send} was told so
   * @param message what it says
   * @throws IllegalArgumentException if that node has no say in this; then nothing has changed
   */
  public void receive(int from, Message.OfCall message) {
    switch (message) {
      case Message.Arrived m -> {
        if (!tree.isChild(from, me)) {
          throw new IllegalArgumentException("node " + from + " is no child of node " + me);
        }
        gather(from, m);
      }
      case Message.Fail _, Message.Summary _, Message.Through _ -> tellRoot(root(), from, message);
      case Message.Closing m -> {
        if (root != null && from != me) {
          tellRoot(root, from, m);
        } else {
          passOn(from, m);
        }
      }
      case Message.Ask m -> passOn(from, m);
      case Message.AllThrough m -> passOn(from, m);
      case Message.Decide m -> {
        if (m.call() != next) {
          throw new IllegalArgumentException(
              "call " + m.call() + " is decided in place of call " + next);
        }
        passOn(from, m);
      }
    }
  }

  private static void tellRoot(CallRoot root, int from, Message.OfCall message) {
    switch (message) {
      case Message.Fail m -> root.failed(m);
      case Message.Closing m -> root.closing(m);
      case Message.Summary m -> root.summary(from, m);
      case Message.Through m -> root.through(from, m.all());
      default -> throw new IllegalArgumentException("the root is told " + message);
    }
  }

  private CallRoot root() {
    if (root == null) {
      throw new IllegalArgumentException("the root is on node " + tree.top());
    }
    return root;
  }

  private void gather(int from, Message.Arrived report) {
    if (report.call() != next || arrived.putIfAbsent(from, report) != null) {
      return;
    }
    if (arrived.size() == 1 + children.length) {
      Message.Arrived all = report;
      for (Message.Arrived each : arrived.values()) {
        all = all.and(each);
      }
      if (root == null) {
        outbox.send(tree.parent(me), all);
      } else {
        root.arrived(all);
      }
    }
  }

  private void passOn(int from, Message.ToAll message) {
    if (from != tree.parent(me)) {
      throw new IllegalArgumentException("node " + from + " does not speak for the root here");
    }
    if (message instanceof Message.Decide) {
      next++;
      arrived.clear();
    }
    for (int child : children) {
      outbox.send(child, message);
    }
    outbox.obey(message);
  }
}
