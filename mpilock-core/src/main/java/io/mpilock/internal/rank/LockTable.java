/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The locks of a rank. All of them, as long as they are few; of many those that the application can
 * reach, and those that a thread has had something of when it was last looked. When one cannot be
 * reached any more, no thread of the rank touches its words, and the directory is told.
 *
 * <p>Whoever asks for a lock does so for others that were let go meanwhile. A rank that has many
 * gets a thread for that: it may ask for no lock any more, while others need the room.
 */
public final class LockTable {
  /** How long a name waits for room, while other ranks look what they need no more. */
  private static final long ROOM_NANOS = 10_000_000_000L;

  private static final long POLL_NANOS = 10_000_000;
  private static final long LOOK_MILLIS = 250;
  private static final long END_MILLIS = 1000;

  private final RankThreads threads;
  private final RankContext node;
  private final Directory directory;
  private final ConcurrentMap<String, Entry> locks = new ConcurrentHashMap<>();
  private final ReferenceQueue<RankLock> unreachable = new ReferenceQueue<>();

  /** With as many locks as this it is looked for those that are not needed. */
  private volatile int enough;

  private final AtomicReference<@Nullable Thread> sweeper = new AtomicReference<>();

  private static final class Entry extends WeakReference<RankLock> {
    private final String name;
    private final long lockLine;

    /** The same, until it may go. */
    private volatile @Nullable RankLock kept;

    Entry(RankLock lock, ReferenceQueue<RankLock> queue) {
      super(lock, queue);
      this.name = lock.name();
      this.lockLine = lock.lockLine();
    }
  }

  public LockTable(RankThreads threads, Directory directory) {
    this.threads = threads;
    this.node = threads.node();
    this.directory = directory;
    this.enough = directory.few();
  }

  /** What the locks of this table have in common. */
  public RankThreads threads() {
    return threads;
  }

  /** The locks that can be reached. */
  public Stream<RankLock> all() {
    return locks.values().stream().map(Reference::get).filter(Objects::nonNull);
  }

  /** Gives the lock of a resource. May wait for other ranks that name one. */
  public RankLock get(String name) {
    leave();
    Entry known = locks.get(name);
    if (known != null) {
      RankLock lock = known.get();
      if (lock != null) {
        if (areFew()) {
          known.kept = lock;
        }
        return lock;
      }
    }
    return make(name);
  }

  private RankLock make(String name) {
    long lockLine = directory.use(name);
    if (lockLine < 0) {
      lockLine = awaitRoom(name);
    }
    RankLock known = put(name, lockLine);
    enough = Math.min(enough, Math.max(directory.few(), 2 * locks.size()));
    if (locks.size() >= enough) {
      letGo();
    }
    if (!areFew()) {
      startSweeper();
    }
    return known;
  }

  private RankLock put(String name, long lockLine) {
    boolean used = false;
    try {
      RankLock made = new RankLock(name, threads, lockLine);
      RankLock known = put(made);
      used = known == made;
      return known;
    } finally {
      if (!used) {
        directory.leave(lockLine);
      }
    }
  }

  /**
   * Keeps none any more of which no thread here holds or asks for anything, and looks for ranks
   * that have died: what those used is free.
   */
  private void letGo() {
    for (int rank = 0; rank < node.ranks(); rank++) {
      boolean _ = node.isGone(rank);
    }
    for (Entry entry : locks.values()) {
      if (entry.kept != null && !directory.isUsedHere(entry.lockLine)) {
        entry.kept = null;
      }
    }
    enough = Math.max(directory.few(), 2 * locks.size());
  }

  private boolean areFew() {
    return locks.size() < directory.few();
  }

  private RankLock put(RankLock made) {
    Entry mine = new Entry(made, unreachable);
    if (areFew()) {
      mine.kept = made; // else it would grow old before it may go, and collectors look there last
    }
    while (true) {
      Entry known = locks.putIfAbsent(made.name(), mine);
      if (known == null) {
        return made;
      }
      RankLock lock = known.get();
      if (lock != null) {
        mine.clear(); // it tells of no end: the lock that it is of was never in use
        return lock;
      }
      if (locks.replace(made.name(), known, mine)) {
        return made;
      }
    }
  }

  /** Tells the directory of the locks that were let go. */
  private void leave() {
    for (Reference<?> gone = unreachable.poll(); gone != null; gone = unreachable.poll()) {
      leave(gone);
    }
  }

  private void leave(Reference<?> gone) {
    Entry entry = (Entry) gone;
    if (directory.isUsedHere(entry.lockLine)) {
      // It is held by a thread that has let go of every object: who asks again finds its hold.
      RankLock again = new RankLock(entry.name, threads, entry.lockLine);
      Entry held = new Entry(again, unreachable);
      held.kept = again;
      if (locks.replace(entry.name, entry, held)) {
        return;
      }
      held.clear();
    }
    locks.remove(entry.name, entry);
    directory.leave(entry.lockLine);
  }

  /**
   * Has all ranks see what they need no more. That is known only after a garbage collection, so one
   * is asked for, as the JDK does where direct memory has run out.
   */
  private long awaitRoom(String name) {
    node.window().getAndAdd(Layout.NO_ROOM, 1);
    letGo();
    System.gc();
    long start = node.nanoTime(); // the collection may have taken long
    while (true) {
      node.rest(POLL_NANOS); // the references come to their queue a little later
      leave();
      long lockLine = directory.use(name);
      if (lockLine >= 0) {
        return lockLine;
      }
      if (Thread.currentThread().isInterrupted()) {
        throw new LockInterruptedException(
            "Thread '%s' of rank %d was interrupted while it waited for room for %s."
                .formatted(
                    Thread.currentThread().getName(), node.myJobRank(), CallNames.quoted(name)));
      }
      if (node.nanoTime() - start >= ROOM_NANOS) {
        throw RankLock.full(name, node.window().words());
      }
    }
  }

  private void startSweeper() {
    if (sweeper.get() == null) {
      Thread thread = new Thread(null, this::sweep, "mpilock-names", 0, false);
      thread.setDaemon(true);
      if (sweeper.compareAndSet(null, thread)) {
        try {
          thread.start();
        } catch (OutOfMemoryError none) { // no thread can be had: whoever asks next tries again
          sweeper.set(null);
        }
      }
    }
  }

  /**
   * Ends the thread that looks after many names, which has all of them; waits for that, not long.
   */
  public void end() {
    Thread thread = sweeper.get();
    if (thread != null) {
      thread.interrupt();
      try {
        thread.join(END_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Until the controller is closed, or there are few names again. */
  private void sweep() {
    try {
      long seen = node.window().get(Layout.NO_ROOM);
      while (!node.isClosed() && locks.size() >= directory.few()) {
        Reference<?> gone = unreachable.remove(LOOK_MILLIS);
        if (gone != null) {
          leave(gone);
        }
        long now = node.window().get(Layout.NO_ROOM);
        if (now != seen) {
          seen = now;
          letGo();
          System.gc();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IllegalStateException e) {
      node.requireFreed(e);
    } finally {
      sweeper.set(null);
    }
  }
}
