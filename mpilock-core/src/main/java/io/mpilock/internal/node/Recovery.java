/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import static io.mpilock.internal.window.LockWords.ABANDONED;
import static io.mpilock.internal.window.LockWords.CLAIMED;
import static io.mpilock.internal.window.LockWords.INTENT;
import static io.mpilock.internal.window.LockWords.NONE;
import static io.mpilock.internal.window.LockWords.ONE_WAITING;
import static io.mpilock.internal.window.LockWords.POISONED;
import static io.mpilock.internal.window.LockWords.RETURNING;
import static io.mpilock.internal.window.LockWords.holds;
import static io.mpilock.internal.window.LockWords.owner;
import static io.mpilock.internal.window.LockWords.phase;
import static io.mpilock.internal.window.LockWords.waiting;
import static io.mpilock.internal.window.LockWords.withOwner;
import static io.mpilock.internal.window.LockWords.withPending;

import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import io.mpilock.transport.NodeWindow;
import java.util.ArrayList;
import java.util.List;

/**
 * Recovers what ranks that are gone left in the words of a lock. Waiters call it now and then.
 *
 * <p>One rank recovers at a time: RECOVERER says which. If that one dies, the next takes over; no
 * step relies on an earlier one having been finished, since pending is not corrected but counted
 * anew. A recoverer never waits for a process that stands still between two steps: it leaves all as
 * it was, and whoever waits comes again.
 *
 * <p>Requests of the dead stay in the table while somebody alive owns, and count as before: the
 * owner may even give ownership to one. They go when nobody alive owns. Then the rank that recovers
 * owns in the dead's place, so nobody else can take ownership or claim, and live requests can be
 * counted.
 *
 * <p>While the node's agent owns, only it recovers the requests; and if it has died, nobody does:
 * what it owned for other nodes must not be given away. Unless it had claimed a rank's request,
 * which it does only when the node may write: then ownership was on its way to that rank. A dead
 * agent's own request goes like those of the ranks.
 */
public final class Recovery {
  private static final int NOBODY = -1;
  private static final int UNSETTLED = -2;

  /**
   * How often a rank that recovers looks whether a rank has ended its steps, which take
   * nanoseconds.
   */
  private static final int MAX_TURNS = 1000;

  private final RankContext node;
  private final NodeWindow window;
  private final NodeLock lock;
  private final UndoRecord undo;
  private final long state;
  private final long recoverer;

  /**
   * A recovery by this rank.
   *
   * @param undo of which whoever calls {@link #recover} gives back what is left if that throws
   */
  public Recovery(RankContext node, NodeLock lock, UndoRecord undo) {
    this.node = node;
    this.window = node.window();
    this.lock = lock;
    this.undo = undo;
    this.state = lock.lockLine() + Layout.STATE;
    this.recoverer = lock.lockLine() + Layout.RECOVERER;
  }

  void recover() {
    if (!isNeeded()) {
      return;
    }
    long other = window.get(recoverer);
    if ((other == 0 || node.isGone((int) other - 1)) && lock.enter(undo)) {
      long mine = lock.me() + 1L;
      if (window.compareAndSet(recoverer, other, mine)) {
        undo.recovers = true;
        mendReads();
        mendWrite();
        lock.endRecovery(undo);
      }
      lock.leave(undo);
    }
  }

  /**
   * Ends the poison by a rank, and passes the lock on to who asks; false if it is to be called
   * again. Who has RECOVERER is the only one to poison or to end it, so a late one ends no other.
   */
  boolean clearPoison(int jobRank) {
    long other = window.get(recoverer);
    boolean recovers =
        (other == 0 || node.isGone((int) other - 1))
            && lock.enter(undo)
            && window.compareAndSet(recoverer, other, lock.me() + 1L);
    if (recovers) {
      undo.recovers = true;
      if (lock.poisonedBy() == jobRank && endPoison(0)) {
        if (lock.isPhaseFair()) {
          lock.admitReaders();
        }
        lock.passOn(undo, false);
        lock.ringAll();
      }
      lock.endRecovery(undo);
    }
    lock.finish(undo); // has been entered
    return lock.poisonedBy() != jobRank;
  }

  /**
   * Ends the poison: this member owns then, and all requests are counted that are there. On one
   * node as a rank that recovers, so that nobody else is at it; else the agent's thread does it.
   *
   * @param own what this member itself counts for
   * @return false if a rank that lives is about to ask or to give up: to be called again
   */
  boolean endPoison(int own) {
    return settle(POISONED - 1, own) != UNSETTLED;
  }

  private boolean isNeeded() {
    int owner = owner(window.get(state));
    if (owner != 0 && owner != POISONED && mayMend(owner)) {
      return true;
    }
    for (int rank = 0; rank < node.members(); rank++) {
      if ((requestPhase(rank) != NONE || isCounted(window.get(reads(rank)))) && node.isGone(rank)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isCounted(long reads) {
    return holds(reads) + waiting(reads) != 0;
  }

  private void mendReads() {
    for (int rank = 0; rank < node.ranks(); rank++) {
      long reads = window.get(reads(rank));
      if (!isCounted(reads) || !node.isGone(rank)) {
        continue;
      }
      while (!window.compareAndSet(
          reads(rank), reads, reads - holds(reads) - waiting(reads) * ONE_WAITING)) {
        reads = window.get(reads(rank)); // the owner let a waiting reader in, or marked it
      }
      window.set(lock.line(rank) + Layout.WAITING_READERS, 0);
      lock.ringDrainer();
    }
  }

  private void mendWrite() {
    long now = window.get(state);
    int owner = owner(now);
    if (owner == POISONED) {
      return;
    }
    if (owner == 0) {
      if (!isAskedByGone() || !window.compareAndSet(state, now, withOwner(now, lock.me() + 1))) {
        return;
      }
      undo.writes = 1;
      undo.uncounted = true;
    } else if (!mayMend(owner) || owner(window.get(state)) != owner) {
      return; // it was alive at the first look, and may have given the lock away before it died
    }
    int before = owner == 0 ? lock.me() : owner - 1;
    int heir = settle(before, 0);
    if (heir == UNSETTLED && before != lock.me()) {
      return; // the dead owner stays, so it is seen that there is something to recover
    }
    if (heir >= 0) {
      lock.ring(heir);
      lock.takeBack(); // if it gave up after it was counted
    } else {
      if (lock.isPhaseFair()) {
        lock.admitReaders();
      }
      lock.passOn(undo, false);
    }
  }

  /** Whether an owner is gone, and what it owned was the node's. */
  private boolean mayMend(int owner) {
    return node.isGone(owner - 1) && (owner != node.agent() + 1 || isClaimed(node.ranks()));
  }

  /** Whether the owner has chosen the next one, among the first members. */
  private boolean isClaimed(int members) {
    for (int rank = 0; rank < members; rank++) {
      if (isClaim(requestPhase(rank))) {
        return true;
      }
    }
    return false;
  }

  private static boolean isClaim(int phase) {
    return phase == CLAIMED || phase == ABANDONED || phase == RETURNING;
  }

  /**
   * As the agent, and the owner: clears the requests of the gone, and counts those of the living.
   *
   * @param own what the agent itself counts for
   * @return false if a rank that lives is about to ask, or to give up: then the agent comes again
   */
  public boolean mendAsAgent(int own) {
    for (int turn = 1; isAskedByGone(); turn++) {
      if (turn > MAX_TURNS) {
        return false;
      }
      long now = window.get(state); // before the count: a request made or withdrawn since shows
      int count = own;
      boolean settled = true;
      List<Integer> gone = new ArrayList<>(); // who dies after this has been counted
      for (int rank = 0; rank < node.ranks(); rank++) {
        int phase = requestPhase(rank);
        if (phase == NONE) {
          continue;
        }
        if (node.isGone(rank)) {
          gone.add(rank);
        } else {
          settled &= phase != INTENT;
          count++;
        }
      }
      if (settled && window.compareAndSet(state, now, withPending(now, count))) {
        gone.forEach(this::clear);
        lock.ringAll();
      }
      Waiter.backOff(turn);
    }
    return true;
  }

  private boolean isAskedByGone() {
    for (int rank = 0; rank < node.members(); rank++) {
      if (requestPhase(rank) != NONE && node.isGone(rank)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Whether a gone owner may have left something half written: not if it still waited for readers,
   * had not taken note of its grant, had chosen the next owner, or closed with nothing held.
   */
  private boolean hasWritten(int owner) {
    if (lock.releaseOnDeath
        || node.life(owner) == RankContext.LEFT
        || window.get(lock.line(owner) + Layout.DRAINS) != 0) {
      return false;
    }
    return !isClaimed(node.members());
  }

  /**
   * Clears the requests of the gone, counts those of the living, and names as owner the rank that a
   * dead owner had chosen, or else this one.
   *
   * <p>What is cleared is counted in pending until that step. So as long as it may not come to it,
   * something must show that there is a count to be made: the dead owner, or a request of the gone.
   *
   * @param before who owns: a dead one, or this one, which took what was free; or POISONED - 1
   * @param own what this one counts for, if it becomes the owner
   * @return the rank that the dead owner had chosen; NOBODY if it is this one for want of another;
   *     or UNSETTLED if a rank that lives is about to ask, or to give up, or nothing is to recover,
   *     or what the dead one held is poisoned
   */
  private int settle(int before, int own) {
    boolean owns = before == lock.me();
    boolean poisoned = before == POISONED - 1;
    for (int turn = 1; turn <= MAX_TURNS; turn++) {
      long now = window.get(state); // before the count: a request made or withdrawn since shows
      if (owner(now) != before + 1) {
        return UNSETTLED; // the dead one has released, late
      }
      if (!owns
          && !poisoned
          && hasWritten(before)) { // each time: it may be late, and have got the lock again
        lock.poison(node.jobRank(before), before + 1);
        return UNSETTLED;
      }
      int count = own;
      int heir = NOBODY;
      boolean settled = true;
      long[] over = new long[node.members()];
      for (int rank = 0; rank < node.members(); rank++) {
        long request = window.get(request(rank));
        int phase = phase(request);
        if (phase == NONE) {
          continue;
        }
        if (node.isGone(rank)) {
          // The claim of a dead owner tells, while it owns, that it has not written. All else goes
          // before anybody owns in its place: the next owner must not find it, and claim it.
          if (rank != before || !isClaim(phase)) {
            over[rank] = request;
          }
        } else if (phase == INTENT || (poisoned && phase == CLAIMED)) {
          settled = false; // who is claimed sees the poison, and ends its request
        } else if (phase == ABANDONED || phase == RETURNING) {
          over[rank] = request; // what it was to get goes to another
        } else {
          count++;
          heir = phase == CLAIMED ? rank : heir;
        }
      }
      if (settled) {
        if (!owns) {
          clear(over);
        }
        int owner = heir >= 0 ? heir : lock.me();
        boolean mine = heir < 0;
        if (window.compareAndSet(state, now, withPending(withOwner(now, owner + 1), count))) {
          undo.writes = mine ? 1 : 0;
          undo.uncounted = mine;
          if (owns) {
            clear(over); // nobody else owns yet, to claim one of them
          } else if (!poisoned) {
            clear(before);
          }
          return heir;
        }
      }
      Waiter.backOff(turn);
    }
    return UNSETTLED;
  }

  private void clear(int rank) {
    window.set(request(rank), NONE);
  }

  private void clear(long[] requests) {
    for (int rank = 0; rank < requests.length; rank++) {
      long seen = requests[rank];
      if (seen != NONE
          && !window.compareAndSet(request(rank), seen, NONE)
          && phase(seen) == ABANDONED) {
        // It is returning by now, and cannot get on with that: it is not the owner.
        window.compareAndSet(request(rank), seen - ABANDONED + RETURNING, NONE);
      }
    }
  }

  private int requestPhase(int rank) {
    return phase(window.get(request(rank)));
  }

  private long request(int rank) {
    return lock.line(rank) + Layout.REQUEST;
  }

  private long reads(int rank) {
    return lock.line(rank) + Layout.READS;
  }
}
