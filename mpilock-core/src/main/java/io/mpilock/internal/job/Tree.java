/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import java.util.stream.IntStream;

/**
 * A tree of the nodes of a job, filled level by level. A node's place is its distance from the top,
 * counted upwards and around; the children of place p are at places arity * p + 1 and following.
 *
 * @param nodes how many nodes there are
 * @param top the node that is at the top
 * @param arity how many children a node has at most, 1 or more
 */
public record Tree(int nodes, int top, int arity) {

  private int place(int node) {
    return Math.floorMod(node - top, nodes);
  }

  /**
   * The node above another.
   *
   * @param node a node
   * @return its parent; the top is its own
   */
  public int parent(int node) {
    return (Math.max(place(node) - 1, 0) / arity + top) % nodes;
  }

  /**
   * The nodes below another.
   *
   * @param node a node
   * @return its children, or none
   */
  public int[] children(int node) {
    long first = (long) arity * place(node) + 1;
    return IntStream.range(0, Math.clamp(nodes - first, 0, arity))
        .map(i -> (int) ((first + i + top) % nodes))
        .toArray();
  }

  /**
   * Tells whether a message may come up this way.
   *
   * @param child any number
   * @param node a node
   * @return true if the one is a child of the other
   */
  public boolean isChild(int child, int node) {
    return child != top && child >= 0 && child < nodes && parent(child) == node;
  }
}
