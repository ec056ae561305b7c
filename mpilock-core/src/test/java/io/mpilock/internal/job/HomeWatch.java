/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.Permission.EXCLUSIVE;
import static io.mpilock.internal.job.Permission.SHARED;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Keeps its own record of who asked a home, and checks the order of the grants:
 *
 * <ol>
 *   <li>Writers are granted in the order of their requests.
 *   <li>No node is granted a read while one waits to write, unless it is phase-fair and the reader
 *       waited when the last write permission came back.
 *   <li>While a node waits to write, each other node is granted at most one write: what it asked
 *       for before.
 *   <li>Phase-fair: while a node waits to read, all others together are granted at most one write.
 * </ol>
 */
final class HomeWatch {
  private final boolean phaseFair;
  private final List<Integer> writers = new ArrayList<>();
  private final List<Integer> readers = new ArrayList<>();
  private final Set<Integer> batch = new HashSet<>();

  /** For each node that waits to write: who was granted a write since. */
  private final Map<Integer, Set<Integer>> overtakers = new HashMap<>();

  /** Nodes that wait to read, and were overtaken by a write. */
  private final Set<Integer> overtaken = new HashSet<>();

  HomeWatch(boolean phaseFair) {
    this.phaseFair = phaseFair;
  }

  /** A request that the home is about to see. */
  void requests(int node, Permission wanted, Permission onRecord) {
    List<Integer> queue = wanted == EXCLUSIVE ? writers : readers;
    if (!onRecord.isBelow(wanted)) {
      leaves(node);
    } else if (!queue.contains(node)) {
      leaves(node);
      queue.add(node);
    }
  }

  /** A node that does not wait any more. */
  void leaves(int node) {
    writers.removeIf(other -> other == node);
    readers.removeIf(other -> other == node);
    batch.remove(node);
    overtakers.remove(node);
    overtaken.remove(node);
  }

  /** A yield that the home is about to see. */
  void yields(Permission kept, Permission onRecord) {
    if (phaseFair && onRecord == EXCLUSIVE && kept.isBelow(EXCLUSIVE)) {
      batch.addAll(readers);
    }
  }

  void poisoned() {
    writers.clear();
    readers.clear();
    batch.clear();
    overtakers.clear();
    overtaken.clear();
  }

  /** A grant that the home sends. */
  void grants(int node, Permission permission) {
    if (permission == SHARED) {
      that(readers.contains(node), "node " + node + " is let read, and did not ask");
      that(
          writers.isEmpty() || batch.contains(node),
          "node " + node + " reads before writers that wait");
    } else {
      that(
          !writers.isEmpty() && writers.getFirst() == node,
          "node " + node + " writes, and is not the first to have asked");
      that(batch.isEmpty(), "node " + node + " writes before readers whose turn it is");
    }
    leaves(node);
    if (permission == EXCLUSIVE) {
      for (int waiting : writers) {
        that(
            overtakers.computeIfAbsent(waiting, key -> new HashSet<>()).add(node),
            "node " + waiting + " waits to write, and node " + node + " overtakes it again");
      }
      if (phaseFair) {
        for (int waiting : readers) {
          that(overtaken.add(waiting), "node " + waiting + " waits to read through two writes");
        }
      }
    }
  }

  private void that(boolean good, String wrong) {
    if (!good) {
      throw new AssertionError(
          wrong
              + ": to write wait "
              + writers
              + ", to read "
              + readers
              + ", whose turn it is "
              + batch);
    }
  }

  /** Nobody waits, and the home knows. */
  boolean isIdle() {
    return writers.isEmpty() && readers.isEmpty();
  }

  boolean isQueued(int node) {
    return writers.contains(node) || readers.contains(node);
  }

  /** Whether a node other than this one is to write next. */
  boolean isInTheWay(int node) {
    return batch.isEmpty() && !writers.isEmpty() && writers.getFirst() != node;
  }
}
