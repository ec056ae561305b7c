/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import static io.mpilock.internal.job.Verdict.CLOSE;
import static io.mpilock.internal.job.Verdict.DIED;
import static io.mpilock.internal.job.Verdict.DIFFER;
import static io.mpilock.internal.job.Verdict.GO;
import static io.mpilock.internal.job.Verdict.GONE_ON;
import static io.mpilock.internal.job.Verdict.LEFT;
import static io.mpilock.internal.job.Verdict.REFUSED;
import static io.mpilock.internal.job.Verdict.SINGLE_WRITE;

import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.NodeWindow;

/**
 * The words of the collective calls on this node: a slot for each rank, in which it says what it
 * calls, and a decision for all. {@link CollectiveCalls} says how they are used.
 */
public final class CallSlots {
  // Marks of a call slot, beside the number of the call, and reasons to refuse.
  static final int ARRIVED = 1;
  static final int SEEN = 2;
  static final long HOLDS_READ = 1;
  static final long HOLDS_WRITE = 2;
  static final long NO_SUCH_RANK = 3;

  /** Keeps a write beyond its body; in the upper bits of which resource, by its home. */
  static final long KEEPS_WRITE = 4;

  /** Something was thrown. */
  static final long FAILED = 5;

  /** Waits no more; in the upper bits why, as a decision says it. */
  static final long GAVE_UP = 6;

  static final int REFUSAL_BITS = 8;

  private final RankContext node;
  private final NodeWindow window;

  CallSlots(RankContext node) {
    this.node = node;
    this.window = node.window();
  }

  void arrive(long call, long kind, int writer, long lockLine, long refusal) {
    long slot = Layout.callSlot(node.me(), call);
    window.setRelease(slot + Layout.KIND, kind);
    window.setRelease(slot + Layout.WRITER, writer);
    window.setRelease(slot + Layout.RESOURCE, lockLine);
    window.setRelease(slot + Layout.REFUSAL, refusal);
    window.set(slot + Layout.CALL, mark(call, ARRIVED));
    node.ringCollective();
  }

  /** Whether every rank of this node that made an earlier call has read how it was decided. */
  public boolean isSeen(long call) {
    for (int rank = 0; rank < node.ranks(); rank++) {
      if (slotMark(rank, call) == mark(call, ARRIVED) && !node.isGone(rank)) {
        return false;
      }
    }
    return true;
  }

  /** The decision's code, or 0 if there is none; a call that was overtaken has failed. */
  int decided(long call) {
    long decision = window.get(Layout.decision(call));
    long decidedCall = decision >>> 24;
    return decidedCall == call ? (int) decision & 0xFF : decidedCall > call ? GONE_ON : 0;
  }

  /** Decides if there is a reason to; true if the call is decided now. */
  boolean tryDecide(long call, int writer) {
    if (!mayDecide(call)) { // before the look at the slots
      return false;
    }
    boolean all = true;
    int differs = -1;
    long mine = Layout.callSlot(node.me(), call);
    long kind = window.get(mine + Layout.KIND);
    for (int rank = 0; rank < node.ranks(); rank++) {
      long mark = slotMark(rank, call);
      if (mark >>> 8 == call) {
        long slot = Layout.callSlot(rank, call);
        long refusal = window.get(slot + Layout.REFUSAL);
        if (refusal != 0) {
          return decide(call, codeOf(refusal), node.jobRank(rank));
        }
        long called = window.get(slot + Layout.KIND);
        if (called == CLOSE) {
          return decide(call, LEFT, node.jobRank(rank));
        }
        if (called != kind
            || window.get(slot + Layout.WRITER) != window.get(mine + Layout.WRITER)
            || window.get(slot + Layout.RESOURCE) != window.get(mine + Layout.RESOURCE)) {
          differs = rank;
        }
      } else {
        all = false;
        if (mark >>> 8 > call) {
          return decide(call, GONE_ON, node.jobRank(rank));
        }
        long life = node.life(rank);
        if (life == RankContext.DEAD) {
          return decide(call, DIED, node.jobRank(rank));
        }
        if (life >= RankContext.CLOSING) {
          return decide(call, LEFT, node.jobRank(rank));
        }
      }
    }
    if (node.agent() >= 0) {
      long closing = window.get(Layout.CLOSING_CALL);
      if (closing >>> 24 == call) {
        return decide(call, LEFT, (int) closing & 0xFFFF);
      }
      int lost = node.firstLost();
      if (lost >= 0) {
        return decide(call, DIED, lost);
      }
    }
    if (!all) {
      return false;
    }
    if (differs >= 0) {
      return decide(call, DIFFER, node.jobRank(differs));
    }
    if (node.agent() >= 0) {
      return false; // the agent sees the same
    }
    if (writer == node.myJobRank() || kind != SINGLE_WRITE) { // else the first that sees it
      return decide(call, GO, writer);
    }
    // The one that is to decide came, but may have gone since.
    long life = node.life(writer);
    return life >= RankContext.LEFT && decide(call, life == RankContext.DEAD ? DIED : LEFT, writer);
  }

  static int codeOf(long refusal) {
    return what(refusal) == GAVE_UP ? (int) (refusal >>> REFUSAL_BITS) : REFUSED;
  }

  static long what(long refusal) {
    return refusal & (1 << REFUSAL_BITS) - 1;
  }

  /** Whether nobody needs the decision any more whose place this one takes. */
  boolean mayDecide(long call) {
    return node.agent() >= 0 || isSeen(call - 2);
  }

  /** Decides if it may, or proposes it to the agent; true if the call is decided. */
  boolean decide(long call, int code, int rank) {
    boolean proposes = node.agent() >= 0;
    if (!mayDecide(call)) {
      return false;
    }
    long index = proposes ? Layout.proposal(call) : Layout.decision(call);
    while (true) {
      long now = window.get(index);
      if (now >>> 24 >= call) {
        return !proposes;
      }
      if (window.compareAndSet(index, now, decision(call, code, rank))) {
        node.ringCollective();
        return !proposes;
      }
    }
  }

  public static long decision(long call, int code, int rank) {
    return call << 24 | (long) rank << 8 | code;
  }

  void seen(long call) {
    window.set(Layout.callSlot(node.me(), call) + Layout.CALL, mark(call, SEEN));
    node.ringCollective();
  }

  long slotMark(int rank, long call) {
    return window.get(Layout.callSlot(rank, call) + Layout.CALL);
  }

  static long mark(long call, int mark) {
    return call << 8 | mark;
  }

  /** Says that this rank gives a call up that it has made. */
  void giveUp(long call, long refusal) {
    window.set(Layout.callSlot(node.me(), call) + Layout.REFUSAL, refusal);
  }
}
