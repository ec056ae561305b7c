/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.internal.job.Message.MalformedException;
import io.mpilock.internal.job.NodeReport;
import io.mpilock.internal.node.Holders;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.NodeWindow;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A rank asks all nodes of a job of several who holds what, through its node's agent. For people:
 * it takes no lock of theirs, and waits for an answer for as long as it is told at most.
 *
 * <p>One rank of a node asks at a time: QUERY_LOCK. It sets QUERY and rings. The agent puts one
 * node's report after the other into the answer and says whose it is in ANSWER_FROM, which the rank
 * sets to 0 when it has read it; QUERY is 0 when that was all. A rank that gives up leaves
 * QUERY_LOCK, and the agent then clears the rest.
 */
public final class StatusQuery {
  private static final long TEXT_NANOS = 500_000_000;
  private static final long POLL_NANOS = 100_000;

  /** How long a thread whose time is nearly over looks for answers at a time. */
  private static final long AHEAD_NANOS = 500_000;

  private final RankContext node;
  private final NodeWindow window;
  private final Map<Integer, NodeReport> ahead = new TreeMap<>();
  private boolean asking;
  private boolean answered;

  public StatusQuery(RankContext node) {
    this.node = node;
    this.window = node.window();
  }

  /**
   * Says who holds a resource on all nodes, as far as they answer soon.
   *
   * @param lockLine its lock line
   * @param here who does on this one, in case that its agent does not answer
   * @param nanos how long to wait for answers at most; not longer than half a second
   */
  public String describe(long lockLine, String here, long nanos) {
    if (node.brokenBy() >= 0) { // there is more to tell than who holds, and it is told
      return "On node " + node.myNode() + ": " + here;
    }
    return describe(nanos > 0 ? ask(lockLine, Math.min(nanos, TEXT_NANOS)) : Map.of(), here);
  }

  /** Says who holds a resource on the nodes that have answered. */
  public String describe(Map<Integer, NodeReport> reports, String here) {
    List<String> texts = new ArrayList<>();
    List<String> silent = new ArrayList<>();
    for (int other = 0; other < node.nodes(); other++) {
      NodeReport report = reports.get(other);
      if (report != null) {
        for (NodeReport.Resource resource : report.resources()) {
          texts.add(describe(other, resource, report.takenAt()));
        }
      } else {
        silent.add(Integer.toString(other));
        if (other == node.myNode()) {
          texts.add("On node " + other + ": " + here);
        }
      }
    }
    if (!silent.isEmpty()) {
      texts.add("No answer from node " + String.join(", ", silent) + ".");
    }
    return String.join(" ", texts);
  }

  private String describe(int from, NodeReport.Resource resource, long takenAt) {
    String held = Holders.describe(node, resource.uses(), resource.token(), takenAt);
    String record = resource.record();
    return "On node %d: %s%s"
        .formatted(
            from, held, record.isEmpty() ? "" : " Its home, node %d: %s.".formatted(from, record));
  }

  /**
   * Asks all nodes.
   *
   * @param lockLine the lock line of a resource, or {@link Layout#ALL_RESOURCES}
   * @param nanos how long to wait at most; an interrupt ends it, too
   * @return what each node said that answered
   */
  public Map<Integer, NodeReport> ask(long lockLine, long nanos) {
    Map<Integer, NodeReport> reports = new TreeMap<>();
    if (node.agent() < 0 || node.isGone(node.agent())) {
      return reports;
    }
    long start = node.nanoTime();
    if (!take(lockLine, start, nanos)) {
      return reports;
    }
    try {
      while (window.get(Layout.QUERY) != 0 && isInTime(start, nanos)) {
        if (!takeAnswer(reports)) {
          node.rest(POLL_NANOS);
        }
      }
    } finally {
      window.set(Layout.QUERY_LOCK, 0);
      node.ringAgent(); // which may wait for this rank to take an answer
    }
    return reports;
  }

  private boolean take(long lockLine, long start, long nanos) {
    while (isInTime(start, nanos)) {
      if (tryTake(lockLine)) {
        return true;
      }
      node.rest(POLL_NANOS);
    }
    return false;
  }

  private boolean tryTake(long lockLine) {
    long holder = window.get(Layout.QUERY_LOCK);
    if ((holder == 0 || node.isGone((int) holder - 1))
        && window.get(Layout.QUERY) == 0
        && window.compareAndSet(Layout.QUERY_LOCK, holder, node.me() + 1L)) {
      window.set(Layout.QUERY, lockLine);
      node.ringAgent();
      return true;
    }
    return false;
  }

  /** Takes the answer that is there; false if there is none. */
  private boolean takeAnswer(Map<Integer, NodeReport> reports) {
    long from = window.get(Layout.ANSWER_FROM);
    if (from == 0) {
      return false;
    }
    int other = Math.clamp(from - 1, -1, node.nodes());
    reports.put(other, read(other));
    window.set(Layout.ANSWER_FROM, 0);
    node.ringAgent();
    return true;
  }

  /**
   * For a thread that waits for something else, and whose time is nearly over: asks, if nobody else
   * of this node does, and takes what answers come within a moment. To be called again, and to be
   * followed by {@link #end}.
   *
   * @return false if there is no more to come
   */
  public boolean askAhead(long lockLine) {
    if (answered || node.brokenBy() >= 0) {
      return false;
    }
    if (!asking && !tryTake(lockLine)) {
      return true;
    }
    asking = true;
    long start = node.nanoTime();
    while (isInTime(start, AHEAD_NANOS)) {
      if (window.get(Layout.QUERY) == 0) {
        answered = true;
        break;
      }
      if (!takeAnswer(ahead)) {
        node.rest(POLL_NANOS);
      }
    }
    if (answered) {
      end();
    }
    return !answered;
  }

  /** Asks no more; gives what has been answered. */
  public Map<Integer, NodeReport> end() {
    if (asking) {
      asking = false;
      window.set(Layout.QUERY_LOCK, 0);
      node.ringAgent();
    }
    return ahead;
  }

  private boolean isInTime(long start, long nanos) {
    return node.nanoTime() - start < nanos && !Thread.currentThread().isInterrupted();
  }

  /** Reads the answer of a node. */
  public NodeReport read(int from) {
    long answer = Layout.answer(node.members());
    long length = window.get(answer);
    if (from < 0 || from >= node.nodes() || length < 0 || length > NodeReport.MAX_BYTES) {
      throw node.damaged(
          "an answer says that it is of node " + from + " and has " + length + " bytes");
    }
    byte[] bytes = new byte[(int) length];
    window.getBytes(answer + Layout.LINE, bytes, 0, bytes.length);
    try {
      NodeReport report = NodeReport.decode(ByteBuffer.wrap(bytes));
      check(node, from, report);
      return report;
    } catch (MalformedException | IllegalArgumentException e) {
      throw node.damaged("an answer of node " + from + " is none: " + e.getMessage());
    }
  }

  /** Looks at what another process wrote before it is used. */
  public static void check(RankContext node, int from, NodeReport report) {
    if (report.lives().size() != RankContext.ranksOf(node.communicator(), from).length) {
      throw new IllegalArgumentException(
          "node " + from + " does not have " + report.lives().size() + " ranks");
    }
    for (NodeReport.Resource resource : report.resources()) {
      if (resource.poisonedBy() != -1) {
        int _ = node.checkRank(resource.poisonedBy());
      }
      for (NodeReport.Use use : resource.uses()) {
        if (node.nodeOf(node.checkRank(use.rank())) != from) {
          throw new IllegalArgumentException("rank " + use.rank() + " is not on node " + from);
        }
      }
    }
  }
}
