/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;

/**
 * The collective calls of a job, with the real {@link CallBranch} of each node and the real {@link
 * CallRoot}. Messages wait until they are delivered, in any order but for those of a pair of nodes;
 * and are counted. What the ranks of a node do is the test's.
 */
final class CountedCalls {

  /** A message on its way: the how many-th of a chain, each of which needs the one before. */
  private record Sent(int from, int to, Message.OfCall message, int depth) {}

  private final List<CallBranch> branches = new ArrayList<>();
  private final List<Deque<Sent>> links = new ArrayList<>();
  private final List<Deque<Sent>> waiting = new ArrayList<>();
  private final List<List<Message.ToAll>> obeyed = new ArrayList<>();
  private final int[] sentBy;
  private final int[] handledBy;
  private BiConsumer<Integer, Message.ToAll> ranks = (node, message) -> {};

  /** For each node how long the longest chain of messages is of which it has heard. */
  private final int[] depth;

  CountedCalls(Tree tree) {
    int nodes = tree.nodes();
    sentBy = new int[nodes];
    handledBy = new int[nodes];
    depth = new int[nodes];
    for (int link = 0; link < nodes * nodes; link++) {
      links.add(new ArrayDeque<>());
    }
    for (int node = 0; node < nodes; node++) {
      obeyed.add(new ArrayList<>());
      branches.add(new CallBranch(tree, node, new Post(node)));
    }
  }

  private final class Post implements CallBranch.Outbox {
    private final int node;

    Post(int node) {
      this.node = node;
    }

    @Override
    public void send(int to, Message.OfCall message) {
      int hop = to == node ? 0 : 1;
      sentBy[node] += hop;
      Deque<Sent> link = links.get(node * branches.size() + to);
      if (link.isEmpty()) {
        waiting.add(link);
      }
      link.add(new Sent(node, to, message, depth[node] + hop));
    }

    @Override
    public void obey(Message.ToAll message) {
      obeyed.get(node).add(message);
      ranks.accept(node, message);
    }
  }

  /** What the ranks of a node do when the root tells them something. */
  void ranks(BiConsumer<Integer, Message.ToAll> behaviour) {
    ranks = behaviour;
  }

  void report(int node, Message.OfCall message) {
    branches.get(node).report(message);
  }

  /** A frame that no real node sends. */
  void plant(int from, int to, Message.OfCall message) {
    branches.get(to).receive(from, message);
  }

  /** Delivers one of the messages; false if there is none. */
  boolean deliverOne(Random random) {
    if (waiting.isEmpty()) {
      return false;
    }
    int chosen = random.nextInt(waiting.size());
    Deque<Sent> link = waiting.get(chosen);
    Sent next = link.remove();
    if (link.isEmpty()) {
      waiting.remove(chosen);
    }
    handledBy[next.to] += next.from == next.to ? 0 : 1;
    depth[next.to] = Math.max(depth[next.to], next.depth);
    branches.get(next.to).receive(next.from, next.message);
    return true;
  }

  void deliverAll() {
    Random random = new Random(1);
    while (deliverOne(random)) {
      // until none is left
    }
  }

  /** All that the root has told a node, in order. */
  List<Message.ToAll> obeyed(int node) {
    return obeyed.get(node);
  }

  void forget() {
    Arrays.fill(sentBy, 0);
    Arrays.fill(handledBy, 0);
    Arrays.fill(depth, 0);
  }

  /** Messages from a node to another. */
  int between() {
    return Arrays.stream(sentBy).sum();
  }

  /** The most that a node sent. */
  int mostSent() {
    return Arrays.stream(sentBy).max().orElseThrow();
  }

  /** The most that came to a node. */
  int mostHandled() {
    return Arrays.stream(handledBy).max().orElseThrow();
  }

  int handledBy(int node) {
    return handledBy[node];
  }

  /** How many messages were on the way one after the other, at most. */
  int deepest() {
    return Arrays.stream(depth).max().orElseThrow();
  }
}
