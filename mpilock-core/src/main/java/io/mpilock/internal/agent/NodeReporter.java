/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import io.mpilock.internal.job.NodeReport;
import io.mpilock.internal.node.Holders;
import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.UnaryOperator;

/** Makes a node's report from its window, on any rank of it or in its agent. Takes no lock. */
public final class NodeReporter {
  private final RankContext node;
  private final Directory directory;
  private final UnaryOperator<String> records;

  /**
   * A reporter.
   *
   * @param records tells what is on record for a resource at its home, if that is here; else ""
   */
  public NodeReporter(RankContext node, Directory directory, UnaryOperator<String> records) {
    this.node = node;
    this.directory = directory;
    this.records = records;
  }

  /**
   * Reports one resource, if the node knows it, or all.
   *
   * @param resource its name, or "" for all
   */
  public NodeReport report(String resource) {
    List<NodeReport.Resource> found = new ArrayList<>();
    if (resource.isEmpty()) {
      for (long lockLine : directory.lockLines()) {
        String name = directory.name(lockLine);
        if (name != null) {
          found.add(resource(name, lockLine));
        }
      }
      found.sort(
          Comparator.comparingInt(NodeReporter::idleness).thenComparing(NodeReport.Resource::name));
    } else {
      Long lockLine = directory.known(resource);
      if (lockLine != null) {
        found.add(resource(resource, lockLine));
      }
    }
    List<Integer> lives = new ArrayList<>();
    for (int rank = 0; rank < node.ranks(); rank++) {
      lives.add((int) (node.isDead(rank) ? RankContext.DEAD : node.life(rank)));
    }
    return new NodeReport(System.currentTimeMillis(), lives, found, 0).cut();
  }

  private NodeReport.Resource resource(String name, long lockLine) {
    NodeLock lock = new NodeLock(node, lockLine, node.me(), name);
    return new NodeReport.Resource(
        name,
        lock.token() & ~LockWords.STALE,
        lock.poisonedBy(),
        lock.permission(),
        records.apply(name),
        new Holders(node, lock).uses());
  }

  /** Somebody waits, before somebody holds, before nobody. */
  private static int idleness(NodeReport.Resource resource) {
    return resource.uses().isEmpty()
        ? 2
        : resource.uses().stream().allMatch(NodeReport.Use::holds) ? 1 : 0;
  }
}
