/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import io.mpilock.transport.NodeWindow;

/**
 * DIRECTORY_LOCK: who has it may change the directory of a node's resources. Whoever takes it from
 * a rank that died has all look at the whole directory, since a change may not have been told.
 */
public final class DirectoryLock {
  private final RankContext node;
  private final NodeWindow window;
  private final Bell bell;

  /** What stands there while it is held by this; guarded by itself. */
  private long held;

  DirectoryLock(RankContext node) {
    this.node = node;
    this.window = node.window();
    this.bell = new Bell(window, Layout.DIRECTORY_BELL);
  }

  /**
   * Waits until nobody else changes the directory; for as long as a process stands still that does,
   * unless this thread is interrupted or the controller closed. To be followed by {@link #unlock}.
   */
  void lock(String name) {
    Namer namer = new Namer(name);
    if (namer.tryLock()) {
      return;
    }
    Waiter waiter = new Waiter(node, name, node.nanoTime(), Waiter.FOREVER, namer);
    namer.check();
    while (!namer.tryLock()) {
      if (!waiter.pause(bell, () -> window.get(Layout.DIRECTORY_LOCK) == 0)) {
        throw node.isClosed()
            ? node.closedFailure()
            : new LockInterruptedException(
                "Thread '%s' of rank %d was interrupted while it waited to name %s."
                    .formatted(
                        Thread.currentThread().getName(),
                        node.myJobRank(),
                        CallNames.quoted(name)));
      }
    }
  }

  /** Takes it for the agent, unless somebody has it, or this rank is gone. */
  boolean tryLock() {
    long holder = holder();
    return (holder == 0 || node.isGone((int) holder - 1)) && take(holder, node.agent());
  }

  /** Unless another rank has taken it from this one, which is gone; in any case it is not held. */
  void unlock() {
    try {
      for (int tries = 1; ; tries++) {
        try {
          boolean _ = window.compareAndSet(Layout.DIRECTORY_LOCK, held, 0);
          break;
        } catch (Throwable cut) { // nobody else would
          if (tries == ThreadHold.TRIES) {
            if (!node.isWindowFreed()) {
              node.giveUp(cut);
            }
            throw cut;
          }
        }
      }
    } finally {
      node.leave();
    }
    bell.ring();
  }

  /**
   * To be called before each change: a rank that goes waits for those who are at it, but not for
   * long, and then others go on.
   */
  void checkHeld() {
    if (window.get(Layout.DIRECTORY_LOCK) != held) {
      throw node.closedFailure();
    }
  }

  private boolean take(long holder, int member) {
    if (!node.enter()) {
      return false;
    }
    if (!window.compareAndSet(Layout.DIRECTORY_LOCK, holder, member + 1)) {
      node.leave();
      return false;
    }
    held = member + 1L;
    if (holder != 0) {
      window.getAndAdd(Layout.DIRECTORY_CHANGES, Layout.CHANGES);
    }
    return true;
  }

  private long holder() {
    long holder = window.get(Layout.DIRECTORY_LOCK);
    if (holder < 0 || holder > node.members()) {
      throw node.damaged("the lock of the directory of resources is held by " + holder);
    }
    return holder;
  }

  /** A thread that waits to name a resource. */
  private final class Namer implements Waiter.Watch {
    private final String name;
    private long gone;

    Namer(String name) {
      this.name = name;
    }

    boolean tryLock() {
      long holder = holder();
      if (holder != 0 && holder != gone) {
        return false;
      }
      if (take(holder, node.me())) {
        return true;
      }
      if (node.hasGone()) {
        throw node.closedFailure();
      }
      return false;
    }

    @Override
    public void check() {
      long holder = holder();
      if (holder != 0 && node.isGone((int) holder - 1)) {
        gone = holder;
      }
    }

    @Override
    public String describe(long waitedNanos) {
      long holder = holder();
      return "Thread '%s' of %s has waited %s to name %s%s."
          .formatted(
              Thread.currentThread().getName(),
              node.who(node.me()),
              RankContext.seconds(waitedNanos),
              CallNames.quoted(name),
              holder == 0
                  ? ""
                  : (", while %s names one; that normally takes no time, so check whether its"
                          + " process is stopped")
                      .formatted(node.who((int) holder - 1)));
    }
  }
}
