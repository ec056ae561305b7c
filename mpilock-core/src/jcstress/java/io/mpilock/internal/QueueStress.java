/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.node.WriteQueue;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.internal.window.Waiter;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The queue of a rank's threads, {@link WriteQueue}, on the processor's own memory: places, numbers
 * and wake-ups pass from thread to thread, and what one wrote the next sees. A thread that is not
 * served hangs, which is an error of the test.
 */
final class QueueStress {
  private QueueStress() {}

  /** The threads of rank 0, and rank 1 beside it. */
  private static class Threads {
    private final Slice words = new Slice();
    private final RankContext node = words.node(0);
    private final NodeLock lock = new NodeLock(node, Slice.lockLine(), 0);
    final NodeLock other = words.lock(1);
    private int count;

    /** Waits for the write, and counts under it. */
    final int write() {
      boolean owns =
          lock.awaitOwnership(new ThreadId(Thread.currentThread()), LockStress.waiter(node));
      return owns ? countAndRelease() : -1;
    }

    /** Gives up at once, unless the write is free. */
    final int tryToWrite() {
      Waiter none = LockStress.waiter(node, 0);
      return lock.awaitOwnership(new ThreadId(Thread.currentThread()), none)
          ? countAndRelease()
          : 0;
    }

    private int countAndRelease() {
      int now = ++count;
      lock.releaseOwnership();
      return now;
    }
  }

  /** Both want what is free. */
  @JCStressTest
  @Outcome(
      id = {"1, 2", "2, 1"},
      expect = Expect.ACCEPTABLE,
      desc = "One after the other.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "Both at once, or one saw nothing of the other.")
  @State
  public static class TwoThreads {
    private final Threads rank = new Threads();

    @Actor
    public void first(II_Result result) {
      result.r1 = rank.write();
    }

    @Actor
    public void second(II_Result result) {
      result.r2 = rank.write();
    }
  }

  /** Another rank owns, and gives it away while the threads line up. */
  @JCStressTest
  @Outcome(
      id = {"1, 2", "2, 1"},
      expect = Expect.ACCEPTABLE,
      desc = "One after the other.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "Both at once, or one saw nothing of the other.")
  @State
  public static class TwoThreadsBehindAnotherRank {
    private final Threads rank = new Threads();
    private final boolean owned = rank.other.tryOwn();

    @Actor
    public void first(II_Result result) {
      result.r1 = owned ? rank.write() : -1;
    }

    @Actor
    public void second(II_Result result) {
      rank.other.releaseOwnership();
      result.r2 = rank.write();
    }
  }

  /** One gives up, before the other or behind it; then the other rank gives it away. */
  @JCStressTest
  @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "Who waited was served.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "Who waited was not served, or who gave up was.")
  @State
  public static class OneGivesUp {
    private final Threads rank = new Threads();
    private final boolean owned = rank.other.tryOwn();

    @Actor
    public void waits(II_Result result) {
      result.r1 = owned ? rank.write() : -1;
    }

    @Actor
    public void givesUp(II_Result result) {
      result.r2 = rank.tryToWrite();
      rank.other.releaseOwnership();
    }
  }

  /** The one that gives up does so while it is given away. */
  @JCStressTest
  @Outcome(
      id = {"1, 0", "1, 2", "2, 1"},
      expect = Expect.ACCEPTABLE,
      desc = "In some order.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "Who waited was not served, or both were at once.")
  @State
  public static class OneGivesUpAsItIsServed {
    private final Threads rank = new Threads();
    private final boolean owned = rank.other.tryOwn();

    @Actor
    public void waits(II_Result result) {
      rank.other.releaseOwnership();
      result.r1 = owned ? rank.write() : -1;
    }

    @Actor
    public void givesUp(II_Result result) {
      result.r2 = rank.tryToWrite();
    }
  }
}
