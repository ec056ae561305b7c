/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import io.mpilock.internal.job.Message;
import io.mpilock.internal.job.NodeReport;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.rank.StatusQuery;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.NodeWindow;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.ObjIntConsumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The agent's part in telling who holds what, for people: it answers other nodes, and asks them for
 * a rank of its node, one {@link StatusQuery} at a time. Used by the agent's thread only.
 */
final class StatusQueryServer {

  /** A node's answer that the rank has not taken yet. */
  private record Answered(int node, NodeReport report) {}

  /** What a rank has asked, until all have answered and it has taken the answers, or gave up. */
  private static final class Open {
    private final long number;
    private final long asker;
    private final Deque<Answered> answers = new ArrayDeque<>();
    private final boolean[] missing;

    Open(long number, long asker, int nodes) {
      this.number = number;
      this.asker = asker;
      this.missing = new boolean[nodes];
    }

    boolean isComplete() {
      for (boolean one : missing) {
        if (one) {
          return false;
        }
      }
      return answers.isEmpty();
    }
  }

  private final RankContext node;
  private final NodeWindow window;
  private final Directory directory;
  private final NodeReporter reporter;
  private final ObjIntConsumer<Message> outbox;
  private final ByteBuffer bytes = ByteBuffer.allocate(NodeReport.MAX_BYTES);
  private long asked;
  private @Nullable Open open;

  /**
   * A desk.
   *
   * @param records what is on record for a resource at its home, if that is here; else ""
   * @param outbox takes a message to another node
   */
  StatusQueryServer(
      RankContext node,
      Directory directory,
      UnaryOperator<String> records,
      ObjIntConsumer<Message> outbox) {
    this.node = node;
    this.window = node.window();
    this.directory = directory;
    this.reporter = new NodeReporter(node, directory, records);
    this.outbox = outbox;
  }

  /** Does what there is to do for a rank of this node; tells whether there was anything. */
  boolean look() {
    Open current = open;
    if (current == null) {
      long lockLine = window.get(Layout.QUERY);
      if (lockLine != 0) {
        ask(lockLine);
      }
      return lockLine != 0;
    }
    if (window.get(Layout.QUERY_LOCK) != current.asker) {
      end();
      return true;
    }
    if (window.get(Layout.ANSWER_FROM) != 0) {
      return false;
    }
    Answered next = current.answers.poll();
    if (next != null) {
      long answer = Layout.answer(node.members());
      next.report.encode(bytes.clear());
      window.putBytes(answer + Layout.LINE, bytes.array(), 0, bytes.position());
      window.set(answer, bytes.position());
      window.set(Layout.ANSWER_FROM, next.node + 1);
      return true;
    }
    if (current.isComplete()) {
      end();
      return true;
    }
    return false;
  }

  private void ask(long lockLine) {
    String resource = lockLine == Layout.ALL_RESOURCES ? "" : directory.name(lockLine);
    Open begun = new Open(++asked, window.get(Layout.QUERY_LOCK), node.nodes());
    open = begun;
    if (resource == null) {
      return; // nothing that a rank asks
    }
    begun.answers.add(new Answered(node.myNode(), reporter.report(resource)));
    for (int other = 0; other < node.nodes(); other++) {
      if (other != node.myNode() && !node.isLost(node.leader(other))) {
        begun.missing[other] = true;
        outbox.accept(new Message.Query(asked, resource), other);
      }
    }
  }

  private void end() {
    open = null;
    window.set(Layout.ANSWER_FROM, 0);
    window.set(Layout.QUERY, 0);
  }

  /** Gives up what is asked for a rank that is gone; now and then. */
  void lookForDeath() {
    Open current = open;
    if (current != null && isGone(current.asker)) {
      end();
    }
  }

  private boolean isGone(long asker) {
    return asker < 1 || asker > node.ranks() || node.isGone((int) asker - 1);
  }

  /** Whether a rank waits for answers. */
  boolean isOpen() {
    return open != null;
  }

  /** Another node asks. */
  void answer(int from, Message.Query asking) {
    outbox.accept(new Message.Answer(asking.query(), reporter.report(asking.resource())), from);
  }

  /**
   * Another node answers.
   *
   * @throws IllegalArgumentException if it speaks of ranks that it does not have
   */
  void collect(int from, Message.Answer answer) {
    StatusQuery.check(node, from, answer.report());
    Open current = open;
    if (current != null && current.number == answer.query() && current.missing[from]) {
      current.missing[from] = false;
      current.answers.add(new Answered(from, answer.report()));
    }
  }
}
