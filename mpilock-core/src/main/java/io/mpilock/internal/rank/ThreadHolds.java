/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.WaitRecord.Held;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What each thread of this rank holds, of all resources. One table for each thread, and not one
 * ThreadLocal for each lock, since the value of a ThreadLocal that is gone stays with its thread.
 */
public final class ThreadHolds {

  /** What the calling thread may hold. Must not lead to the context: see {@link ThreadHold}. */
  private final ThreadLocal<Mine> mine = ThreadLocal.withInitial(Mine::new);

  /**
   * A thread's holds, by lock lines: of locks that can be reached, or of which it holds something.
   */
  private static final class Mine {
    private static final int FEW = 16;

    private @Nullable Part[] parts = new Part[FEW];
    private int size;

    private record Part(ThreadHold hold, WeakReference<RankLock> lock) {
      boolean isNeeded() {
        return !lock.refersTo(null) || hold.isHeld();
      }
    }

    private static int slot(long lockLine, int length) {
      return (int) (lockLine / Layout.LINE) & (length - 1);
    }

    private int find(long lockLine) {
      int slot = slot(lockLine, parts.length);
      while (true) {
        Part part = parts[slot];
        if (part == null || part.hold().lockLine() == lockLine) {
          return slot;
        }
        slot = (slot + 1) & (parts.length - 1);
      }
    }

    /** The hold of a lock, or of one before it of the same resource; or null. */
    @Nullable ThreadHold get(RankLock lock) {
      Part part = parts[find(lock.lockLine())];
      return part != null && (part.lock().refersTo(lock) || part.hold().isHeld())
          ? part.hold()
          : null;
    }

    void add(ThreadHold hold, WeakReference<RankLock> lock) {
      if (2 * size >= parts.length) {
        renew();
      }
      put(new Part(hold, lock));
    }

    private void put(Part part) {
      int slot = find(part.hold().lockLine());
      size += parts[slot] == null ? 1 : 0;
      parts[slot] = part;
    }

    /** Leaves out what is needed no more. */
    private void renew() {
      @Nullable Part[] old = parts;
      int needed = 0;
      for (Part part : old) {
        needed += part != null && part.isNeeded() ? 1 : 0;
      }
      parts = new Part[Math.max(FEW, 4 * Integer.highestOneBit(Math.max(1, 2 * needed - 1)))];
      size = 0;
      for (Part part : old) {
        if (part != null && part.isNeeded()) {
          put(part);
        }
      }
    }

    int slots() {
      return parts.length;
    }

    /** Null where there is none. */
    @Nullable ThreadHold at(int slot) {
      Part part = parts[slot];
      return part == null ? null : part.hold();
    }
  }

  /** The calling thread's part in a resource, to be looked at when it waits. */
  ThreadHold hold(RankLock lock, WeakReference<RankLock> self) {
    Mine all = mine.get();
    ThreadHold known = all.get(lock);
    if (known != null) {
      return known;
    }
    ThreadHold made = new ThreadHold(Thread.currentThread(), lock.lockLine());
    all.add(made, self);
    return made;
  }

  /**
   * Lets go of the calling thread's table, which would else stay with the thread until it happens
   * to look through its ThreadLocals.
   */
  public void forget() {
    mine.remove();
  }

  /** What the calling thread holds, as far as a record has room for it. */
  List<Held> held() {
    List<Held> held = new ArrayList<>();
    Mine all = mine.get();
    for (int i = 0; i < all.slots(); i++) {
      ThreadHold hold = all.at(i);
      if (hold != null && hold.isHeld() && held.size() < Layout.WAIT_HOLDS) {
        held.add(new Held(hold.lockLine(), hold.isWriting()));
      }
    }
    return held;
  }

  /** Whether the calling thread holds anything. */
  boolean holdsAny() {
    Mine all = mine.get();
    for (int i = 0; i < all.slots(); i++) {
      ThreadHold hold = all.at(i);
      if (hold != null && hold.isHeld()) {
        return true;
      }
    }
    return false;
  }
}
