/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import io.mpilock.internal.call.CallSlots;
import io.mpilock.internal.call.CollectiveCalls;
import io.mpilock.internal.job.Message;
import io.mpilock.internal.job.Verdict;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.NodeWindow;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/**
 * The agent's part in the collective calls: reads from the window what the ranks of the node call,
 * reports it, and writes the root's decisions where the ranks look for them. The reports go by the
 * node's {@link io.mpilock.internal.job.CallBranch}.
 *
 * <p>Calls are decided in order, so there is one that is next. A decision of call n is written only
 * when every rank of the node that made call n - 2, whose place it takes, has read how that one was
 * decided.
 */
public final class NodeCalls {
  /** Is told which calls go. */
  @FunctionalInterface
  interface Going {
    /**
     * All ranks go in a call.
     *
     * @param call its number
     * @param kind what they called
     * @param writer the rank that writes, in a single write
     */
    void go(long call, long kind, int writer);
  }

  private final RankContext node;
  private final NodeWindow window;
  private final CollectiveCalls collectives;
  private final Directory directory;
  private final Consumer<Message.OfCall> report;
  private final Going whenGo;

  private final Deque<Message.Decide> decided = new ArrayDeque<>();
  private long next = 1;
  private boolean toldArrived;
  private boolean toldFail;
  private boolean toldClosing;
  private boolean toldThrough;

  NodeCalls(
      RankContext node,
      CollectiveCalls collectives,
      Directory directory,
      Consumer<Message.OfCall> report,
      Going whenGo) {
    this.node = node;
    this.window = node.window();
    this.collectives = collectives;
    this.directory = directory;
    this.report = report;
    this.whenGo = whenGo;
  }

  /** Looks for news from the ranks; tells whether there were any. */
  boolean look() {
    boolean news = writeDecisions();
    long proposal = window.get(Layout.proposal(next));
    if (!toldFail && proposal >>> 24 >= next) {
      toldFail = true;
      news = true;
      // Who proposes something of a later call has given this one up, and gone on.
      int code = proposal >>> 24 == next ? (int) proposal & 0xFF : Verdict.GONE_ON;
      report.accept(new Message.Fail(next, code, (int) (proposal >>> 8) & 0xFFFF));
    }
    boolean slots = lookAtSlots();
    return news || slots;
  }

  private boolean lookAtSlots() {
    if (toldArrived && toldClosing) {
      return false;
    }
    boolean news = false;
    for (int rank = 0; rank < node.ranks(); rank++) {
      long slot = Layout.callSlot(rank, next);
      boolean closes =
          hasCalled(rank) ? window.get(slot + Layout.KIND) == Verdict.CLOSE : hasClosed(rank);
      if (closes && !toldClosing) {
        toldClosing = true;
        news = true;
        report.accept(new Message.Closing(next, node.jobRank(rank)));
      }
    }
    if (!toldArrived && areAllThere()) {
      window.set(Layout.REPORTED_CALL, next);
      if (areAllThere()) { // nobody has given it up before that: who does so later waits
        toldArrived = true;
        news = true;
        long first = Layout.callSlot(0, next);
        String resource = directory.name(window.get(first + Layout.RESOURCE));
        report.accept(
            new Message.Arrived(
                next,
                window.get(first + Layout.KIND),
                (int) window.get(first + Layout.WRITER),
                resource == null ? "" : resource));
      }
    }
    return news;
  }

  private boolean hasCalled(int rank) {
    return window.get(Layout.callSlot(rank, next) + Layout.CALL) >>> 8 == next;
  }

  /** Whether all ranks of the node have made the call, the same, and none refuses it. */
  private boolean areAllThere() {
    long first = Layout.callSlot(0, next);
    for (int rank = 0; rank < node.ranks(); rank++) {
      long slot = Layout.callSlot(rank, next);
      if (!hasCalled(rank)
          || !Verdict.mayGo(window.get(slot + Layout.KIND)) // a close is told as such
          || window.get(slot + Layout.KIND) != window.get(first + Layout.KIND)
          || window.get(slot + Layout.WRITER) != window.get(first + Layout.WRITER)
          || window.get(slot + Layout.RESOURCE) != window.get(first + Layout.RESOURCE)
          || window.get(slot + Layout.REFUSAL) != 0) {
        return false;
      }
    }
    return true;
  }

  /** Whether a rank closed in place of an earlier call: no later one can do without it, too. */
  private boolean hasClosed(int rank) {
    long life = node.life(rank);
    return life >= RankContext.CLOSING && life != RankContext.DEAD;
  }

  /** Whether a rank of this node has called close. */
  boolean isClosing() {
    return toldClosing;
  }

  /** Tells the root when all ranks of the node are in a close, or are not any more. */
  void lookForClose() {
    boolean through = collectives.areAllThrough();
    if (through != toldThrough) {
      toldThrough = through;
      report.accept(new Message.Through(through));
    }
  }

  void ask(long call) {
    report.accept(new Message.Summary(call, collectives.summary(call)));
  }

  void closing(Message.Closing closing) {
    window.set(Layout.CLOSING_CALL, closing.call() << 24 | closing.rank());
    node.ringCollective();
  }

  void allThrough() {
    window.set(Layout.JOB_THROUGH, 1);
    node.ringCollective();
  }

  void decide(Message.Decide decision) {
    decided.add(decision);
    writeDecisions();
  }

  private boolean writeDecisions() {
    boolean news = false;
    while (!decided.isEmpty() && collectives.slots().isSeen(decided.element().call() - 2)) {
      Message.Decide decision = decided.remove();
      long call = decision.call();
      long kind = window.get(Layout.callSlot(0, call) + Layout.KIND); // until the ranks may go on
      node.putText(Layout.report(node.members(), call), decision.text());
      window.set(Layout.decision(call), CallSlots.decision(call, decision.code(), decision.rank()));
      node.ringCollective();
      next = call + 1;
      toldArrived = false;
      toldFail = false;
      toldClosing = false;
      news = true;
      if (decision.code() == Verdict.GO) {
        whenGo.go(call, kind, decision.rank());
      }
    }
    return news;
  }
}
