/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.failure.LockUseException;
import io.mpilock.internal.job.NodeReport;
import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.node.UndoRecord;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.internal.window.Waiter;
import java.lang.ref.Reference;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one thread holds of one resource: the process level of the lock. Confined to its thread,
 * apart from {@link #checkOwner}, and from a write that is kept.
 *
 * <p>A kept write may be released by any thread. So from the first {@link #keep} until this thread
 * finds that nothing is held any more, the counts are changed under this object's monitor only. The
 * thread itself knows when that is ({@code keeps}), so what is not kept costs a look at a field.
 *
 * <p>It must not lead to the lock, which each call is given: the thread keeps it as the value of a
 * {@link ThreadLocal} that the lock has, and such an entry lives as long as the thread if its value
 * leads to its key. A pool's thread would keep every controller that it ever used. Only while the
 * thread owes something it does lead there.
 */
public final class ThreadHold extends UndoRecord {

  /** The time-out of a request that waits for as long as it takes. */
  public static final long FOREVER = Waiter.FOREVER;

  /** How often a way back is tried, before the window counts as broken. */
  public static final int TRIES = 3;

  private final Thread thread;
  private final ThreadId id;
  private final long lockLine;

  /** The write is ending, and holds counts the reads inside it already. */
  private boolean downgraded;

  /** The end of the write was cut short: what comes next goes on with it. */
  private boolean ending;

  /** What is here belongs to no lease: it could not be given back when it was to be. */
  private boolean owes;

  /** As {@code owes}, of an optimistic read. */
  private @Nullable UndoRecord debt;

  /** A level of a read for which there is no lease: it is to be given back. */
  public boolean strayRead;

  /** As {@code strayRead}, of the write. */
  public boolean strayWrite;

  /** While it owes anything the lock stays: nobody else knows how to give that back. */
  private @Nullable RankLock owing;

  /**
   * It keeps a write, owes something, has a stray, or is ending a write: looked at before all else.
   */
  public boolean special;

  /** Changed by the thread alone. While it is true the counts are guarded by this object. */
  private boolean keeps;

  /** How many of the writes are kept, since when their grant was observed, and what for. */
  private int kept;

  private long keptSince;
  private String keptFor = "";

  private int lockedReads;
  private int lockedWrites;
  private long token;
  private boolean waited;
  private boolean uninterruptible;
  private long readSince;
  private long writeSince;
  private @Nullable StatusQuery statusQuery;

  /** What other nodes have answered; not the query, which leads to the lock. */
  private Map<Integer, NodeReport> reports = Map.of();

  /**
   * What a thread holds of a resource: nothing yet.
   *
   * @param lockLine the resource's lock line
   */
  ThreadHold(Thread thread, long lockLine) {
    this.thread = thread;
    this.id = new ThreadId(thread);
    this.lockLine = lockLine;
  }

  /** The lock line of the resource. */
  long lockLine() {
    return lockLine;
  }

  /**
   * Takes a read, or one more.
   *
   * @param lock the resource's lock, which this is of
   * @param nanos how long to wait at most; 0 not to wait, {@link #FOREVER} without end
   * @return whether it was granted
   */
  public boolean acquireRead(RankLock lock, long nanos) {
    if (special && isAdded(lock, true)) {
      return true;
    }
    if (reads + writes != 0) {
      reads++;
      return true;
    }
    waited = false;
    try {
      long last = lock.words().enterRead(this);
      return last != NodeLock.BUSY ? beginRead(lock, last) : awaitRead(lock, nanos);
    } catch (Throwable failure) {
      owes = true; // before any call: there may be no stack left for one
      special = true;
      owing = lock;
      throw undo(lock, failure);
    }
  }

  private boolean awaitRead(RankLock lock, long nanos) {
    if (nanos != 0 || lock.words().isKeptFromReading()) {
      if (lock.awaitRead(this, nanos)) {
        return beginRead(lock, lock.words().token());
      }
    } else { // between the two looks the agent may have let readers in
      long last = lock.words().enterRead(this);
      if (last != NodeLock.BUSY) {
        return beginRead(lock, last);
      }
    }
    lock.checkRefusal();
    return false;
  }

  private boolean beginRead(RankLock lock, long last) {
    lock.noteReader(this);
    token = last;
    if (lock.isClosed()) {
      throw lock.closedFailure();
    }
    return true;
  }

  /**
   * Takes the write, or once more.
   *
   * @param lock the resource's lock, which this is of
   * @param nanos how long to wait at most; 0 not to wait, {@link #FOREVER} without end
   * @return whether it was granted
   * @throws LockUseException if this thread reads
   */
  public boolean acquireWrite(RankLock lock, long nanos) {
    if (special && isAdded(lock, false)) {
      return true;
    }
    if (reads + writes != 0) {
      if (writes == 0) {
        throw writeInRead(lock);
      }
      writes++;
      return true;
    }
    waited = false;
    try {
      long mine = lock.words().enterWrite(this);
      if (mine >= 0) {
        return beginWrite(lock, mine, false);
      }
      return mine == NodeLock.READ ? awaitNoReaders(lock, nanos) : awaitWrite(lock, nanos);
    } catch (Throwable failure) {
      owes = true; // before any call: there may be no stack left for one
      special = true;
      owing = lock;
      throw undo(lock, failure);
    }
  }

  private boolean awaitNoReaders(RankLock lock, long nanos) {
    if (nanos == 0) {
      lock.words().releaseOwnership(this);
    } else if (lock.awaitNoReaders(this, nanos)) {
      return beginWrite(lock, lock.words().beginWrite(), waited);
    }
    lock.checkRefusal();
    return false;
  }

  private boolean awaitWrite(RankLock lock, long nanos) {
    if (nanos != 0 ? lock.awaitWrite(this, nanos) : lock.tryWriteAgain(this)) {
      return beginWrite(lock, lock.words().beginWrite(), waited);
    }
    lock.checkRefusal();
    return false;
  }

  private boolean beginWrite(RankLock lock, long mine, boolean afterWait) {
    token = mine;
    lock.noteWriter(this, afterWait);
    if (lock.isClosed()) {
      throw lock.closedFailure();
    }
    return true;
  }

  /** Gives back what a request has left that was cut short, and gives what its caller gets. */
  private RuntimeException undo(RankLock lock, Throwable failure) {
    if (turn == null && !drains) {
      letGo(lock);
    }
    pay(lock);
    return failure instanceof IllegalStateException refused
        ? lock.unusable(refused)
        : RankContext.unchecked(failure);
  }

  /** Ownership first: that needs the least stack. */
  private void letGo(RankLock lock) {
    try {
      lock.words().letGo(this);
    } catch (Throwable again) {
      // There is more than one try.
    }
  }

  private @Nullable Throwable pay(RankLock lock) {
    Throwable failure = goBack(lock, Way.REQUEST);
    if (failure == null) {
      owes = false;
      noteSpecial();
    }
    return failure;
  }

  /**
   * Gives back what could not be given back when it was to be: nobody else would, and others of
   * this rank would stand behind it.
   */
  private void settle(RankLock lock) {
    Throwable failure = owes ? pay(lock) : null;
    if (failure != null) {
      throw RankContext.unchecked(failure);
    }
    if (strayRead || strayWrite) {
      releaseStray(lock);
    }
    UndoRecord owed = debt;
    if (owed != null) {
      lock.giveBack(owed);
      paid();
    }
  }

  /** Notes what this thread is about to take for an optimistic read; before it does. */
  void borrow(RankLock lock, UndoRecord undo) {
    if (special) {
      settle(lock);
    }
    debt = undo;
    special = true;
    owing = lock;
  }

  /** That has been given back. */
  void paid() {
    debt = null;
    noteSpecial();
  }

  private void noteSpecial() {
    boolean mustGiveBack = owes || debt != null || strayRead || strayWrite || ending;
    special = mustGiveBack || keeps;
    owing = mustGiveBack ? owing : null;
  }

  /**
   * Gives back what the thread holds without a lease. What does not come to its end is when the
   * thread asks again.
   *
   * @param lock the resource's lock, which this is of
   */
  public void releaseStray(RankLock lock) {
    owing = lock;
    if (strayRead) {
      if (!keeps && (reads > 1 || writes != 0)) {
        reads--; // no call in between: it must not be given back twice
      } else {
        releaseOne(lock, true);
      }
      strayRead = false;
    }
    if (strayWrite) {
      if (!keeps && writes > 1) {
        writes--;
      } else {
        releaseOne(lock, false);
      }
      strayWrite = false;
    }
    noteSpecial();
  }

  /**
   * Gives back what the thread has without a lease, and ends a write whose end was cut short, as
   * the thread's next request would.
   *
   * @param lock the resource's lock, which this is of
   */
  public void giveBackOwed(RankLock lock) {
    if (special) {
      settle(lock);
      if (!keeps) {
        if (ending) {
          finishWrite(lock, null);
        }
        noteSpecial();
      }
    }
  }

  /** What is to be given back, or ended. */
  private enum Way {
    REQUEST,
    READ,
    WRITE
  }

  /**
   * Goes on with what was cut short, again where that is cut short too.
   *
   * @return null if it came to its end; else what was thrown at last
   */
  private @Nullable Throwable goBack(RankLock lock, Way way) {
    for (int tries = 1; ; tries++) {
      try {
        if (way == Way.REQUEST) {
          lock.words().giveBack(this);
        } else if (way == Way.WRITE) {
          downgrade(lock);
          lock.words().finish(this);
        } else if (reads != 0) {
          lock.words().releaseRead(this);
        }
        return null;
      } catch (Throwable again) {
        if (tries == TRIES) {
          return lock.hasLost(this, again) ? null : again;
        }
      }
    }
  }

  private LockUseException writeInRead(RankLock lock) {
    return new LockUseException(
        "Thread '%s' of %s asks for the write of %s while it holds a read of it: it would wait for itself. Close the read first, or use ReadLease.upgrade()."
            .formatted(thread.getName(), lock.me(), lock.quotedName()));
  }

  /**
   * Ends a read, or one level of it.
   *
   * @param lock the resource's lock, which this is of
   */
  public void releaseRead(RankLock lock) {
    try {
      if (special) {
        releaseSpecially(lock, true);
      } else {
        endRead(lock);
      }
    } finally {
      Reference.reachabilityFence(lock); // its entry is its own until its words are left: Directory
    }
  }

  private void endRead(RankLock lock) {
    if (reads != 1 || writes != 0) {
      reads = Math.max(0, reads - 1); // none if this rank has given itself up
      return;
    }
    try {
      lock.words().releaseRead(this);
    } catch (Throwable cut) {
      finish(lock, Way.READ, cut);
    }
  }

  private void releaseSpecially(RankLock lock, boolean read) {
    if (strayRead || strayWrite) {
      releaseStray(lock);
    }
    releaseOne(lock, read);
  }

  private void releaseOne(RankLock lock, boolean read) {
    if (keeps) {
      releaseWhileKept(lock, read);
    } else if (!read) {
      endWriteAgain(lock);
    } else {
      if (ending) {
        finishWrite(lock, null);
      }
      endRead(lock);
    }
  }

  private void endWriteAgain(RankLock lock) {
    if (ending) {
      finishWrite(lock, null);
    } else {
      endWrite(lock);
    }
  }

  private void finishWrite(RankLock lock, @Nullable Throwable cut) {
    if (reads == 0 || downgraded) {
      letGo(lock);
    }
    finish(lock, Way.WRITE, cut);
  }

  /**
   * Goes on with a release that was cut short. What cut it is not thrown if the release comes to
   * its end: the caller asked for no more, and a second one would release what somebody else holds.
   */
  private void finish(RankLock lock, Way way, @Nullable Throwable cut) {
    Throwable failure = goBack(lock, way);
    if (failure != null) {
      throw RankContext.unchecked(failure);
    }
    if (way == Way.WRITE) {
      downgraded = false;
      ending = false;
      if (!keeps) { // else another thread may have ended it
        noteSpecial();
      }
    }
    if (cut instanceof IllegalStateException refused && lock.isWindowFreed()) {
      lock.swallowIfClosed(refused);
    }
  }

  /**
   * Ends the write, or one level of it that is not kept. Reads that were taken inside it stay: a
   * downgrade.
   *
   * @param lock the resource's lock, which this is of
   */
  public void releaseWrite(RankLock lock) {
    try {
      if (special) {
        releaseSpecially(lock, false);
      } else {
        endWrite(lock);
      }
    } finally {
      Reference.reachabilityFence(lock); // as above
    }
  }

  private void endWrite(RankLock lock) {
    if (writes != 1) {
      writes = Math.max(0, writes - 1);
      return;
    }
    try {
      downgrade(lock);
      lock.words().releaseOwnership(this);
      downgraded = false;
    } catch (Throwable cut) {
      ending = true; // before any call: there may be no stack left for one
      special = true;
      owing = keeps ? owing : lock;
      finishWrite(lock, cut);
    }
  }

  private void downgrade(RankLock lock) {
    if (reads > 0 && !downgraded) {
      lock.words().addReadUnderWrite();
      downgraded = true;
    }
  }

  /**
   * Keeps a level of the write beyond the code that took it: {@link #releaseKept} ends it, by any
   * thread. Called by this one.
   *
   * @param lock the resource's lock, which this is of
   * @param transaction the name of what it is kept for, or ""
   */
  public void keep(RankLock lock, String transaction) {
    synchronized (this) {
      keeps = true;
      special = true;
      lock.threads().kept().add(this, lock);
      kept++;
      keptFor = transaction;
      if (writeSince != 0) {
        keptSince = writeSince;
        writeSince = 0;
      }
      try {
        showKept(lock);
      } catch (Throwable unseen) {
        // In the very call: what is done is done.
      }
    }
  }

  /**
   * Ends a level of the write that is kept. Called by any thread. If it throws, that is held as
   * before, or its thread's next request ends it.
   *
   * @param lock the resource's lock, which this is of
   * @param ofToken the token of what is to be ended: nothing is, if its thread has ended it already
   * @return when the write was granted, if that was observed and this has ended it; else 0
   */
  public long releaseKept(RankLock lock, long ofToken) {
    try {
      return releaseOneKept(lock, ofToken);
    } finally {
      Reference.reachabilityFence(lock); // as above
    }
  }

  private long releaseOneKept(RankLock lock, long ofToken) {
    synchronized (this) {
      if (kept == 0 || token != ofToken) { // its thread has asked again, and ended it
        return 0;
      }
      if (kept == 1) {
        lock.threads().kept().remove(this);
      }
      endWriteWhileKept(lock);
      kept--;
      try {
        showKept(lock);
      } catch (Throwable unseen) {
        // In the very call: what is done is done.
      }
      long since = writes == 0 ? keptSince : 0;
      keptSince -= since;
      return since;
    }
  }

  private void releaseWhileKept(RankLock lock, boolean read) {
    synchronized (this) {
      if (read) {
        if (ending) {
          endKept(lock);
        }
        endRead(lock);
      } else {
        endWriteWhileKept(lock);
        try {
          showKept(lock);
        } catch (Throwable unseen) {
          // In the very call: what is done is done.
        }
        if (writes == 0) { // another thread has ended the level that was kept before
          writeSince = keptSince;
          keptSince = 0;
        }
      }
      keeps = reads + writes != 0; // and no call behind the count: the caller would count again
      special = keeps || owes || debt != null || strayRead || strayWrite || ending;
    }
  }

  /** Ends the write for its thread, which asks again while the end of what was kept was cut. */
  private void endKept(RankLock lock) {
    finishWrite(lock, null);
    kept = 0;
    keptSince = 0;
    lock.threads().kept().remove(this);
  }

  private void endWriteWhileKept(RankLock lock) {
    if (writes == 1) {
      lock.noteKept("", 0); // before somebody else of this rank writes
    }
    endWriteAgain(lock);
  }

  /**
   * Gives back what is owed, and ends a write whose end was cut short; then takes one more of what
   * is kept, or tells that nothing is, or that other threads have released it all.
   */
  private boolean isAdded(RankLock lock, boolean read) {
    giveBackOwed(lock);
    if (!keeps) {
      return false;
    }
    synchronized (this) {
      if (ending) {
        endKept(lock);
      }
      if (reads + writes == 0) {
        if (kept != 0) { // its end was cut short behind the release
          endKept(lock);
        }
        keeps = false;
        noteSpecial();
        return false;
      }
      if (read) {
        reads++;
      } else if (writes == 0) {
        throw writeInRead(lock);
      } else {
        writes++;
        try {
          showKept(lock);
        } catch (Throwable unseen) {
          // In the very call: what is done is done.
        }
      }
      return true;
    }
  }

  /** Tells the other ranks whether the thread is still in a body of the write. */
  private void showKept(RankLock lock) {
    try {
      if (writes != 0) {
        lock.noteKept(keptFor, kept == writes ? System.currentTimeMillis() : 0);
      }
    } catch (Throwable unseen) {
      // For diagnosis only: what is held does not rest on it.
    }
  }

  /**
   * Refuses a call by another thread.
   *
   * @param lock the resource's lock, which this is of
   * @param call what was called, for the message
   * @throws LockUseException if the caller is not the thread that holds
   */
  public void checkOwner(RankLock lock, String call) {
    if (!isOf(Thread.currentThread())) {
      throw notOwner(lock, call);
    }
  }

  /** Whether nobody will give back what it holds: its thread has ended, and with it its steps. */
  boolean isOrphan() {
    return !thread.isAlive() && isHeld();
  }

  boolean isOf(Thread other) {
    return thread.equals(other);
  }

  private LockUseException notOwner(RankLock lock, String call) {
    return new LockUseException(
        "Thread '%s' called %s on a lease of %s that belongs to thread '%s' of %s: the thread that got a lease closes it."
            .formatted(
                Thread.currentThread().getName(),
                call,
                lock.quotedName(),
                thread.getName(),
                lock.me()));
  }

  /**
   * Refuses an upgrade of anything but a single read.
   *
   * @param lock the resource's lock, which this is of
   * @throws LockUseException if the thread holds more than one read, or a write
   */
  public void checkSoleRead(RankLock lock) {
    if (reads != 1 || writes != 0) {
      throw new LockUseException(
          "upgrade() of %s by thread '%s' of %s, which holds %d read(s) and %d write(s) of it: only a thread's single read can be upgraded, since an outer hold would lose what it rests on."
              .formatted(lock.quotedName(), thread.getName(), lock.me(), reads, writes));
    }
  }

  /** What this thread asks other nodes, before its time is over. */
  StatusQuery statusQuery(RankContext node) {
    StatusQuery asked = statusQuery;
    if (asked == null) {
      asked = new StatusQuery(node);
      statusQuery = asked;
    }
    return asked;
  }

  /** Asks other nodes no more. */
  void endStatusQuery() {
    if (statusQuery != null) {
      reports = statusQuery.end();
      statusQuery = null;
    }
  }

  /** What other nodes answered in this thread's last wait; once. */
  Map<Integer, NodeReport> takeReports() {
    endStatusQuery();
    Map<Integer, NodeReport> taken = reports;
    reports = Map.of();
    return taken;
  }

  /** The thread waits, so that the request is reported as contended. */
  void markWaited() {
    waited = true;
  }

  ThreadId id() {
    return id;
  }

  /**
   * Sets whether the thread's requests wait on, in their place, when it is interrupted, and set the
   * interrupt status at their end.
   *
   * @param on true for that; false, as at first, for requests that give up
   */
  public void setUninterruptible(boolean on) {
    uninterruptible = on;
  }

  boolean isUninterruptible() {
    return uninterruptible;
  }

  /**
   * The token of the current hold.
   *
   * @return the token of this write, or of the last one before this read
   */
  public long token() {
    return token;
  }

  /**
   * Tells whether the thread holds anything.
   *
   * @return true if it reads or writes
   */
  public boolean isHeld() {
    return reads + writes > 0;
  }

  /**
   * Tells its thread what that holds now, though another may have given back what is kept.
   *
   * @param write true to ask for the write alone
   * @return true if it holds that
   */
  public boolean holds(boolean write) {
    if (keeps) {
      synchronized (this) {
        return writes > 0 || (!write && reads > 0);
      }
    }
    return !owes && (writes > 0 || (!write && reads > 0));
  }

  /**
   * Tells its thread whether the end of the write was cut short.
   *
   * @return true until it is gone on with
   */
  public boolean isEnding() {
    return ending;
  }

  /**
   * Tells whether the thread reads.
   *
   * @return true if it holds a read, also inside a write
   */
  public boolean isReading() {
    return reads > 0;
  }

  /**
   * Tells whether the thread writes.
   *
   * @return true if it holds the write
   */
  public boolean isWriting() {
    return writes > 0;
  }

  /**
   * Counts the reads or writes among the thread's that it took by a {@code Lock}, which remembers
   * nothing itself: only these may be given back by {@code unlock}, and a lease only by itself.
   *
   * @param read true for reads, false for writes
   * @return how many
   */
  public int locked(boolean read) {
    return read ? lockedReads : lockedWrites;
  }

  /**
   * Counts a {@code lock}, or an {@code unlock}.
   *
   * @param read true for a read, false for a write
   * @param change 1 or -1
   */
  public void addLocked(boolean read, int change) {
    if (read) {
      lockedReads += change;
    } else {
      lockedWrites += change;
    }
  }

  /**
   * Tells whether the last request had to wait.
   *
   * @return true if somebody else held or asked for the resource
   */
  public boolean waited() {
    return waited;
  }

  /**
   * Notes when an observed hold began.
   *
   * @param read true for the read, false for the write
   * @param now by {@link System#nanoTime()}
   */
  public void since(boolean read, long now) {
    if (read) {
      readSince = now | 1; // never 0, which means that nobody observed the grant
    } else {
      writeSince = now | 1;
    }
  }

  /**
   * When the observed read began.
   *
   * @return nanoseconds, or 0 if it was not observed
   */
  public long readSince() {
    return readSince;
  }

  /**
   * When the observed write began.
   *
   * @return nanoseconds, or 0 if it was not observed
   */
  public long writeSince() {
    return writeSince;
  }

  /**
   * When the observed read began; forgets it.
   *
   * @return nanoseconds
   */
  public long takeReadSince() {
    long since = readSince;
    readSince = 0;
    return since;
  }

  /**
   * When the observed write began; forgets it.
   *
   * @return nanoseconds
   */
  public long takeWriteSince() {
    long since = writeSince;
    writeSince = 0;
    return since;
  }
}
