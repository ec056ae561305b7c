/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;

/**
 * Clears the poison of a resource, for one call: on one node as in a recovery, on several with the
 * agents' help. Waits for them, and for nobody's hold.
 */
final class PoisonClearing {
  /**
   * How long to wait until a resource that is given free is free: agents answer in milliseconds.
   */
  private static final long CLEAR_NANOS = 5_000_000_000L;

  private final RankLock lock;
  private final RankContext node;
  private final NodeLock words;

  PoisonClearing(RankLock lock, RankContext node, NodeLock words) {
    this.lock = lock;
    this.node = node;
    this.words = words;
  }

  /** As {@link RankLock#clearPoison}. */
  int clear(int ofRank) {
    int rank = words.poisonedBy();
    if (rank < 0 && node.agent() >= 0) {
      rank = askWhetherPoisoned();
    }
    if (ofRank >= 0 && rank != ofRank) {
      return -1;
    }
    if (rank >= 0) {
      if (!words.hasEnded(rank)) {
        throw new LockUseException(
            ("The poison of %s cannot be cleared: %s has left the job, but its process"
                    + " still runs, and may write. End it first.")
                .formatted(lock.quotedName(), node.whoInJob(rank)));
      }
      awaitCleared(rank);
      node.log(
          System.Logger.Level.WARNING,
          ("%s has cleared the poison of %s, which rank %d was writing when it was" + " lost")
              .formatted(lock.me(), lock.quotedName(), rank));
    }
    return rank;
  }

  /** A try to read is answered by the node where the writer died. */
  private int askWhetherPoisoned() {
    ThreadHold hold = lock.hold();
    try {
      if (hold.acquireRead(lock, 0)) {
        hold.strayRead = true; // by no call: there may be no stack left for one
        hold.special = true;
        hold.releaseStray(lock);
      }
    } catch (RankFailedException e) {
      if (node.brokenBy() >= 0) {
        throw e;
      }
    }
    return words.poisonedBy();
  }

  private void awaitCleared(int rank) {
    PoisonWatch watch = new PoisonWatch(rank);
    Waiter waiter = new Waiter(node, lock.name(), node.nanoTime(), CLEAR_NANOS, watch);
    if (node.agent() >= 0) {
      watch.check();
    }
    while (!watch.isCleared()) {
      if (!waiter.pause(words.bell(words.me()), () -> words.poisonedBy() != rank)) {
        lock.checkOpen();
        throw waiter.wasInterrupted()
            ? new LockInterruptedException(
                ("Thread '%s' of %s was interrupted while it cleared the poison of %s,"
                        + " which may still take effect.")
                    .formatted(Thread.currentThread().getName(), lock.me(), lock.quotedName()))
            : new LockTimeoutException(
                watch.describe(CLEAR_NANOS) + " It may still take effect; if not, call it again.");
      }
    }
  }

  /** What a thread looks at now and then that gives the resource free. */
  private final class PoisonWatch implements Waiter.Watch {
    private final int rank;

    PoisonWatch(int rank) {
      this.rank = rank;
    }

    boolean isCleared() {
      return words.poisonedBy() != rank || (node.agent() < 0 && words.clearPoison(rank));
    }

    @Override
    public void check() {
      if (node.agent() >= 0 && words.poisonedBy() == rank) {
        node.throwIfBroken();
        words.askToClear(rank);
      }
    }

    @Override
    public String describe(long waitedNanos) {
      return ("Thread '%s' of %s has waited %s to clear the poison of %s, left by %s;"
              + " that normally takes no time. %s.")
          .formatted(
              Thread.currentThread().getName(),
              node.who(node.me()),
              RankContext.seconds(waitedNanos),
              lock.quotedName(),
              node.whoInJob(rank),
              node.memberOf(rank) >= 0
                  ? "Check whether another process is stopped"
                  : "If its process still runs, end it; otherwise check whether another one is"
                      + " stopped");
    }
  }
}
