/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import static io.mpilock.internal.window.LockWords.CLAIMED;
import static io.mpilock.internal.window.LockWords.INTENT;
import static io.mpilock.internal.window.LockWords.NONE;
import static io.mpilock.internal.window.LockWords.ONE_PENDING;
import static io.mpilock.internal.window.LockWords.ONE_SEQUENCE;
import static io.mpilock.internal.window.LockWords.WAITING;
import static io.mpilock.internal.window.LockWords.isBefore;
import static io.mpilock.internal.window.LockWords.owner;
import static io.mpilock.internal.window.LockWords.pending;
import static io.mpilock.internal.window.LockWords.phase;
import static io.mpilock.internal.window.LockWords.request;
import static io.mpilock.internal.window.LockWords.sequence;
import static io.mpilock.internal.window.LockWords.withOwner;

import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import org.jspecify.annotations.Nullable;

/**
 * The table of requests: how a member publishes its own and takes it back, and which one is the
 * next.
 */
public abstract sealed class RequestTable extends ReaderSide permits Succession {
  static final int LOST = -1;

  /** The request that stands in the table for a thread of this rank; guarded by the queue. */
  long published;

  /** While the request is INTENT: whether pending counts it. Guarded by the queue, as above. */
  boolean counted;

  /**
   * How often in a row this rank's threads passed the write among themselves; guarded by ownership.
   */
  int handovers;

  RequestTable(RankContext node, long lockLine, int me, @Nullable String name, boolean phaseFair) {
    super(node, lockLine, me, name, phaseFair);
  }

  /**
   * Publishes this member's request; not if it closes.
   *
   * @param threads how many numbers it takes: the first of them for the request, the others for
   *     those who come after it
   */
  void ask(UndoRecord undo, int threads) {
    if (!enter(undo)) {
      return;
    }
    counted = false;
    window.set(myRequest, request(0, INTENT));
    if (node.isClosed() && me != agent) { // close looks at the request after it has said so
      window.set(myRequest, NONE);
    } else {
      long before = window.getAndAdd(state, threads * ONE_SEQUENCE + ONE_PENDING);
      counted = true;
      long mine = request(sequence(before) + 1L, WAITING);
      window.set(myRequest, mine);
      published = mine;
    }
    leave(undo);
  }

  /**
   * The request of the thread of this rank for which something stands in the table; NONE if there
   * is none.
   */
  long published() {
    return published;
  }

  /**
   * Goes on where something was thrown while this member's request was about to be published or
   * withdrawn. Nothing if it was not.
   *
   * @param next the request that is to stand there, or NONE
   */
  void endIntent(long next) {
    if (phase(window.get(myRequest)) != INTENT) {
      return;
    }
    if (next == NONE) {
      if (counted) {
        dropPending();
      }
      window.set(myRequest, NONE);
      published = NONE;
    } else {
      publish(next);
    }
  }

  /** Counts a request, which is INTENT, and shows it. */
  void publish(long request) {
    if (!counted) {
      window.getAndAdd(state, ONE_PENDING);
      counted = true;
    }
    window.set(myRequest, request);
    published = request;
  }

  /** Takes a number for a thread that waits behind the one of this member's request. */
  int takeNumber() {
    return sequence(window.getAndAdd(state, ONE_SEQUENCE)) + 1;
  }

  /**
   * Ends the request of a thread that became the owner, and asks for the one behind it, before
   * anything is given away. Not if this rank is gone, and owns nothing any more.
   *
   * @param next the request of that one, or NONE
   */
  void endRequest(UndoRecord undo, long next) {
    if (!enter(undo)) {
      lose(undo);
      return;
    }
    if (next == NONE) {
      window.setRelease(myRequest, NONE);
      published = NONE;
      undo.writes = 1;
      undo.uncounted = false; // what pending counted as a request
    } else {
      counted = false;
      window.set(myRequest, request(0, INTENT));
      undo.writes = 1;
      undo.uncounted = false;
      publish(next);
    }
    leave(undo);
  }

  /** Whether this member's request, WAITING or CLAIMED, is the given one. */
  boolean isAsking(long mine) {
    return sequence(window.get(myRequest)) == sequence(mine);
  }

  boolean replace(UndoRecord undo, long mine, long next) {
    if (!enter(undo)) {
      return true; // whoever recovers sees to it
    }
    boolean replaced = window.compareAndSet(myRequest, mine, next);
    if (replaced) {
      published = next;
    }
    leave(undo);
    if (replaced) {
      tellAgentOwner(); // the one may have tried only, and the other waits
    }
    return replaced;
  }

  boolean isClaimed() {
    return phase(window.get(myRequest)) == CLAIMED;
  }

  /**
   * Ends a claim, if the owner that claimed this member's request has named it the owner: that is
   * its next step. If that owner has died in between, a rank that recovers does it in its place.
   */
  boolean finishClaim() {
    if (owner(window.get(state)) != me + 1 || !node.enter()) {
      return false;
    }
    try {
      window.setRelease(myRequest, NONE);
    } finally {
      node.leave();
    }
    return true;
  }

  /** Whether the request is over; not if it has been claimed. */
  boolean withdraw(UndoRecord undo, long mine) {
    if (!enter(undo)) {
      return true; // whoever recovers sees to it
    }
    counted = true;
    boolean withdrawn = window.compareAndSet(myRequest, mine, mine - WAITING + INTENT);
    if (withdrawn) {
      dropPending();
      window.set(myRequest, NONE);
      published = NONE;
    }
    leave(undo);
    if (withdrawn && me != agent) {
      tellAgentOwner();
    }
    return withdrawn;
  }

  void dropPending() {
    long before = window.getAndAdd(state, -ONE_PENDING);
    counted = false;
    if (pending(before) == 1) {
      readerBell.ring();
    }
  }

  /** Becomes the owner if nobody is; a request that comes or goes meanwhile is no reason not to. */
  boolean takeFree(UndoRecord undo) {
    while (true) {
      long now = window.get(state);
      if (owner(now) != 0) {
        return false;
      }
      if (window.compareAndSet(state, now, withOwner(now, me + 1))) {
        undo.writes = 1;
        undo.uncounted = true;
        return true;
      }
    }
  }

  /** Claims the very request that was found; the rank may have made another since. */
  boolean claim(long found) {
    int sequence = sequence(found);
    return window.compareAndSet(
        line((int) found) + Layout.REQUEST, request(sequence, WAITING), request(sequence, CLAIMED));
  }

  /** Names the next owner; tells how many are pending then, or LOST if this is not the owner. */
  int giveTo(UndoRecord undo, int owner) {
    while (true) {
      long now = window.get(state);
      if (owner(now) != me + 1) {
        lose(undo);
        return LOST; // taken for gone by somebody, and recovered
      }
      long next = withOwner(undo.uncounted ? now : now - ONE_PENDING, owner);
      int left = pending(next);
      if (window.compareAndSet(state, now, next)) {
        boolean keeps = owner == me + 1;
        undo.writes = keeps ? 1 : 0;
        undo.uncounted = keeps;
        undo.heir = UndoRecord.NOBODY;
        return left;
      }
    }
  }

  long nextRequest(boolean mayHandOver) {
    long mine = window.get(myRequest);
    if (mayHandOver
        && handovers < node.settings().handoverLimit()
        && phase(mine) == WAITING
        && agentsRequest() == NOBODY) {
      handovers++;
      return found(mine, me);
    }
    handovers = 0;
    return firstRequest();
  }

  /** Other nodes wait for the agent's: it goes first. */
  long agentsRequest() {
    if (agent >= 0) {
      long theirs = window.get(line(agent) + Layout.REQUEST);
      if (phase(theirs) == WAITING) {
        return found(theirs, agent);
      }
    }
    return NOBODY;
  }

  /** The sequence of the first request, and behind it its rank; or NOBODY. */
  long firstRequest() {
    long first = agentsRequest();
    if (first != NOBODY) {
      return first;
    }
    int end = members;
    // An earlier request may have been published behind the scan's back, before the one that was
    // found began: so those that were looked at before that one are looked at once more.
    for (int round = 0; round < 2; round++) {
      for (int rank = 0; rank < end; rank++) {
        long theirs = window.get(line(rank) + Layout.REQUEST);
        if (phase(theirs) == WAITING
            && (first == NOBODY || isBefore(sequence(theirs), sequence(first)))) {
          first = found(theirs, rank);
        }
      }
      end = (int) first;
    }
    return first;
  }

  static long found(long request, int rank) {
    return request(sequence(request), rank);
  }
}
