/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import static io.mpilock.internal.window.LockWords.ABANDONED;
import static io.mpilock.internal.window.LockWords.CLAIMED;
import static io.mpilock.internal.window.LockWords.NONE;
import static io.mpilock.internal.window.LockWords.ONE_PENDING;
import static io.mpilock.internal.window.LockWords.OWNER_MASK;
import static io.mpilock.internal.window.LockWords.POISONED;
import static io.mpilock.internal.window.LockWords.RETURNING;
import static io.mpilock.internal.window.LockWords.WAITING;
import static io.mpilock.internal.window.LockWords.owner;
import static io.mpilock.internal.window.LockWords.phase;
import static io.mpilock.internal.window.LockWords.withOwner;

import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Who owns next: how ownership is passed on, how a member waits for it, and how it is taken back
 * from one that gave up, or was cut short.
 */
public abstract sealed class Succession extends RequestTable permits WriterSide {

  Succession(RankContext node, long lockLine, int me, @Nullable String name, boolean phaseFair) {
    super(node, lockLine, me, name, phaseFair);
  }

  /** Goes on with a release of ownership that was cut short; as {@link NodeLock#giveBack}. */
  public void finish(UndoRecord undo) {
    if (undo.returning != NONE) {
      returnOwn(undo);
    }
    if (undo.ends != NOBODY) {
      end(undo);
    }
    letGo(undo);
    if (undo.recovers) {
      endRecovery(undo);
    }
    while (undo.entered != 0) {
      leave(undo);
    }
    if (undo.silent) {
      takeBack(); // if who was named had given up
      ringAll();
      undo.silent = false;
    }
  }

  /**
   * Gives ownership away in one step, and without waking anybody: to whom it was promised, or to
   * nobody. Who asks takes it then, in order.
   */
  public void letGo(UndoRecord undo) {
    while (undo.writes != 0) {
      long now = window.get(state);
      if ((now & OWNER_MASK) != me + 1) { // this rank is gone, and was recovered
        lose(undo);
        return;
      }
      long left = undo.uncounted ? now : now - ONE_PENDING;
      if (window.compareAndSet(state, now, (left & ~OWNER_MASK) | (undo.heir + 1))) {
        undo.writes = 0; // before any call: another thread of this rank may own by now
        undo.uncounted = false;
        undo.heir = UndoRecord.NOBODY;
        undo.silent = true;
        return;
      }
    }
  }

  /** Whether this member has no request in the table. Does for an earlier one what can be done. */
  public boolean mayAsk() {
    if (phase(window.get(myRequest)) == ABANDONED) {
      takeBack();
    }
    return phase(window.get(myRequest)) == NONE;
  }

  /**
   * Takes a thread's request back, as {@link #stopAsking}; or puts the request of the one behind it
   * in its place, which ends a claim, too.
   *
   * @return whether this rank has become the owner instead, and the request is to be ended
   */
  public boolean stopAsking(UndoRecord undo, long mine, long next) {
    while (!(next == NONE ? withdraw(undo, mine) : replace(undo, mine, next))) {
      long now = window.get(myRequest);
      if (phase(now) != CLAIMED) {
        published = NONE;
        return false; // this rank is gone, and its request was cleared
      }
      if (isPoisoned()) {
        window.set(myRequest, next);
        published = next;
        return false;
      }
      if (owner(window.get(state)) == me + 1) {
        return true;
      }
      if (next != NONE) {
        published = next; // the claim is that one's to end
        return false;
      }
      if (abandon(now)) {
        return false;
      }
    }
    return false;
  }

  boolean abandon(long claimed) {
    if (window.compareAndSet(myRequest, claimed, claimed - CLAIMED + ABANDONED)) {
      published = NONE;
      takeBack(); // if it has been named in between
      return true;
    }
    return false;
  }

  /**
   * Waits, for the first of this rank's threads, until this rank owns; false if the wait was given
   * up. The request stays as it is, to be ended by {@link #endRequest} or {@link #stopAsking}.
   */
  boolean awaitGrant(UndoRecord undo, Waiter waiter) {
    Bell bell = bell(me);
    BooleanSupplier changed =
        () -> {
          int owner = owner(window.get(state));
          // The last is true as well while another thread of this rank writes.
          return owner == 0 || owner == POISONED || (owner == me + 1 && isClaimed());
        };
    while (true) {
      int phase = phase(window.get(myRequest));
      int owner = owner(window.get(state));
      if (owner == POISONED) {
        throw poisoned();
      }
      if (phase == NONE || node.hasGone()) {
        return false; // not this rank any more
      }
      if (phase == CLAIMED && owner == me + 1) {
        return true;
      }
      if (phase == WAITING && owner == 0) {
        if (takeAsFirst(undo)) {
          return true;
        }
      } else if (!waiter.pause(bell, changed)) {
        return false;
      }
    }
  }

  /** Becomes the owner of what is free; passes it on if another request is first. */
  boolean takeAsFirst(UndoRecord undo) {
    if (!enter(undo)) {
      return false;
    }
    long now = window.get(state);
    long owned = withOwner(now, me + 1);
    if (owner(now) == 0 && window.compareAndSet(state, now, owned)) {
      undo.writes = 1;
      undo.uncounted = true; // pending counts the request
      if ((int) firstRequest() != me) {
        passOn(undo, false);
      }
    }
    leave(undo);
    return undo.writes != 0;
  }

  /**
   * Takes ownership back from a member that had given up when it was named the owner, and passes it
   * on; in the name of that member, which lives. Whoever comes by does it, so that nobody waits for
   * the process that named it.
   */
  public void takeBack() {
    int named = owner(window.get(state)) - 1;
    if (named < 0
        || named >= members
        || phase(window.get(line(named) + Layout.REQUEST)) != ABANDONED) {
      return;
    }
    UndoRecord undo = new UndoRecord();
    try {
      if (retake(undo, named)) {
        passOn(undo, false);
        leave(undo);
      }
    } catch (Throwable cut) {
      finish(undo);
      throw cut;
    }
  }

  /**
   * Becomes the owner in the place of a member that had given up; then this rank is to pass it on,
   * and {@link RankContext#leave}. STATE before REQUEST: a request that is seen ABANDONED then
   * stays so until STATE has changed, since only who becomes the owner by that ends it.
   */
  boolean retake(UndoRecord undo, int member) {
    if (member < 0 || member >= members || !enter(undo)) {
      return false;
    }
    while (true) {
      long now = window.get(state);
      if (owner(now) != member + 1
          || phase(window.get(line(member) + Layout.REQUEST)) != ABANDONED
          || node.isGone(member)) { // of a recovery
        leave(undo);
        return false;
      }
      // Once more if it fails: it may be only that another request came or went.
      if (member == me ? takeOwnBack(undo) : takeFrom(undo, member, now)) {
        end(undo);
        return true;
      }
    }
  }

  boolean takeFrom(UndoRecord undo, int member, long now) {
    long owned = withOwner(now - ONE_PENDING, me + 1);
    if (window.compareAndSet(state, now, owned)) {
      undo.writes = 1;
      undo.uncounted = true;
      undo.ends = member;
      return true;
    }
    return false;
  }

  /** Ends the request of a member that had given up. */
  void end(UndoRecord undo) {
    int member = undo.ends;
    window.set(line(member) + Layout.REQUEST, NONE);
    undo.ends = UndoRecord.NOBODY;
    ring(member); // it may want to ask again
  }

  /**
   * As {@link #retake}, of this very member. The owner stays the same then, so the request says
   * that it is not to be taken back once more, and STATE changes for who had looked before that.
   * STATE before REQUEST here, too: another rank that was faster ends the request before it gives
   * ownership away. So as long as the request is there, this rank owns by nothing else.
   */
  boolean takeOwnBack(UndoRecord undo) {
    long mine = window.get(myRequest);
    long returning = mine - ABANDONED + RETURNING;
    if (phase(mine) != ABANDONED || !window.compareAndSet(myRequest, mine, returning)) {
      return false; // another thread of this rank is at it
    }
    undo.returning = returning;
    return returnOwn(undo);
  }

  boolean returnOwn(UndoRecord undo) {
    while (true) {
      long now = window.get(state);
      if (owner(now) != me + 1 || window.get(myRequest) != undo.returning) {
        undo.returning = NONE;
        return false;
      }
      if (window.compareAndSet(state, now, now - ONE_PENDING)) {
        undo.writes = 1;
        undo.uncounted = true;
        undo.ends = me;
        undo.returning = NONE;
        return true;
      }
    }
  }

  static UndoRecord owning(boolean counted) {
    UndoRecord undo = new UndoRecord();
    undo.writes = 1;
    undo.uncounted = !counted;
    return undo;
  }

  /**
   * Gives ownership to the first request, or to nobody. Between {@link RankContext#enter} and
   * {@link RankContext#leave}.
   *
   * @param done whether the owner's own request is over, and leaves pending
   */
  public void passOn(boolean done) {
    passOn(owning(done), done);
  }

  /**
   * As {@link #passOn(boolean)}.
   *
   * @param written not for a rank that only found the lock free: it hands nothing over
   */
  public void passOn(UndoRecord undo, boolean written) {
    boolean mayHandOver = written;
    while (true) {
      long next = nextRequest(mayHandOver);
      int heir = (int) next;
      if (heir == me) {
        // Its thread sees this rank own already, and goes on once it is claimed: that comes last.
        if (!undo.uncounted && giveTo(undo, me + 1) == LOST) {
          return;
        }
        if (claim(next)) {
          undo.writes = 0;
          undo.uncounted = false;
          ring(me);
          return;
        }
        continue;
      }
      if (next != NOBODY) {
        if (claim(next)) {
          undo.heir = heir;
          int left = giveTo(undo, heir + 1);
          ring(heir);
          if (left == LOST
              || phase(window.get(line(heir) + Layout.REQUEST)) != ABANDONED
              || !retake(undo, heir)) {
            return;
          }
          leave(undo); // once more than it was entered
          mayHandOver = false;
        }
        continue; // it gave up in between
      }
      // Whoever asks now has not published yet, or all gave up. Set free, then look again.
      int left = giveTo(undo, 0);
      if (left == 0) {
        readerBell.ring();
      }
      if (left <= 0) {
        return;
      }
      mayHandOver = false;
      if (firstRequest() == NOBODY || !takeFree(undo)) {
        return; // or somebody else took it, and has the same duty
      }
    }
  }

  void endRecovery(UndoRecord undo) {
    window.set(lockLine + Layout.RECOVERER, 0);
    undo.recovers = false;
  }
}
