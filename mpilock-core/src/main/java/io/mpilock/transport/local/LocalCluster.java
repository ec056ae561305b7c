/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.local;

import io.mpilock.transport.Communicator;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * A job whose ranks are threads of this JVM, on as many nodes as you like. Each rank takes its
 * {@link #world(int)} and uses it as a process would. Ranks of different nodes share no window, and
 * know of each other's death only what they find out by their messages.
 *
 * <p>Its network does what a test wants: see {@link #cut}, {@link #stall} and {@link #delay}.
 *
 * @since 0.1.0
 */
public final class LocalCluster {
  private final LocalProcess[] processes;
  private final int nodes;
  private final LocalGroup world;
  private final LocalNetwork network = new LocalNetwork();

  /**
   * Makes a job whose ranks are numbered node by node.
   *
   * @param ranksPerNode the number of ranks on each node, at least 1: {@code 4} is one node of 4
   *     ranks, {@code 2, 2} two nodes of 2
   * @throws IllegalArgumentException if there are no ranks, or none on a node
   */
  public LocalCluster(int... ranksPerNode) {
    this(processes(nodeByNode(ranksPerNode)));
  }

  private LocalCluster(LocalProcess[] processes) {
    this.processes = processes;
    this.world = new LocalGroup(this, processes);
    this.nodes = world.nodes();
  }

  private static LocalProcess[] processes(int[] nodeOfRank) {
    if (nodeOfRank.length < 1) {
      throw new IllegalArgumentException("A job has at least 1 rank.");
    }
    int[] nodes = LocalGroup.number(nodeOfRank);
    return IntStream.range(0, nodes.length)
        .mapToObj(rank -> new LocalProcess(rank, nodes[rank]))
        .toArray(LocalProcess[]::new);
  }

  private static int[] nodeByNode(int[] ranksPerNode) {
    for (int ranks : ranksPerNode) {
      if (ranks < 1) {
        throw new IllegalArgumentException("A node has at least 1 rank, not " + ranks + ".");
      }
    }
    return IntStream.range(0, ranksPerNode.length)
        .flatMap(node -> IntStream.generate(() -> node).limit(ranksPerNode[node]))
        .toArray();
  }

  /**
   * Makes a job whose ranks are on the nodes in any order, as a launcher may map them.
   *
   * @param nodeOfRank for each rank a number of its node: equal ones are on the same node, and the
   *     nodes are numbered anew in the order of their lowest ranks
   * @return the job
   * @throws IllegalArgumentException if there are no ranks
   */
  public static LocalCluster of(int... nodeOfRank) {
    return new LocalCluster(processes(nodeOfRank));
  }

  /**
   * The number of ranks.
   *
   * @return at least 1
   */
  public int size() {
    return processes.length;
  }

  /**
   * The number of nodes.
   *
   * @return at least 1
   */
  public int nodes() {
    return nodes;
  }

  /**
   * Gives a rank its communicator of all ranks.
   *
   * @param rank from 0 to {@link #size()} - 1
   * @return the communicator, for the thread that plays this rank
   * @throws IndexOutOfBoundsException if there is no such rank
   */
  public Communicator world(int rank) {
    return new LocalCommunicator(world, Objects.checkIndex(rank, size()));
  }

  /**
   * Declares a rank dead, as if its process had been killed: it holds what it held, and the others
   * on its node notice. Its threads get an exception at their next access to a window, and their
   * messengers send and receive nothing; where they do something else, they are the caller's to
   * stop.
   *
   * @param rank from 0 to {@link #size()} - 1
   */
  public void kill(int rank) {
    processes[rank].kill();
    world.wakeAll();
  }

  /**
   * Takes a node off the network for ever: frames from it and to it vanish. Nobody is told.
   *
   * @param node from 0 to {@link #nodes()} - 1
   */
  public void cut(int node) {
    network.cut(Objects.checkIndex(node, nodes));
  }

  /**
   * Holds the frames from a node and to it until {@link #resume}, as when a cable is out for a
   * while.
   *
   * @param node from 0 to {@link #nodes()} - 1
   */
  public void stall(int node) {
    network.stall(Objects.checkIndex(node, nodes));
  }

  /**
   * Ends a {@link #stall}: what was held arrives, in order, on the caller's thread.
   *
   * @param node from 0 to {@link #nodes()} - 1
   */
  public void resume(int node) {
    network.resume(Objects.checkIndex(node, nodes));
  }

  /**
   * Delays each frame from now on at random. The order is kept for each pair of ranks.
   *
   * @param seed the choice of delays
   * @param longest the longest delay
   */
  public void delay(long seed, Duration longest) {
    network.delay(seed, longest.toNanos());
  }

  LocalNetwork network() {
    return network;
  }
}
