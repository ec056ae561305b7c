/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.internal.window.Waiter;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IIZ_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** The real lock of a node, {@link NodeLock}, by two ranks on the processor's own memory. */
final class LockStress {
  private LockStress() {}

  private static final Waiter.Watch NOTHING =
      new Waiter.Watch() {
        @Override
        public void check() {}

        @Override
        public String describe(long waitedNanos) {
          return "";
        }
      };

  static Waiter waiter(RankContext node) {
    return waiter(node, Waiter.FOREVER);
  }

  static Waiter waiter(RankContext node, long nanos) {
    return new Waiter(node, "r", node.nanoTime(), nanos, NOTHING);
  }

  /** Dekker: pending against holds. */
  @JCStressTest
  @Outcome(id = "true, true", expect = Expect.FORBIDDEN, desc = "A reader beside a writer.")
  @Outcome(expect = Expect.ACCEPTABLE, desc = "At least one gave way.")
  @State
  public static class ReaderBesideWriter {
    private final Slice words = new Slice();
    private final NodeLock reader = words.lock(0);
    private final NodeLock writer = words.lock(1);

    @Actor
    public void read(ZZ_Result result) {
      result.r1 = reader.tryRead();
    }

    @Actor
    public void write(ZZ_Result result) {
      result.r2 = writer.tryOwn() && writer.isUnread();
    }
  }

  /** Two compare-and-sets of STATE. */
  @JCStressTest
  @Outcome(id = "true, true", expect = Expect.FORBIDDEN, desc = "Two writers.")
  @Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "Nobody, though it was free.")
  @Outcome(expect = Expect.ACCEPTABLE, desc = "One writer.")
  @State
  public static class TwoWriters {
    private final Slice words = new Slice();
    private final NodeLock first = words.lock(0);
    private final NodeLock second = words.lock(1);

    @Actor
    public void first(ZZ_Result result) {
      result.r1 = first.tryOwn();
    }

    @Actor
    public void second(ZZ_Result result) {
      result.r2 = second.tryOwn();
    }
  }

  /** What a writer wrote to plain memory is seen by the writer that it hands the lock to. */
  @JCStressTest
  @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "What was written before.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "The next writer misses what the last one wrote.")
  @State
  public static class HandOver {
    private final Slice words = new Slice();
    private final NodeLock owner = words.lock(0);
    private final RankContext node = words.node(1);
    private final NodeLock next = new NodeLock(node, Slice.lockLine(), 1);
    private final boolean owned = owner.tryOwn();
    private int data;

    @Actor
    public void owner() {
      data = 1;
      owner.releaseOwnership();
    }

    @Actor
    public void next(I_Result result) {
      result.r1 =
          owned && next.awaitOwnership(new ThreadId(Thread.currentThread()), waiter(node))
              ? data
              : -1;
    }
  }

  /** The data of a write is seen by the next read. */
  @JCStressTest
  @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "Read what was written.")
  @Outcome(id = "-1", expect = Expect.ACCEPTABLE, desc = "Not yet free.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "The reader misses what the writer wrote.")
  @State
  public static class ReadAfterWrite {
    private final Slice words = new Slice();
    private final NodeLock writer = words.lock(0);
    private final NodeLock reader = words.lock(1);
    private final boolean owned = writer.tryOwn();
    private int data;

    @Actor
    public void write() {
      data = 1;
      writer.releaseOwnership();
    }

    @Actor
    public void read(I_Result result) {
      result.r1 = owned && reader.tryRead() ? data : -1;
    }
  }

  /** A reader has read before the next writer writes. */
  @JCStressTest
  @Outcome(id = "0", expect = Expect.ACCEPTABLE, desc = "Read before the write.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "The reader saw a write during its hold.")
  @State
  public static class WriteAfterRead {
    private final Slice words = new Slice();
    private final NodeLock reader = words.lock(0);
    private final NodeLock writer = words.lock(1);
    private final boolean reads = reader.tryRead();
    private int data;

    @Actor
    public void read(I_Result result) {
      result.r1 = reads ? data : -1;
      reader.releaseRead();
    }

    @Actor
    public void write() {
      if (writer.tryOwn() && writer.isUnread()) {
        data = 1;
      }
    }
  }

  /** A read without a lock, which counts only if its stamp is validated. */
  @JCStressTest
  @Outcome(id = "0, 1, true", expect = Expect.FORBIDDEN, desc = "A torn read was validated.")
  @Outcome(id = "1, 0, true", expect = Expect.FORBIDDEN, desc = "A torn read was validated.")
  @Outcome(expect = Expect.ACCEPTABLE, desc = "Whole, or not validated.")
  @State
  public static class OptimisticRead {
    private final Slice words = new Slice();
    private final NodeLock writer = words.lock(0);
    private final NodeLock reader = words.lock(1);
    private int left;
    private int right;

    @Actor
    public void write() {
      if (writer.tryOwn() && writer.isUnread()) {
        writer.beginWrite();
        left = 1;
        right = 1;
        writer.releaseOwnership();
      }
    }

    @Actor
    public void read(IIZ_Result result) {
      long stamp = reader.optimisticStamp();
      result.r1 = left;
      result.r2 = right;
      result.r3 = stamp >= 0 && reader.validate(stamp);
    }
  }

  /** Two writes one after the other have two tokens. */
  @JCStressTest
  @Outcome(
      id = {"1, 2", "2, 1"},
      expect = Expect.ACCEPTABLE,
      desc = "One after the other.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "Tokens that are not those of two writes.")
  @State
  public static class Tokens {
    private final Slice words = new Slice();
    private final RankContext[] nodes = {words.node(0), words.node(1)};
    private final NodeLock[] locks = {
      new NodeLock(nodes[0], Slice.lockLine(), 0), new NodeLock(nodes[1], Slice.lockLine(), 1)
    };

    private int write(int rank) {
      NodeLock lock = locks[rank];
      if (!lock.tryOwn()
          && !lock.awaitOwnership(new ThreadId(Thread.currentThread()), waiter(nodes[rank]))) {
        return -1;
      }
      int token = (int) lock.beginWrite();
      lock.releaseOwnership();
      return token;
    }

    @Actor
    public void first(II_Result result) {
      result.r1 = write(0);
    }

    @Actor
    public void second(II_Result result) {
      result.r2 = write(1);
    }
  }
}
