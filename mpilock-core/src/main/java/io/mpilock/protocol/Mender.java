package io.mpilock.protocol;

import static io.mpilock.protocol.LockWords.CLAIMED;
import static io.mpilock.protocol.LockWords.INTENT;
import static io.mpilock.protocol.LockWords.NONE;
import static io.mpilock.protocol.LockWords.ONE_WAITING;
import static io.mpilock.protocol.LockWords.POISONED;
import static io.mpilock.protocol.LockWords.holds;
import static io.mpilock.protocol.LockWords.owner;
import static io.mpilock.protocol.LockWords.phase;
import static io.mpilock.protocol.LockWords.waiting;
import static io.mpilock.protocol.LockWords.withOwner;
import static io.mpilock.protocol.LockWords.withPending;

import io.mpilock.transport.NodeWindow;
import java.util.ArrayList;
import java.util.List;

/**
 * Mends what ranks that are gone left in the words of a lock. Waiters call it now and then.
 *
 * <p>One rank mends at a time: MENDER says which. If that one dies, the next takes over; no step
 * relies on an earlier one having been finished, since pending is not corrected but counted anew.
 *
 * <p>Requests of the dead stay in the table while somebody alive owns, and count as before: the
 * owner may even give ownership to one. They go when nobody alive owns. Then the mender owns in the
 * dead's place, so nobody else can take ownership or claim, and live requests can be counted.
 *
 * <p>While the node's agent owns, only it mends the requests; and if it has died, nobody does: what
 * it owned for other nodes must not be given away. Unless it had claimed a rank's request, which it
 * does only when the node may write: then ownership was on its way to that rank. A dead agent's own
 * request goes like those of the ranks.
 */
final class Mender {
  private final Node node;
  private final NodeWindow window;
  private final NodeLock lock;
  private final long state;
  private final long mender;

  Mender(Node node, NodeLock lock) {
    this.node = node;
    this.window = node.window();
    this.lock = lock;
    this.state = lock.home() + Layout.STATE;
    this.mender = lock.home() + Layout.MENDER;
  }

  void mend() {
    if (!isNeeded()) {
      return;
    }
    long other = window.get(mender);
    if ((other == 0 || node.isGone((int) other - 1))
        && window.compareAndSet(mender, other, lock.me() + 1)) {
      try {
        mendReads();
        mendWrite();
      } finally {
        window.set(mender, 0);
      }
    }
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
    } else if (!mayMend(owner) || owner(window.get(state)) != owner) {
      return; // it was alive at the first look, and may have given the lock away before it died
    } else if (hasWritten(owner - 1)) {
      lock.poison(node.jobRank(owner - 1));
      return;
    }
    int heir = settle();
    if (heir >= 0) {
      lock.ring(heir);
    } else {
      if (node.settings().phaseFair()) {
        lock.admitReaders();
      }
      lock.passOn(false);
    }
  }

  /** Whether an owner is gone, and what it owned was the node's. */
  private boolean mayMend(int owner) {
    return node.isGone(owner - 1) && (owner != node.agent() + 1 || isClaimed(node.ranks()));
  }

  /** Whether the owner has chosen the next one, among the first members. */
  private boolean isClaimed(int members) {
    for (int rank = 0; rank < members; rank++) {
      if (requestPhase(rank) == CLAIMED) {
        return true;
      }
    }
    return false;
  }

  /**
   * As the agent, and the owner: clears the requests of the gone, and counts those of the living.
   *
   * @param own what the agent itself counts for
   */
  void mendAsAgent(int own) {
    for (int turn = 1; isAskedByGone(); turn++) {
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
      Patience.backOff(turn);
    }
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
    if (node.settings().releaseOnDeath()
        || node.life(owner) == Node.LEFT
        || window.get(lock.line(owner) + Layout.DRAINS) != 0) {
      return false;
    }
    return !isClaimed(node.members());
  }

  /**
   * Clears the requests of the gone, counts those of the living, and names as owner the rank that a
   * dead owner had chosen, or else this one. Returns that rank, or -1 if it is this one for want of
   * another.
   */
  private int settle() {
    for (int turn = 1; ; turn++) {
      long now = window.get(state); // before the count: a request made or withdrawn since shows
      int before = owner(now) - 1;
      int count = 0;
      int heir = -1;
      boolean settled = true;
      for (int rank = 0; rank < node.members(); rank++) {
        int phase = requestPhase(rank);
        if (phase == NONE) {
          continue;
        }
        if (node.isGone(rank)) {
          // The claim of a dead owner tells, while it owns, that it has not written. All else goes
          // before anybody owns in its place: the next owner must not find it, and claim it.
          if (rank != before || phase != CLAIMED) {
            clear(rank);
          }
        } else if (phase == INTENT) {
          settled = false;
        } else {
          count++;
          heir = phase == CLAIMED ? rank : heir;
        }
      }
      int owner = heir >= 0 ? heir : lock.me();
      if (settled
          && window.compareAndSet(state, now, withPending(withOwner(now, owner + 1), count))) {
        if (before != lock.me()) {
          clear(before);
        }
        return heir;
      }
      Patience.backOff(turn);
    }
  }

  private void clear(int rank) {
    window.set(lock.line(rank) + Layout.REQUEST, NONE);
  }

  private int requestPhase(int rank) {
    return phase(window.get(lock.line(rank) + Layout.REQUEST));
  }

  private long reads(int rank) {
    return lock.line(rank) + Layout.READS;
  }
}
