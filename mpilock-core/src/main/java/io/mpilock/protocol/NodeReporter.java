package io.mpilock.protocol;

import io.mpilock.protocol.job.NodeReport;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.UnaryOperator;

/** Makes a node's report from its window, on any rank of it or in its agent. Takes no lock. */
final class NodeReporter {
  private final Node node;
  private final Directory directory;
  private final UnaryOperator<String> records;

  /**
   * A reporter.
   *
   * @param records tells what is on record for a resource at its home, if that is here; else ""
   */
  NodeReporter(Node node, Directory directory, UnaryOperator<String> records) {
    this.node = node;
    this.directory = directory;
    this.records = records;
  }

  /**
   * Reports one resource, if the node knows it, or all.
   *
   * @param resource its name, or "" for all
   */
  NodeReport report(String resource) {
    List<NodeReport.Resource> found = new ArrayList<>();
    if (resource.isEmpty()) {
      for (long home : directory.homes()) {
        String name = directory.name(home);
        if (name != null) {
          found.add(resource(name, home));
        }
      }
      found.sort(
          Comparator.comparingInt(NodeReporter::idleness).thenComparing(NodeReport.Resource::name));
    } else {
      Long home = directory.known(resource);
      if (home != null) {
        found.add(resource(resource, home));
      }
    }
    List<Integer> lives = new ArrayList<>();
    for (int rank = 0; rank < node.ranks(); rank++) {
      lives.add((int) (node.isDead(rank) ? Node.DEAD : node.life(rank)));
    }
    return new NodeReport(System.currentTimeMillis(), lives, found, 0).cut();
  }

  private NodeReport.Resource resource(String name, long home) {
    NodeLock lock = new NodeLock(node, home, node.me(), name);
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
