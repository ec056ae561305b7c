/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.job.NodeReport;
import io.mpilock.internal.job.Permission;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.RankContext;
import io.mpilock.status.JobStatus;
import io.mpilock.status.LockUser;
import io.mpilock.status.RankStatus;
import io.mpilock.status.ResourceStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Puts what the nodes report together. */
final class StatusMerger {

  /** A resource as far as it is known. */
  private static final class Findings {
    private long token;
    private int poisonedBy = -1;
    private final List<LockUser> holders = new ArrayList<>();
    private final List<LockUser> waiters = new ArrayList<>();
    private final Map<Integer, ResourceStatus.Permission> permissions = new TreeMap<>();
  }

  private final RankContext node;
  private final Map<Integer, NodeReport> reports;
  private final Map<String, Findings> resources = new TreeMap<>();

  /**
   * A survey.
   *
   * @param reports by node; those that are missing did not answer
   */
  StatusMerger(RankContext node, Map<Integer, NodeReport> reports) {
    this.node = node;
    this.reports = reports;
  }

  JobStatus status(List<Integer> silent) {
    int leftOut = 0;
    for (Map.Entry<Integer, NodeReport> entry : reports.entrySet()) {
      NodeReport report = entry.getValue();
      leftOut += report.leftOut();
      report.resources().forEach(resource -> add(entry.getKey(), report.takenAt(), resource));
    }
    List<ResourceStatus> found = new ArrayList<>();
    resources.forEach((name, findings) -> found.add(status(name, findings)));
    found.sort(Comparator.comparingInt(StatusMerger::idleness)); // stable: by name among equals
    return new JobStatus(
        node.communicator().description(), node.myJobRank(), ranks(), found, leftOut, silent);
  }

  private static int idleness(ResourceStatus resource) {
    return !resource.waiters().isEmpty() ? 0 : !resource.holders().isEmpty() ? 1 : 2;
  }

  private List<RankStatus> ranks() {
    List<RankStatus> ranks = new ArrayList<>();
    int[] seen = new int[node.nodes()];
    for (int rank = 0; rank < node.jobSize(); rank++) {
      int at = node.nodeOf(rank);
      NodeReport report = reports.get(at);
      RankStatus.State state = RankStatus.State.UNKNOWN;
      if (node.isLost(rank)) {
        state = RankStatus.State.DEAD;
      } else if (report != null) {
        state = state(report.lives().get(seen[at]));
      }
      seen[at]++;
      ranks.add(new RankStatus(node.communicator().member(rank), state));
    }
    return ranks;
  }

  private static RankStatus.State state(int life) {
    return switch (life) {
      case (int) RankContext.OPEN -> RankStatus.State.OPEN;
      case (int) RankContext.CLOSING -> RankStatus.State.CLOSING;
      case (int) RankContext.LEFT -> RankStatus.State.CLOSED;
      case (int) RankContext.LEFT_HOLDING, (int) RankContext.DEAD -> RankStatus.State.DEAD;
      default -> RankStatus.State.UNKNOWN;
    };
  }

  private void add(int from, long takenAt, NodeReport.Resource resource) {
    Findings findings = resources.computeIfAbsent(resource.name(), name -> new Findings());
    findings.token = Math.max(findings.token, resource.token());
    findings.poisonedBy = Math.max(findings.poisonedBy, resource.poisonedBy());
    findings.permissions.put(from, permission(resource.permission()));
    for (NodeReport.Use use : resource.uses()) {
      (use.holds() ? findings.holders : findings.waiters).add(user(use, takenAt));
    }
  }

  private static ResourceStatus.Permission permission(Permission permission) {
    return switch (permission) {
      case NONE -> ResourceStatus.Permission.NONE;
      case SHARED -> ResourceStatus.Permission.SHARED;
      case EXCLUSIVE -> ResourceStatus.Permission.EXCLUSIVE;
    };
  }

  private LockUser user(NodeReport.Use use, long takenAt) {
    return new LockUser(
        node.communicator().member(use.rank()),
        use.writes() ? LockUser.Mode.WRITE : LockUser.Mode.READ,
        use.threads(),
        use.threadId() == 0 ? null : use.thread(),
        use.threadId(),
        use.since() == 0 ? null : Duration.ofMillis(Math.max(0, takenAt - use.since())),
        use.kept().isEmpty() ? null : use.kept(),
        use.ended());
  }

  private ResourceStatus status(String name, Findings findings) {
    return new ResourceStatus(
        CallNames.shown(name),
        node.homeOf(name),
        findings.token,
        findings.poisonedBy < 0 ? null : node.communicator().member(findings.poisonedBy),
        findings.holders,
        findings.waiters,
        findings.permissions);
  }
}
