package io.mpilock.protocol;

import io.mpilock.transport.NodeWindow;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;

/**
 * The threads of one rank that wait to write a resource, in the order in which they asked, behind
 * the one request that the rank has in the node's table.
 *
 * <p>A thread takes its number when it asks, and joins the queue in the same step, under a mutex of
 * the process: so the queue is sorted by number. The rank's REQUEST shows the number of the first,
 * and counts once in pending however many threads stand behind it:
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
final class WriteQueue {
  private final NodeWindow window;
  private final NodeLock words;
  private final RankThreads threads;
  private final Lock mutex;
  private final long line;
  private @Nullable Turn first; // as all below guarded by the mutex
  private @Nullable Turn last;
  private int length;

  /** Whether the rank's request is that of the first; then all have their numbers. */
  private boolean asked;

  /** One thread's place. */
  private static final class Turn {
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

  WriteQueue(Node node, NodeLock words) {
    this.window = node.window();
    this.words = words;
    this.threads = node.threads();
    this.mutex = threads.newMutex();
    this.line = words.line(words.me());
  }

  /**
   * Waits to become the owner; false if the wait was given up.
   *
   * @param id who waits, for diagnosis
   */
  boolean await(ThreadId id, Patience patience) {
    Turn turn = new Turn(id);
    boolean granted = false;
    boolean thrown = true;
    boolean owns = false;
    try {
      granted =
          join(turn, patience)
              && awaitFirst(turn, patience)
              && awaitRequest(turn, patience)
              && awaitGrant(turn, patience);
      thrown = false;
    } finally { // also when the wait throws: ownership would be given to nobody
      owns = leave(turn, granted);
      if (owns && (thrown || (!granted && NodeLock.isTooLate(patience)))) {
        words.releaseOwnership();
        owns = false;
      }
    }
    words.throwIfPoisoned();
    return owns;
  }

  /** Takes a place and a number; false if the controller is closed, or a try would have to wait. */
  private boolean join(Turn turn, Patience patience) {
    mutex.lock();
    try {
      if (first == null) {
        link(turn);
        return !words.mayAsk() || ask(turn);
      }
      if (patience.isTry()) {
        return false; // others of this rank go before it
      }
      link(turn);
      if (asked) {
        turn.request = LockWords.request(words.takeNumber(), LockWords.WAITING);
      }
      return true;
    } finally {
      mutex.unlock();
    }
  }

  /**
   * Asks for the first; false if the controller is closed. Those behind it have no numbers yet, and
   * get them in the same step.
   */
  private boolean ask(Turn turn) {
    long request = words.ask(length);
    if (request == NodeLock.NOBODY) {
      return false;
    }
    asked = true;
    for (Turn each = turn; each != null; each = each.behind) {
      each.request = request;
      request += LockWords.ONE_SEQUENCE;
    }
    words.tellAgentOwner();
    return true;
  }

  /**
   * Waits, as the first, until what this rank asked for before, and gave up after it had been
   * claimed, is over: until then it cannot ask.
   */
  private boolean awaitRequest(Turn turn, Patience patience) {
    while (true) {
      mutex.lock();
      try {
        if (asked) {
          return true;
        }
        if (words.mayAsk()) {
          return ask(turn);
        }
      } finally {
        mutex.unlock();
      }
      if (words.isPoisoned() || !patience.pause(words.bell(words.me()), words::mayAsk)) {
        return false;
      }
    }
  }

  private boolean awaitFirst(Turn turn, Patience patience) {
    if (!turn.isFirst) {
      patience.skipSpinning();
      while (!turn.isFirst) {
        if (!patience.park(this)) {
          return false;
        }
      }
    }
    return true;
  }

  private boolean awaitGrant(Turn turn, Patience patience) {
    while (words.awaitGrant(patience)) {
      if (words.isAsking(turn.request)) {
        return true;
      }
      // The claim is that of one who gave up, and this one ends it in its place. It may not keep
      // what comes by that: threads of other ranks may have asked before it.
      if (!askAsOwner(turn)) {
        return false;
      }
      words.releaseOwnership();
    }
    return false;
  }

  private boolean askAsOwner(Turn turn) {
    mutex.lock();
    try {
      return words.endRequest(turn.request);
    } finally {
      mutex.unlock();
    }
  }

  /**
   * Ends a turn.
   *
   * @param granted whether this rank owns by it
   * @return whether this rank owns: also if that came at the last moment
   */
  private boolean leave(Turn turn, boolean granted) {
    mutex.lock();
    try {
      if (!turn.joined) {
        return false;
      }
      try {
        return turn.isFirst && asked && leaveRequest(turn, turn.behind, granted);
      } finally {
        unlink(turn); // not before: the next would take this one's claim for its own
      }
    } finally {
      mutex.unlock();
    }
  }

  private boolean leaveRequest(Turn turn, @Nullable Turn behind, boolean granted) {
    long next = behind == null ? LockWords.NONE : behind.request;
    return (granted || words.stopAsking(turn.request, next)) && words.endRequest(next);
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

  /** Takes a turn out, whatever the window says, and wakes who becomes the first by that. */
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
    } else {
      last = before;
    }
    asked &= first != null;
    if (before == null && behind != null) {
      behind.isFirst = true;
      threads.unpark(behind.thread);
      note(behind);
    }
    countWaiting();
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
    mutex.lock();
    try {
      for (Turn turn = first; turn != null; turn = turn.behind) {
        threads.unpark(turn.thread);
      }
    } finally {
      mutex.unlock();
    }
  }
}
