/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import static io.mpilock.internal.window.LockWords.COUNT_MASK;
import static io.mpilock.internal.window.LockWords.DRAINING;
import static io.mpilock.internal.window.LockWords.MANY_HOLDS;
import static io.mpilock.internal.window.LockWords.MANY_WAITING;
import static io.mpilock.internal.window.LockWords.ONE_BATCH;
import static io.mpilock.internal.window.LockWords.ONE_HOLD;
import static io.mpilock.internal.window.LockWords.ONE_WAITING;
import static io.mpilock.internal.window.LockWords.POISONED;
import static io.mpilock.internal.window.LockWords.batch;
import static io.mpilock.internal.window.LockWords.holds;
import static io.mpilock.internal.window.LockWords.owner;
import static io.mpilock.internal.window.LockWords.pending;
import static io.mpilock.internal.window.LockWords.waiting;

import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import io.mpilock.transport.NodeWindow;
import java.lang.invoke.VarHandle;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** How a member reads: at once, after a wait, in a batch, or optimistically. */
public abstract sealed class ReaderSide extends LockLine permits RequestTable {

  ReaderSide(RankContext node, long lockLine, int me, @Nullable String name, boolean phaseFair) {
    super(node, lockLine, me, name, phaseFair);
  }

  /** Enters as a reader if no write is held or requested. */
  public boolean tryRead() {
    return tryRead(new UndoRecord());
  }

  public boolean tryRead(UndoRecord undo) {
    return tryRead(window, undo);
  }

  /** As {@link #tryRead()}; gives the token of the last write, or {@link #BUSY}. */
  public long enterRead(UndoRecord undo) {
    NodeWindow words = window; // once: the compiler takes what follows an atomic for changed
    return tryRead(words, undo) ? words.get(lockLine + Layout.TOKEN) : BUSY;
  }

  boolean tryRead(NodeWindow words, UndoRecord undo) {
    if (pending(words.get(state)) != 0) {
      return false;
    }
    long before = words.getAndAdd(myReads, ONE_HOLD);
    undo.reads = 1;
    if (pending(words.get(state)) == 0 && (before & MANY_HOLDS) == 0) {
      return true;
    }
    releaseRead(undo);
    if ((before & MANY_HOLDS) != 0) {
      refuse(MANY_HOLDS, "read");
    }
    return false;
  }

  /** Counts a hold for a thread that owns the write: it becomes a reader when the write ends. */
  public void addReadUnderWrite() {
    window.getAndAdd(myReads, ONE_HOLD);
  }

  public void releaseRead() {
    releaseRead(new UndoRecord());
  }

  public void releaseRead(UndoRecord undo) {
    long before = window.getAndAdd(myReads, -ONE_HOLD);
    undo.reads = 0;
    if ((before & DRAINING) != 0 && holds(before) == 1) {
      ringDrainer();
    }
  }

  void ringDrainer() {
    int owner = owner(window.get(state));
    if (owner != 0 && owner != POISONED) {
      ring(owner - 1);
    }
  }

  /**
   * As {@link NodeLock#awaitRead(Waiter)}. If it throws, the caller is to {@link
   * NodeLock#giveBack}.
   */
  public boolean awaitRead(UndoRecord undo, Waiter waiter) {
    window.getAndAdd(line(me) + Layout.WAITING_READERS, 1);
    undo.shows = true;
    // The agent lets waiting readers in by name too, or a recall could come before they look.
    boolean reads =
        (phaseFair || agent >= 0) ? awaitBatch(undo, waiter) : awaitNoWriter(undo, waiter);
    showNoMore(undo);
    return reads;
  }

  void showNoMore(UndoRecord undo) {
    window.getAndAdd(line(me) + Layout.WAITING_READERS, -1);
    undo.shows = false;
  }

  boolean awaitNoWriter(UndoRecord undo, Waiter waiter) {
    BooleanSupplier mayEnter = () -> pending(window.get(state)) == 0 || isPoisoned();
    while (!tryRead(undo)) {
      throwIfPoisoned();
      if (!waiter.pause(readerBell, mayEnter)) {
        return false;
      }
    }
    return true;
  }

  boolean awaitBatch(UndoRecord undo, Waiter waiter) {
    long before = window.getAndAdd(myReads, ONE_WAITING);
    undo.waitsSince = before;
    undo.waits = true;
    if (waiting(before) >= MANY_WAITING) {
      giveBackRead(undo);
      refuse(MANY_WAITING, "wait to read");
      return false;
    }
    tellAgentOwner();
    BooleanSupplier goesOn =
        () ->
            batch(window.get(myReads)) != batch(undo.waitsSince)
                || pending(window.get(state)) == 0
                || isPoisoned();
    while (true) {
      long reads = window.get(myReads);
      if (batch(reads) != batch(undo.waitsSince)) {
        undo.reads = 1; // the releasing writer turned this thread's wait into a hold
        undo.waits = false;
        return true;
      }
      if (pending(window.get(state)) == 0) {
        if ((reads & MANY_HOLDS) != 0) {
          leaveBatch(undo);
          if (undo.reads != 0) {
            return true;
          }
          refuse(MANY_HOLDS, "read");
          return false;
        }
        if (window.compareAndSet(myReads, reads, reads - ONE_WAITING + ONE_HOLD)) {
          undo.reads = 1;
          undo.waits = false;
          if (pending(window.get(state)) == 0) {
            return true;
          }
          waitAgain(undo);
          tellAgentOwner(); // which may have looked in between, and seen nobody wait
        }
        continue;
      }
      boolean poisoned = isPoisoned();
      if (poisoned || !waiter.pause(readerBell, goesOn)) {
        leaveBatch(undo);
        poisoned |= isPoisoned();
        if (undo.reads != 0 && (poisoned || isTooLate(waiter))) {
          releaseRead(undo);
        }
        if (poisoned) {
          throw poisoned();
        }
        return undo.reads != 0;
      }
    }
  }

  void waitAgain(UndoRecord undo) {
    while (true) {
      long reads = window.get(myReads);
      if (window.compareAndSet(myReads, reads, reads - ONE_HOLD + ONE_WAITING)) {
        undo.reads = 0;
        undo.waitsSince = reads;
        undo.waits = true;
        if ((reads & DRAINING) != 0 && holds(reads) == 1) {
          ringDrainer();
        }
        return;
      }
    }
  }

  /** Waits no more; if it was let in at the last moment, it holds. */
  void leaveBatch(UndoRecord undo) {
    while (true) {
      long reads = window.get(myReads);
      if (batch(reads) != batch(undo.waitsSince)) {
        undo.reads = 1;
        undo.waits = false;
        return;
      }
      if (waiting(reads) == 0) {
        undo.waits = false;
        return; // this rank has gone, and was recovered
      }
      if (window.compareAndSet(myReads, reads, reads - ONE_WAITING)) {
        undo.waits = false;
        tellAgentOwner();
        return;
      }
    }
  }

  void giveBackRead(UndoRecord undo) {
    if (undo.waits) {
      leaveBatch(undo);
    }
    if (undo.reads != 0) {
      releaseRead(undo);
    }
  }

  /** Lets the waiting readers in, as the owner, before the write is given away. */
  public void admitReaders() {
    boolean any = false;
    for (int rank = 0; rank < members; rank++) {
      long index = line(rank) + Layout.READS;
      long reads = window.get(index);
      while (waiting(reads) != 0 && holds(reads) + waiting(reads) <= COUNT_MASK) {
        long admitted = reads - waiting(reads) * ONE_WAITING + waiting(reads) + ONE_BATCH;
        if (window.compareAndSet(index, reads, admitted)) {
          any = true;
          break;
        }
        reads = window.get(index);
      }
    }
    if (any) {
      readerBell.ring();
    }
  }

  public boolean isUnread() {
    return isUnread(window);
  }

  boolean isUnread(NodeWindow words) {
    for (int rank = 0; rank < members; rank++) {
      if (holds(words.get(line(rank) + Layout.READS)) != 0) {
        return false;
      }
    }
    return true;
  }

  boolean isAnyReaderWaiting() {
    for (int rank = 0; rank < members; rank++) {
      if (waiting(window.get(line(rank) + Layout.READS)) != 0) {
        return true;
      }
    }
    return false;
  }

  /**
   * The token that an optimistic read starts from, or less than 0 while a write is owned. Reads the
   * token before the owner: if nobody owns then, the write of that token has ended, and the next
   * raises it before it writes.
   */
  public long optimisticStamp() {
    NodeWindow words = window; // once, as in enterRead
    long token = words.get(lockLine + Layout.TOKEN);
    long now = words.get(state);
    return owner(now) == 0 ? token : optimisticStamp(token, now);
  }

  long optimisticStamp(long token, long now) {
    throwIfPoisoned();
    return owner(now) == agent + 1 && pending(now) == 0 ? token : BUSY;
  }

  public boolean validate(long stamp) {
    VarHandle.loadLoadFence(); // after what was read under the stamp
    return token() == stamp;
  }
}
