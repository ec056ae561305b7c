/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import static io.mpilock.internal.window.LockWords.NONE;
import static io.mpilock.internal.window.LockWords.POISONED;
import static io.mpilock.internal.window.LockWords.WAITING;
import static io.mpilock.internal.window.LockWords.owner;
import static io.mpilock.internal.window.LockWords.pending;
import static io.mpilock.internal.window.LockWords.phase;
import static io.mpilock.internal.window.LockWords.waiting;
import static io.mpilock.internal.window.LockWords.withOwner;
import static io.mpilock.internal.window.LockWords.withPending;

import io.mpilock.failure.LockUseException;
import io.mpilock.internal.job.Permission;
import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import io.mpilock.transport.NodeWindow;
import org.jspecify.annotations.Nullable;

/**
 * The words of one resource on a node, seen from one member: where they are, how to wake who sleeps
 * on them, how to tell the agent, and the poison. The classes above it, one side of the lock each,
 * end in {@link NodeLock}, which has the invariants.
 */
public abstract sealed class LockLine permits ReaderSide {
  static final long NOBODY = -1;
  static final int ANYBODY = -1;

  /** Somebody writes, or asks to. Not a token: those are not negative. */
  public static final long BUSY = -1;

  final RankContext node;
  final @Nullable String name;
  final String resource;
  final NodeWindow window;
  final int members;
  final int agent;
  final int me;
  final long lockLine;
  final long state;
  final long myReads;
  final long myRequest;
  final Bell readerBell;
  final boolean phaseFair;

  /** ATTENTION says that this rank has told the agent, and it was cut short before it had. */
  volatile boolean untold;

  LockLine(RankContext node, long lockLine, int me, @Nullable String name, boolean phaseFair) {
    this.node = node;
    this.name = name;
    this.resource = name == null ? "a resource" : CallNames.quoted(name);
    this.window = node.window();
    this.members = node.members();
    this.agent = node.agent();
    this.me = me;
    this.lockLine = lockLine;
    this.state = lockLine + Layout.STATE;
    this.myReads = line(me) + Layout.READS;
    this.myRequest = line(me) + Layout.REQUEST;
    this.phaseFair = phaseFair;
    this.readerBell =
        new Bell(window, lockLine + Layout.READER_BELL, node.bellWatcher(), 0, node.ranks(), true);
  }

  /** Whether readers that wait go before the next writer. */
  public boolean isPhaseFair() {
    return phaseFair;
  }

  /** The index of the lock line: the identity of the resource on this node. */
  public long lockLine() {
    return lockLine;
  }

  public long line(int rank) {
    return lockLine + Layout.LINE + (long) rank * Layout.RANK_WORDS;
  }

  public Bell bell(int rank) {
    long epoch = line(rank) + Layout.WRITER_BELL;
    return new Bell(window, epoch, node.bellWatcher(), rank, rank + 1, false);
  }

  public int me() {
    return me;
  }

  /** Wakes a member that waits for its request, or for readers to leave. */
  void ring(int member) {
    if (member == agent) {
      tellAgent();
    } else {
      bell(member).ring();
    }
  }

  /** Whether the node may not write now, or is about to be told that it may. */
  boolean isAgents() {
    return agent >= 0 && owner(window.get(state)) == agent + 1;
  }

  /** Whether the node may not even read now. */
  boolean isClosedToReaders() {
    long now = window.get(state);
    return agent >= 0 && owner(now) == agent + 1 && pending(now) != 0;
  }

  /** Has the agent look at this resource. */
  void tellAgent() {
    if (untold) {
      tellAnew();
    }
    if (window.compareAndSet(lockLine + Layout.ATTENTION, 0, me + 1)) {
      boolean told = false;
      try {
        putInInbox();
        told = true;
      } finally {
        if (!told) {
          untold = true;
        }
      }
      new Bell(window, Layout.AGENT_BELL).ring();
    }
  }

  /** Whoever comes next tells in place of one that was cut short: nobody else can. */
  void tellAnew() {
    synchronized (this) {
      if (untold) {
        window.set(lockLine + Layout.ATTENTION, 0);
        untold = false;
      }
    }
  }

  void putInInbox() {
    long first;
    do {
      first = window.get(Layout.INBOX);
      window.set(lockLine + Layout.NEXT, first);
    } while (!window.compareAndSet(Layout.INBOX, first, lockLine));
  }

  /** Has the agent look at this resource, if it is the agent that can go on. */
  void tellAgentOwner() {
    if (isAgents()) {
      tellAgent();
    }
  }

  /** In case that a rank died between its request and its word to the agent. */
  public void remindAgent() {
    if (isAgents()) {
      tellAgent();
      new Bell(window, Layout.AGENT_BELL).ring();
    }
  }

  /** Says that this thread tries and does not wait for holds; gives the number of its try. */
  public long countTry(UndoRecord undo) {
    long before = window.getAndAdd(lockLine + Layout.TRIES, 1);
    undo.tries = true;
    return before + 1;
  }

  /** Ends what {@link #countTry} began. */
  public void endTry(UndoRecord undo) {
    window.getAndAdd(lockLine + Layout.ENDED_TRIES, 1);
    undo.tries = false;
  }

  /**
   * Whether it is the agent that keeps ranks out, and not a rank: it owns, or is about to, since
   * nobody does.
   */
  public boolean isKeptByAgent() {
    int owner = owner(window.get(state));
    return agent >= 0
        && (owner == agent + 1
            || (owner == 0 && (window.get(line(agent) + Layout.REQUEST) != NONE || isAgents())));
  }

  /** As {@link #isKeptByAgent}, for a rank that wants to read. */
  public boolean isKeptFromReading() {
    return isKeptByAgent() && pending(window.get(state)) != 0;
  }

  /** Nobody can grant what the agent would have to ask for, or take back what it has begun. */
  public void throwIfBroken() {
    if (isAgents() || (agent >= 0 && window.get(line(agent) + Layout.REQUEST) != NONE)) {
      node.throwIfBroken();
    }
  }

  /** But of a rank that has gone others clear the holds, and what it gives back later carries. */
  void refuse(long most, String what) {
    if (!node.hasGone()) {
      throw new LockUseException(
          ("More than %d threads of rank %d %s %s at once. Close the leases of"
                  + " threads that no longer need it.")
              .formatted(most, node.jobRank(me), what, resource));
    }
  }

  static void lose(UndoRecord undo) {
    undo.writes = 0;
    undo.uncounted = false;
    undo.heir = UndoRecord.NOBODY;
  }

  boolean enter(UndoRecord undo) {
    if (!node.enter()) {
      return false;
    }
    undo.entered++;
    return true;
  }

  void leave(UndoRecord undo) {
    node.leave();
    undo.entered--;
  }

  /** Whether a grant after the wait was given up is of no use. A try asks for no more than that. */
  static boolean isTooLate(Waiter waiter) {
    return !waiter.isTry() || waiter.wasInterrupted();
  }

  /** What the ranks of the node may do, as far as the words tell. */
  public Permission permission() {
    if (isPoisoned()) {
      return Permission.NONE;
    }
    return !isAgents() ? Permission.EXCLUSIVE : token() < 0 ? Permission.NONE : Permission.SHARED;
  }

  /** What ranks of the node wait for. */
  public Permission wanted() {
    Permission wanted = Permission.NONE;
    for (int rank = 0; rank < members; rank++) {
      if (rank != agent && phase(window.get(line(rank) + Layout.REQUEST)) == WAITING) {
        return Permission.EXCLUSIVE;
      }
      if (waiting(window.get(line(rank) + Layout.READS)) != 0) {
        wanted = Permission.SHARED;
      }
    }
    return wanted;
  }

  public long token() {
    return window.get(lockLine + Layout.TOKEN);
  }

  /** The word of a counter's number. */
  public long valueIndex() {
    return lockLine + Layout.VALUE;
  }

  /**
   * Remembers since when the token has been what it is, at the latest: the write that has it is as
   * old. Whoever has waited for a while calls it, since a write that is granted at once reads no
   * clock.
   */
  public void noteToken() {
    long token = token();
    if (window.get(lockLine + Layout.SEEN_TOKEN) != token) {
      window.setRelease(lockLine + Layout.SEEN_SINCE, System.currentTimeMillis());
      window.setRelease(lockLine + Layout.SEEN_TOKEN, token);
    }
  }

  /** Since when at the latest a write has held, in milliseconds of the epoch, or 0. */
  long tokenSince() {
    return window.get(lockLine + Layout.SEEN_TOKEN) == token()
        ? window.get(lockLine + Layout.SEEN_SINCE)
        : 0;
  }

  public boolean isPoisoned() {
    return owner(window.get(state)) == POISONED;
  }

  public void throwIfPoisoned() {
    if (isPoisoned()) {
      throw poisoned();
    }
  }

  /**
   * What a request gets that has met the poison, though it may have been given free since: it has
   * given up for it.
   */
  RuntimeException poisoned() {
    if (node.isClosed()) { // it may be this very rank that has closed with the write held
      return node.closedFailure();
    }
    long rank = window.get(lockLine + Layout.POISONED_BY) - 1; // which stays when the poison ends
    if (rank < 0 || rank >= node.jobSize()) {
      return node.damaged(resource + " is poisoned by rank " + rank);
    }
    if (name != null) {
      node.settings().stallListener().poisoned(name, (int) rank);
    }
    return node.failed(
        (int) rank,
        "it held the write, so what the lock guards may be half written, and no"
            + " thread gets it any more. Check the data and clear the poison"
            + " (ResourceLock.clearPoison, or the endpoint), or start the job again. Set"
            + " mpilock.on-holder-death=release if readers can recognise such data.");
  }

  public void ringAll() {
    ringRanks();
    if (agent >= 0) {
      tellAgent();
    }
  }

  /** Wakes all ranks, and not the agent. */
  public void ringRanks() {
    readerBell.ring();
    for (int rank = 0; rank < members; rank++) {
      if (rank != agent) {
        ring(rank);
      }
    }
  }

  /** Gives nobody the lock any more. Of two that do so the first wins. */
  public void poison(int jobRank) {
    poison(jobRank, ANYBODY);
  }

  /**
   * Gives nobody the lock any more, in place of a dead owner; nothing if it has released it late.
   */
  public void poison(int jobRank, int deadOwner) {
    long now = window.get(state);
    if (owner(now) != POISONED) {
      window.set(lockLine + Layout.POISONED_BY, jobRank + 1L); // which counts while it is poisoned
    }
    // Pending until somebody gives it free, so that no reader gets in either.
    while (owner(now) != POISONED) {
      if (deadOwner != ANYBODY && owner(now) != deadOwner) {
        return;
      }
      if (window.compareAndSet(
          state, now, withPending(withOwner(now, POISONED), pending(now) + 1))) {
        break;
      }
      now = window.get(state);
    }
    ringAll();
  }

  /** Whether a rank, if it is of this node, can write nothing any more: its process has ended. */
  public boolean hasEnded(int jobRank) {
    return node.memberOf(jobRank) < 0 || !node.communicator().isAlive(jobRank);
  }

  /** Has the agent have the poison ended that there is because of a rank. */
  public void askToClear(int jobRank) {
    window.set(lockLine + Layout.CLEAR, jobRank + 1L);
    tellAgent();
  }

  /** The rank that died in its write, or -1. */
  public int poisonedBy() {
    return isPoisoned() ? (int) window.get(lockLine + Layout.POISONED_BY) - 1 : -1;
  }
}
