/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import static io.mpilock.internal.window.LockWords.CLAIMED;
import static io.mpilock.internal.window.LockWords.INTENT;
import static io.mpilock.internal.window.LockWords.NONE;
import static io.mpilock.internal.window.LockWords.ONE_PENDING;
import static io.mpilock.internal.window.LockWords.owner;
import static io.mpilock.internal.window.LockWords.phase;

import io.mpilock.internal.job.Permission;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.internal.window.Waiter;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The lock of one resource among the ranks of a node: an abortable readers-writer lock with a first
 * come, first served request table, on the words of {@link Layout} and {@link LockWords}.
 *
 * <h2>Invariants</h2>
 *
 * <ol>
 *   <li>Only the owner gives ownership away or claims a request, and there is one owner:
 *       STATE.owner goes from 0 to a rank, from a rank to another or to 0, by compare-and-set, and
 *       only the rank that it names does the last two; but for a rank that is gone ({@link
 *       Recovery}), and one that was named when it had given up (ABANDONED, {@link #takeBack}).
 *   <li>The owner writes only after it has seen every rank's holds at 0 once. A reader enters only
 *       if it sees pending = 0 after it has counted itself in holds. Both are sequentially
 *       consistent, so of a reader and a writer that come together at least one sees the other
 *       (Dekker); the reader gives way.
 *   <li>pending counts every request from before it is published until it is withdrawn or its
 *       ownership has ended. So pending = 0 means that nobody writes and nobody asks.
 *   <li>A rank that owns nothing is counted in pending just as its REQUEST says: once while it is
 *       WAITING, CLAIMED or ABANDONED, not while it is NONE, and INTENT while that changes. So what
 *       a dead rank left in pending can be counted anew ({@link Recovery}).
 *   <li>Nobody sleeps for ever next to a free lock: a requester publishes and then looks at owner;
 *       one that sets owner to 0 looks at the requests again (Dekker).
 *   <li>In a job of several nodes the agent is a member like the ranks. While the node may not
 *       write the agent owns; while it may not even read, the agent is counted in pending too. So
 *       the permission of the node costs a rank that has it nothing. A requester that finds the
 *       agent the owner tells it, whenever it has published; the agent looks at the requests after
 *       it has become the owner (Dekker). Its own request goes before those of the ranks.
 *   <li>A rank that is gone changes nothing any more that others recover. What takes one step (a
 *       release with nobody else asking) compares the owner in that step; what takes several is
 *       between {@link RankContext#enter} and {@link RankContext#leave}.
 *   <li>Nobody waits for another process between two of its steps but in a {@link Waiter}, which
 *       ends. A rank whose request is claimed and that gives up marks it ABANDONED and then looks
 *       at owner; whoever names it the owner looks at the mark afterwards (Dekker): one of the two
 *       takes ownership back.
 *   <li>Whatever is thrown between two steps, a thread's {@link UndoRecord} says what it has in the
 *       words ({@code published} and {@code counted} what its rank has), so that it gives it back:
 *       {@link #giveBack}, {@link #finish}.
 * </ol>
 *
 * <h2>Order</h2>
 *
 * A request takes its number and its place in pending in one step. The fast path needs pending = 0,
 * and whoever finds the lock free in the slow path hands it to the smallest published number first.
 * A thread that stands behind others of its rank takes its number when it comes, too; then its
 * rank's request shows its number or a smaller one, unless its rank owns ({@link WriteQueue}). So a
 * thread that had its place before another asked is granted before it.
 *
 * <p>Source: a table of numbered requests, one for each member, of which the smallest goes first,
 * is Lamport's bakery, "A New Solution of Dijkstra's Concurrent Programming Problem" (CACM 1974),
 * with numbers that are taken in one atomic step; the readers' side is the distributed counter of
 * Hsieh and Weihl, "Scalable Reader-Writer Locks for Parallel Systems" (IPPS 1992); phase-fairness
 * is Brandenburg and Anderson, "Spin-Based Reader-Writer Synchronization for Multiprocessor
 * Real-Time Systems" (2010).
 */
public final class NodeLock extends WriterSide {
  static final String STANDS_STILL =
      "; that normally takes no time, so if this is reported again, check"
          + " whether the process is stopped.";
  final WriteQueue queue;

  /** One of this rank's threads; or the agent, by its number. */
  public NodeLock(RankContext node, long lockLine, int me) {
    this(node, lockLine, me, null);
  }

  /** One of this rank's threads; with the resource's name for messages. */
  public NodeLock(RankContext node, long lockLine, int me, @Nullable String name) {
    this(
        node,
        lockLine,
        me,
        name,
        name == null ? node.settings().phaseFair() : node.settings().phaseFair(name),
        name == null ? node.settings().releaseOnDeath() : node.settings().releaseOnDeath(name));
  }

  private NodeLock(
      RankContext node,
      long lockLine,
      int me,
      @Nullable String name,
      boolean phaseFair,
      boolean releaseOnDeath) {
    super(node, lockLine, me, name, phaseFair, releaseOnDeath);
    this.queue = new WriteQueue(node, this);
  }

  /** The agent's, which tells nobody of what becomes of the resource: the ranks do. */
  public static NodeLock ofAgent(RankContext node, long lockLine, String name) {
    return new NodeLock(
        node,
        lockLine,
        node.agent(),
        null,
        node.settings().phaseFair(name),
        node.settings().releaseOnDeath(name));
  }

  /**
   * Whether a try must give up: the home has refused it, or a rank of this node is in its way, or
   * the agent is not, so that there is nothing to wait for.
   */
  public boolean isRefused(long tries, boolean reads) {
    return window.get(lockLine + Layout.REFUSED) >= tries
        || (reads
            ? !isKeptFromReading() || wanted() == Permission.EXCLUSIVE
            : !isKeptByAgent() || !isUnread());
  }

  /** Waits to enter as a reader; false if the wait was given up. */
  public boolean awaitRead(Waiter waiter) {
    return alone(new UndoRecord(), undo -> awaitRead(undo, waiter));
  }

  /**
   * Waits for somebody whose thread keeps no undo record: what is cut short is given back at once.
   */
  boolean alone(UndoRecord undo, Predicate<UndoRecord> wait) {
    try {
      return wait.test(undo);
    } catch (Throwable failure) {
      giveBack(undo);
      throw failure;
    }
  }

  /**
   * Gives back all that a request has left which was cut short: nobody else would. Where it is cut
   * short itself it goes on, if it is called again.
   */
  public void giveBack(UndoRecord undo) {
    if (undo.drains) {
      drainNoMore(undo);
    }
    if (undo.shows) {
      showNoMore(undo);
    }
    if (undo.turn != null) {
      queue.leave(undo, false);
    }
    giveBackRead(undo);
    if (undo.tries) {
      endTry(undo);
    }
    finish(undo);
  }

  /**
   * Says which process keeps the lock from going on because it stands still between two of its
   * steps: stopped, or in a long garbage collection. "" if none does.
   */
  public String describeStandstill() {
    int owner = owner(window.get(state));
    long recoverer = window.get(lockLine + Layout.RECOVERER);
    for (int member = 0; member < members; member++) {
      int phase = phase(window.get(line(member) + Layout.REQUEST));
      if (phase == CLAIMED && owner != 0 && owner <= members && owner != member + 1) {
        return "%s is about to give the write to %s%s"
            .formatted(node.who(owner - 1), node.who(member), STANDS_STILL);
      }
      if (phase == INTENT && !node.isGone(member)) {
        return node.who(member) + " is about to ask for the write, or to give up" + STANDS_STILL;
      }
    }
    return recoverer > 0 && recoverer <= members
        ? node.who((int) recoverer - 1) + " recovers what a dead rank left" + STANDS_STILL
        : "";
  }

  /**
   * Waits to become the owner; false if the wait was given up.
   *
   * @param id who waits, for diagnosis
   */
  public boolean awaitOwnership(ThreadId id, Waiter waiter) {
    return alone(new UndoRecord(), undo -> awaitOwnership(undo, id, waiter));
  }

  /**
   * As {@link #awaitOwnership(ThreadId, Waiter)}. If it throws, the caller is to {@link #giveBack}.
   */
  public boolean awaitOwnership(UndoRecord undo, ThreadId id, Waiter waiter) {
    return queue.await(undo, id, waiter);
  }

  /** Has the threads that wait to write look whether the controller is closed. */
  public void wakeWriters() {
    queue.wakeAll();
  }

  /**
   * Begins to wait to become the owner, as the agent: without waiting. Only if it {@link #mayAsk}.
   * To be followed by {@link #tryFinishAsking} until that is true, or {@link #stopAsking}.
   *
   * @return the request
   */
  public long startAsking() {
    published = NONE;
    ask(new UndoRecord(), 1);
    return published;
  }

  /** Becomes the owner if the lock was given to the agent, or nobody owns. */
  public boolean tryFinishAsking() {
    long now = window.get(state);
    if (isClaimed()) {
      if (owner(now) != me + 1) {
        return false; // whoever claimed is about to do it, and tells
      }
    } else if (owner(now) != 0 || !takeFree(new UndoRecord())) {
      return false;
    }
    // No request goes before the agent's.
    window.set(myRequest, NONE);
    return true;
  }

  /**
   * Takes this member's request back. If it has been claimed, and whoever did so has not named this
   * member the owner yet, it leaves that to be taken back.
   *
   * @return whether it has become the owner instead
   */
  public boolean stopAsking(long mine) {
    while (!withdraw(new UndoRecord(), mine)) {
      long now = window.get(myRequest);
      if (phase(now) != CLAIMED) {
        return false; // this rank is gone, and its request was cleared
      }
      if (isPoisoned()) {
        window.set(myRequest, NONE);
        return false;
      }
      if (finishClaim()) {
        return true;
      }
      if (abandon(now)) {
        return false;
      }
    }
    return false;
  }

  /** As the owner, counts the agent in pending no more: ranks may read. */
  public void openToReaders(boolean admitWaiting) {
    if (admitWaiting) {
      admitReaders();
    }
    dropPending();
  }

  /** As the owner, counts the agent in pending: no rank begins to read any more. */
  public void closeToReaders() {
    window.getAndAdd(state, ONE_PENDING);
  }

  /** As the owner, has the readers that are left tell when they leave; true if there are none. */
  public boolean haveReadersLeft() {
    boolean left = true;
    for (int rank = 0; rank < members; rank++) {
      left &= markDraining(line(rank) + Layout.READS);
    }
    return left;
  }

  /** Waits, as the owner, until every reader has left; false if given up, and then owns no more. */
  public boolean awaitNoReaders(Waiter waiter) {
    return alone(owning(true), undo -> awaitNoReaders(undo, waiter));
  }

  /**
   * Recovers what ranks that are gone held or waited for, and what one was given that had given up.
   * Never throws for their sake, and waits for nobody.
   */
  public void recover() {
    takeBack();
    UndoRecord undo = new UndoRecord();
    try {
      new Recovery(node, this, undo).recover();
    } catch (Throwable cut) {
      finish(undo);
      throw cut;
    }
  }

  /**
   * Ends the poison, on one node: whoever asks gets the lock again.
   *
   * @param jobRank who died; a poison by another stays
   * @return false if another rank is about to do something with the words: to be called again
   */
  public boolean clearPoison(int jobRank) {
    UndoRecord undo = new UndoRecord();
    try {
      return new Recovery(node, this, undo).clearPoison(jobRank);
    } catch (Throwable cut) {
      finish(undo);
      throw cut;
    }
  }

  /**
   * Ends the poison, as the agent, which owns then, and is counted in pending; or returns false.
   */
  public boolean ownPoisoned() {
    if (!isPoisoned()) {
      return false;
    }
    window.set(myRequest, NONE); // it may have asked when the writer died; nobody claims it now
    published = NONE;
    return new Recovery(node, this, new UndoRecord()).endPoison(1);
  }
}
