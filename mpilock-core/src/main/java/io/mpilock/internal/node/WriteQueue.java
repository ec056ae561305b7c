/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.internal.window.ThreadParker;
import io.mpilock.internal.window.Waiter;
import io.mpilock.transport.NodeWindow;
import org.jspecify.annotations.Nullable;

/**
 * The threads of one rank that wait to write a resource, in the order in which they asked, behind
 * the one request that the rank has in the node's table.
 *
 * <p>A thread takes its number when it asks, and joins the queue in the same step, under this
 * queue's monitor: so the queue is sorted by number. The rank's REQUEST shows the number of the
 * first, and counts once in pending however many threads stand behind it:
 *
 * <pre>
 *   a thread comes, and is the first    INTENT; sequence + 1 and pending + 1; WAITING(its number)
 *   a thread comes, and others wait     sequence + 1
 *   the first is granted the write      INTENT; pending + 1; WAITING(number of the next); or NONE
 *   the first gives up                  WAITING(its number) becomes WAITING(number of the next);
 *                                       if it is CLAIMED, the next ends the claim in its place
 *   the only one gives up               INTENT; pending - 1; NONE; if it is CLAIMED, ABANDONED
 *   another one gives up                nothing
 * </pre>
 *
 * <p>While an ABANDONED request is not over none can be made. Who comes then gets a place, and all
 * get their numbers when the first of them can ask.
 *
 * <p><b>Invariant.</b> While a thread waits and its rank does not own, its rank's REQUEST shows its
 * number or a smaller one. So whoever looks at all requests while this rank does not own finds this
 * thread's, or one of its rank that goes before it. A number smaller than the newest is published
 * only by the rank that owns, before it gives ownership away, or in the place of one that is
 * smaller still.
 *
 * <p>The first sleeps on the rank's bell, and looks for dead ranks and stalls. The others park, and
 * wake for their turn, their own time-out or interrupt, and the close of the controller.
 */
public final class WriteQueue {
  private final NodeWindow window;
  private final NodeLock words;
  private final ThreadParker threads;
  private final long line;
  private @Nullable Turn first; // as all below guarded by this queue's monitor
  private @Nullable Turn last;
  private int length;

  /** Whether all who were there when the first asked have the numbers that it took for them. */
  private boolean numbered = true;

  /** One thread's place. */
  static final class Turn {
    private final Thread thread = Thread.currentThread();
    private final ThreadId id;
    private final long since = System.currentTimeMillis();
    private long request; // with its number
    private boolean joined;
    private @Nullable Turn before;
    private @Nullable Turn behind;

    /** Set for good, with an unpark. */
    private volatile boolean isFirst;

    Turn(ThreadId id) {
      this.id = id;
    }
  }

  WriteQueue(RankContext node, NodeLock words) {
    this.window = node.window();
    this.words = words;
    this.threads = node.threads();
    this.line = words.line(words.me());
  }

  /**
   * Waits to become the owner; false if the wait was given up. If it throws, the caller is to
   * {@link NodeLock#giveBack}.
   *
   * @param undo in which it notes the place, and the ownership
   * @param id who waits, for diagnosis
   */
  boolean await(UndoRecord undo, ThreadId id, Waiter waiter) {
    Turn turn = new Turn(id);
    undo.turn = turn;
    boolean granted =
        join(undo, turn, waiter)
            && awaitFirst(turn, waiter)
            && awaitRequest(undo, waiter)
            && awaitGrant(undo, turn, waiter);
    leave(undo, granted);
    if (undo.writes != 0 && !granted && NodeLock.isTooLate(waiter)) {
      words.releaseOwnership(undo);
    }
    words.throwIfPoisoned();
    return undo.writes != 0;
  }

  /** Takes a place and a number; false if the controller is closed, or a try would have to wait. */
  private boolean join(UndoRecord undo, Turn turn, Waiter waiter) {
    return threads.alone(this, () -> joinAlone(undo, turn, waiter));
  }

  private boolean joinAlone(UndoRecord undo, Turn turn, Waiter waiter) {
    boolean joins = first == null || !waiter.isTry(); // others of this rank go before a try
    if (joins) {
      link(turn);
      if (words.published() != LockWords.NONE) {
        turn.request = LockWords.request(words.takeNumber(), LockWords.WAITING);
      } else if (turn.isFirst && words.mayAsk()) {
        joins = ask(undo);
      }
    }
    return joins;
  }

  /**
   * Asks for the first; false if the controller is closed. Those behind it have no numbers yet, and
   * get them in the same step.
   */
  private boolean ask(UndoRecord undo) {
    for (Turn each = first; each != null; each = each.behind) {
      each.request = LockWords.NONE;
    }
    numbered = false;
    words.ask(undo, length);
    number();
    words.tellAgentOwner();
    return words.published() != LockWords.NONE;
  }

  /** Gives those who were there when the first asked their numbers, unless that was done. */
  private void number() {
    long request = words.published();
    if (!numbered && request != LockWords.NONE) {
      for (Turn each = first; each != null; each = each.behind) {
        if (each.request == LockWords.NONE) {
          each.request = request;
          request += LockWords.ONE_SEQUENCE;
        }
      }
      numbered = true;
    }
  }

  /**
   * Waits, as the first, until what this rank asked for before, and gave up after it had been
   * claimed, is over: until then it cannot ask.
   */
  private boolean awaitRequest(UndoRecord undo, Waiter waiter) {
    while (true) {
      Boolean open = threads.<@Nullable Boolean>alone(this, () -> isOpenAlone(undo));
      if (open != null) {
        return open;
      }
      words.throwIfPoisoned();
      if (!waiter.pause(words.bell(words.me()), words::mayAsk)) {
        return false;
      }
    }
  }

  /** Whether this rank has asked or does now; null if it cannot yet, false if it is closed. */
  private @Nullable Boolean isOpenAlone(UndoRecord undo) {
    if (words.published() != LockWords.NONE) {
      return true;
    }
    return words.mayAsk() ? ask(undo) : null;
  }

  private boolean awaitFirst(Turn turn, Waiter waiter) {
    if (!turn.isFirst) {
      waiter.skipSpinning();
      while (!turn.isFirst) {
        if (!waiter.park(this)) {
          return false;
        }
      }
    }
    return true;
  }

  private boolean awaitGrant(UndoRecord undo, Turn turn, Waiter waiter) {
    while (words.awaitGrant(undo, waiter)) {
      if (words.isAsking(turn.request)) {
        return true;
      }
      // The claim is that of one who gave up, and this one ends it in its place. It may not keep
      // what comes by that: threads of other ranks may have asked before it.
      threads.alone(
          this,
          () -> {
            words.endRequest(undo, turn.request);
            return true;
          });
      if (undo.writes == 0) {
        return false;
      }
      words.releaseOwnership(undo);
    }
    return false;
  }

  /**
   * Ends a turn: this rank may own by it then, also if that came at the last moment. Where it was
   * cut short before it goes on.
   *
   * @param granted whether this rank owns by it
   */
  void leave(UndoRecord undo, boolean granted) {
    Turn turn = undo.turn;
    if (turn != null) {
      threads.alone(this, () -> leaveAlone(undo, turn, granted));
    }
  }

  private boolean leaveAlone(UndoRecord undo, Turn turn, boolean granted) {
    if (turn.joined) {
      number();
      if (turn.isFirst) {
        leaveRequest(undo, turn, granted);
      }
      unlink(turn); // not before: the next would take this one's claim for its own
    }
    Turn next = first;
    if (turn.isFirst && next != null) {
      threads.unpark(next.thread);
      note(next);
    }
    countWaiting();
    undo.turn = null;
    return true;
  }

  private void leaveRequest(UndoRecord undo, Turn turn, boolean granted) {
    long published = words.published();
    Turn behind = turn.behind;
    long next = behind == null || published == LockWords.NONE ? LockWords.NONE : behind.request;
    words.endIntent(next);
    if (published != LockWords.NONE
        && words.published() == turn.request
        && (granted || words.stopAsking(undo, turn.request, next))) {
      words.endRequest(undo, next);
    }
  }

  private void link(Turn turn) {
    Turn end = last;
    turn.joined = true;
    turn.before = end;
    last = turn;
    length++;
    if (end == null) {
      first = turn;
      turn.isFirst = true;
      note(turn);
    } else {
      end.behind = turn;
    }
    countWaiting();
  }

  /** Takes a turn out. Calls nothing, so that it is done or not. */
  private void unlink(Turn turn) {
    Turn before = turn.before;
    Turn behind = turn.behind;
    turn.joined = false;
    length--;
    if (before != null) {
      before.behind = behind;
    } else {
      first = behind;
    }
    if (behind != null) {
      behind.before = before;
      behind.isFirst = before == null;
    } else {
      last = before;
    }
  }

  /** Names the first, for diagnosis. */
  private void note(Turn turn) {
    turn.id.put(window, line + Layout.WAITER);
    window.setRelease(line + Layout.WAITER_SINCE, turn.since);
  }

  private void countWaiting() {
    window.setRelease(line + Layout.WAITING_WRITERS, Math.max(0, length - 1));
  }

  /** Has all who wait look whether the controller is closed. */
  void wakeAll() {
    threads.alone(this, this::wakeAllAlone);
  }

  private boolean wakeAllAlone() {
    for (Turn turn = first; turn != null; turn = turn.behind) {
      threads.unpark(turn.thread);
    }
    return true;
  }
}
