/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import static io.mpilock.internal.window.LockWords.DRAINING;
import static io.mpilock.internal.window.LockWords.ONE_PENDING;
import static io.mpilock.internal.window.LockWords.ONE_SEQUENCE;
import static io.mpilock.internal.window.LockWords.holds;
import static io.mpilock.internal.window.LockWords.isFree;
import static io.mpilock.internal.window.LockWords.owner;

import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import io.mpilock.transport.NodeWindow;
import java.lang.invoke.VarHandle;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How a member writes: it owns, waits until the readers have left, raises the token, and releases.
 */
public abstract sealed class WriterSide extends Succession permits NodeLock {

  /** The lock is owned now, but not all readers have left. */
  public static final long READ = -2;

  /** The lower half of STATE while this member owns and nobody asks. */
  final int alone;

  final boolean releaseOnDeath;

  WriterSide(
      RankContext node,
      long lockLine,
      int me,
      @Nullable String name,
      boolean phaseFair,
      boolean releaseOnDeath) {
    super(node, lockLine, me, name, phaseFair);
    this.alone = (int) ONE_PENDING + me + 1;
    this.releaseOnDeath = releaseOnDeath;
  }

  /**
   * Begins a write if nobody owns, asks, or reads: gives its token, or {@link #BUSY}, or {@link
   * #READ}.
   */
  public long enterWrite(UndoRecord undo) {
    NodeWindow words = window; // once, as in enterRead
    if (!tryOwn(words, undo)) {
      return BUSY;
    }
    return isUnread(words) ? beginWrite(words) : READ;
  }

  /** Becomes the owner if nobody owns or asks. The readers may not have left yet. */
  public boolean tryOwn() {
    return tryOwn(new UndoRecord());
  }

  public boolean tryOwn(UndoRecord undo) {
    return tryOwn(window, undo);
  }

  boolean tryOwn(NodeWindow words, UndoRecord undo) {
    long now = words.get(state);
    if (isFree(now)
        && words.compareAndSet(state, now, now + ONE_SEQUENCE + ONE_PENDING + (me + 1))) {
      undo.writes = 1;
      return true;
    }
    return false;
  }

  /**
   * As {@link NodeLock#awaitNoReaders(Waiter)}. If it throws, the caller is to {@link
   * NodeLock#giveBack}.
   */
  public boolean awaitNoReaders(UndoRecord undo, Waiter waiter) {
    window.setRelease(line(me) + Layout.DRAINS, 1);
    undo.drains = true;
    boolean left = haveLeft(waiter);
    left &= drainNoMore(undo);
    if (!left) {
      releaseOwnership(undo);
    }
    return left;
  }

  /**
   * Waits for readers no more; false if this rank is gone. Then a rank that recovers may have seen
   * it wait, and gives the lock to others, since nothing is written: so it must not begin.
   */
  boolean drainNoMore(UndoRecord undo) {
    boolean mayWrite = enter(undo);
    window.setRelease(line(me) + Layout.DRAINS, 0);
    undo.drains = false;
    if (mayWrite) {
      leave(undo);
    }
    return mayWrite;
  }

  boolean haveLeft(Waiter waiter) {
    for (int rank = 0; rank < members; rank++) {
      long index = line(rank) + Layout.READS;
      if (holds(window.get(index)) != 0 && !awaitNoReader(index, waiter)) {
        return false;
      }
    }
    return true;
  }

  boolean awaitNoReader(long index, Waiter waiter) {
    // The mark is set only on the way to sleep, and before the last look: a reader that leaves
    // after that sees it, and one that left before is seen.
    BooleanSupplier gone = () -> markDraining(index);
    Bell bell = bell(me);
    try {
      while (holds(window.get(index)) != 0) {
        if (!waiter.pause(bell, gone)) {
          return false;
        }
      }
      return true;
    } finally {
      unmarkDraining(index);
    }
  }

  /** Has the last reader that leaves tell the owner; true if none is left. */
  boolean markDraining(long index) {
    long reads = window.get(index);
    while (holds(reads) != 0) {
      if ((reads & DRAINING) != 0 || window.compareAndSet(index, reads, reads | DRAINING)) {
        return false;
      }
      reads = window.get(index);
    }
    return true;
  }

  void unmarkDraining(long index) {
    long reads = window.get(index);
    while ((reads & DRAINING) != 0 && !window.compareAndSet(index, reads, reads & ~DRAINING)) {
      reads = window.get(index);
    }
  }

  /** Ends what {@link NodeLock#haveReadersLeft} began. */
  public void stopDraining() {
    for (int rank = 0; rank < members; rank++) {
      unmarkDraining(line(rank) + Layout.READS);
    }
  }

  /** Begins a write, as the owner with no readers left, and gives its token. */
  public long beginWrite() {
    return beginWrite(window);
  }

  long beginWrite(NodeWindow words) {
    long token = words.get(lockLine + Layout.TOKEN) + 1;
    if (releaseOnDeath) {
      return raiseToken(token);
    }
    words.setRelease(lockLine + Layout.TOKEN, token);
    // Before what the caller writes: an optimistic reader that sees that sees the token, too.
    VarHandle.storeStoreFence();
    return token;
  }

  /**
   * As {@link #beginWrite()}, where what a rank held that is gone is given to others, who raise the
   * token, too: what its thread does late must not set it back. That thread gets no lease.
   */
  long raiseToken(long first) {
    long token = first;
    while (!window.compareAndSet(lockLine + Layout.TOKEN, token - 1, token) && !node.hasGone()) {
      token = window.get(lockLine + Layout.TOKEN) + 1; // somebody else was late
    }
    return token;
  }

  public void releaseOwnership() {
    releaseOwnership(owning(true));
  }

  public void releaseOwnership(UndoRecord undo) {
    NodeWindow words = window; // once, as in enterRead
    long now = words.get(state);
    if ((int) now == alone
        && !(phaseFair && isAnyReaderWaiting())
        && words.compareAndSet(state, now, now - alone)) {
      undo.writes = 0;
      if (words.get(lockLine + Layout.READER_SLEEPERS) != 0) {
        readerBell.ring();
      }
    } else {
      passOnAsOwner(undo); // somebody asks
    }
  }

  /** Gives the write away, unless this rank had gone, and others have recovered what it held. */
  void passOnAsOwner(UndoRecord undo) {
    if (!enter(undo)) {
      lose(undo);
      return;
    }
    if (owner(window.get(state)) == me + 1) {
      if (phaseFair) {
        admitReaders();
      }
      passOn(undo, true);
    } else {
      lose(undo);
    }
    leave(undo);
  }
}
