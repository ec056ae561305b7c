/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Decides the collective calls of a job of several nodes, on the master's node. It is told once all
 * ranks have made a call ({@link CallBranch}), and by each node as soon as it sees a reason why the
 * call must fail.
 *
 * <h2>Invariants</h2>
 *
 * <ol>
 *   <li>Each call is decided once, in order, and all nodes are told the same.
 *   <li>GO is decided only when every rank has arrived, and in the same call.
 *   <li>The first reason to fail that arrives before the last arrival decides.
 * </ol>
 */
final class CallRoot {

  /** What is known of the call that is to be decided next. */
  private static final class Call {
    private final Map<Integer, String> summaries = new TreeMap<>();
    private int closing = -1;
    private int code;
    private int rank;
  }

  private final Consumer<? super Message.ToAll> toAll;
  private final int nodes;
  private final Map<Integer, Boolean> through = new HashMap<>();
  private boolean closes;
  private boolean allThrough;
  private long number = 1;
  private Call call = new Call();

  /**
   * Makes the root of a job.
   *
   * @param toAll tells all nodes something, this one too, in order
   * @param nodes how many nodes there are
   */
  CallRoot(Consumer<? super Message.ToAll> toAll, int nodes) {
    this.toAll = toAll;
    this.nodes = nodes;
  }

  /**
   * All ranks of all nodes have made a call, and none a close.
   *
   * @param arrived what they called
   */
  void arrived(Message.Arrived arrived) {
    Call open = open(arrived.call());
    if (open == null || open.code != 0) {
      return;
    }
    if (open.closing >= 0) {
      fail(open, Verdict.LEFT, open.closing);
    } else if (Verdict.mayGo(arrived.kind())) {
      end(Verdict.GO, arrived.writer(), "");
    } else {
      fail(open, Verdict.DIFFER, arrived.writer());
    }
  }

  /**
   * A call must fail.
   *
   * @param fail why
   */
  void failed(Message.Fail fail) {
    Call open = open(fail.call());
    if (open != null) {
      fail(open, fail.code(), fail.rank());
    }
  }

  /**
   * A rank closes, which needs no decision by itself. The others are told: who is in that call, or
   * comes to it, has a reason to fail.
   *
   * @param closing who
   */
  void closing(Message.Closing closing) {
    closes = true;
    Call open = open(closing.call());
    if (open != null && open.closing < 0) {
      open.closing = closing.rank();
      toAll.accept(closing);
    }
    endIfThrough();
  }

  /**
   * A node tells what its ranks called.
   *
   * @param node the node
   * @param summary what
   */
  void summary(int node, Message.Summary summary) {
    Call open = open(summary.call());
    if (open != null && open.code != 0) {
      open.summaries.put(node, summary.text());
      if (open.summaries.size() == nodes) {
        end(open.code, open.rank, String.join("; ", open.summaries.values()));
      }
    }
  }

  /**
   * A node tells whether all of its ranks are in a close. While no rank closes this controller they
   * are all in those of others, and will come back to this one.
   *
   * @param node the node
   * @param all whether they are
   */
  void through(int node, boolean all) {
    through.put(node, all);
    endIfThrough();
  }

  private void endIfThrough() {
    if (closes && !allThrough && through.size() == nodes && !through.containsValue(false)) {
      allThrough = true;
      toAll.accept(new Message.AllThrough());
    }
  }

  /** A call that is decided already, or cannot be yet, is none. */
  private @Nullable Call open(long call) {
    return call == number ? this.call : null;
  }

  private void fail(Call open, int code, int rank) {
    if (open.code == 0) {
      open.code = code;
      open.rank = rank;
      toAll.accept(new Message.Ask(number));
    }
  }

  private void end(int code, int rank, String text) {
    long decided = number;
    number++;
    call = new Call();
    toAll.accept(new Message.Decide(decided, code, rank, text));
  }
}
