package io.mpilock.protocol.job;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Decides the collective calls of a job of several nodes, on the master's node. A node reports once
 * all of its ranks have made a call, or as soon as one sees a reason why it must fail.
 *
 * <h2>Invariants</h2>
 *
 * <ol>
 *   <li>Each call is decided once, in order, and all nodes are told the same.
 *   <li>GO is decided only when every node has reported the same arrival, so every rank is there.
 *   <li>The first reason to fail that arrives before the last arrival decides.
 * </ol>
 */
public final class Root {

  /** Where the root's messages go: each to every node. */
  public interface Outbox {
    /**
     * Asks what each rank called.
     *
     * @param call the call
     */
    void ask(long call);

    /**
     * Tells the decision.
     *
     * @param call the call
     * @param code a {@link Verdict}
     * @param rank who is the reason
     * @param text what each rank called, if it failed
     */
    void decide(long call, int code, int rank, String text);

    /**
     * Tells that a rank closes.
     *
     * @param call the call that it closes in place of
     * @param rank the rank
     */
    void closing(long call, int rank);

    /** Tells that all ranks are in a close. */
    void allThrough();
  }

  /** What is known of the call that is to be decided next. */
  private static final class Call {
    private final Map<Integer, Message.Arrived> arrived = new HashMap<>();
    private final Map<Integer, String> summaries = new TreeMap<>();
    private int closing = -1;
    private int code;
    private int rank;
  }

  private final Outbox outbox;
  private final int nodes;
  private final Map<Integer, Boolean> through = new HashMap<>();
  private boolean closes;
  private boolean allThrough;
  private long number = 1;
  private Call call = new Call();

  /**
   * Makes the root of a job.
   *
   * @param outbox where its messages go
   * @param nodes how many nodes there are
   */
  public Root(Outbox outbox, int nodes) {
    this.outbox = outbox;
    this.nodes = nodes;
  }

  /**
   * All ranks of a node have made a call.
   *
   * @param node the node
   * @param arrived what they called
   */
  public void arrived(int node, Message.Arrived arrived) {
    Call open = open(arrived.call());
    if (open != null) {
      open.arrived.put(node, arrived);
      decide(open);
    }
  }

  /**
   * A call must fail.
   *
   * @param fail why
   */
  public void failed(Message.Fail fail) {
    Call open = open(fail.call());
    if (open != null) {
      fail(open, fail.code(), fail.rank());
    }
  }

  /**
   * A rank closes.
   *
   * @param closing who
   */
  public void closing(Message.Closing closing) {
    closes = true;
    Call open = open(closing.call());
    if (open != null && open.closing < 0) {
      open.closing = closing.rank();
      outbox.closing(number, closing.rank());
      decide(open);
    }
    endIfThrough();
  }

  /**
   * A node tells what its ranks called.
   *
   * @param node the node
   * @param summary what
   */
  public void summary(int node, Message.Summary summary) {
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
  public void through(int node, boolean all) {
    through.put(node, all);
    endIfThrough();
  }

  private void endIfThrough() {
    if (closes && !allThrough && through.size() == nodes && !through.containsValue(false)) {
      allThrough = true;
      outbox.allThrough();
    }
  }

  /** A call that is decided already, or cannot be yet, is none. */
  private @Nullable Call open(long call) {
    return call == number ? this.call : null;
  }

  private void decide(Call open) {
    if (open.code != 0) {
      return;
    }
    boolean write =
        open.arrived.values().stream().anyMatch(one -> one.kind() == Verdict.SINGLE_WRITE);
    if (!write) {
      return; // a close needs no decision
    }
    if (open.closing >= 0) {
      fail(open, Verdict.LEFT, open.closing);
    } else if (open.arrived.size() == nodes) {
      Message.Arrived first = open.arrived.values().iterator().next();
      if (open.arrived.values().stream().allMatch(first::equals)) {
        end(Verdict.GO, first.writer(), "");
      } else {
        fail(open, Verdict.DIFFER, first.writer());
      }
    }
  }

  private void fail(Call open, int code, int rank) {
    if (open.code == 0) {
      open.code = code;
      open.rank = rank;
      outbox.ask(number);
    }
  }

  private void end(int code, int rank, String text) {
    long decided = number;
    number++;
    call = new Call();
    outbox.decide(decided, code, rank, text);
  }
}
