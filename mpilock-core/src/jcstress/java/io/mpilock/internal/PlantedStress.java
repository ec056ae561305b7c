/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IIZ_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * The teeth: the same code over windows that are wrong in one access, and one wrong order. Each
 * must show its forbidden outcome, or the tests above would prove nothing.
 */
final class PlantedStress {
  private PlantedStress() {}

  /** Counts by a store that may wait in the store buffer: release order, as an opaque one would. */
  private static class WeakAdd extends Slice {
    @Override
    public long getAndAdd(long index, long delta) {
      long before = get(index);
      setRelease(index, before + delta);
      return before;
    }
  }

  /** A reader that has counted itself is told that no writer has come. */
  private static final class NoSecondLook extends Slice {
    private boolean counted;

    @Override
    public long getAndAdd(long index, long delta) {
      counted = true;
      return super.getAndAdd(index, delta);
    }

    @Override
    public long get(long index) {
      long value = super.get(index);
      return counted && index == lockLine() + Layout.STATE
          ? LockWords.withPending(value, 0)
          : value;
    }
  }

  /** Looks and then sets. */
  private static final class TornCompareAndSet extends Slice {
    @Override
    public boolean compareAndSet(long index, long expected, long value) {
      if (get(index) != expected) {
        return false;
      }
      set(index, value);
      return true;
    }
  }

  private static final class WeakDrowsy extends BellStress.Drowsy {
    @Override
    long add(long index, long delta) {
      long before = get(index);
      setRelease(index, before + delta);
      return before;
    }
  }

  @JCStressTest
  @Outcome(id = "true, true", expect = Expect.FORBIDDEN, desc = "A reader beside a writer.")
  @Outcome(expect = Expect.ACCEPTABLE, desc = "At least one gave way.")
  @State
  public static class HoldsWithoutFence {
    private final Slice words = new WeakAdd();
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

  @JCStressTest
  @Outcome(id = "true, true", expect = Expect.FORBIDDEN, desc = "A reader beside a writer.")
  @Outcome(expect = Expect.ACCEPTABLE, desc = "At least one gave way.")
  @State
  public static class ReaderLooksOnce {
    private final Slice words = new NoSecondLook();
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

  @JCStressTest
  @Outcome(id = "true, true", expect = Expect.FORBIDDEN, desc = "Two writers.")
  @Outcome(expect = Expect.ACCEPTABLE, desc = "One writer.")
  @State
  public static class TwoWritersWithoutAtomics {
    private final Slice words = new TornCompareAndSet();
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

  @JCStressTest
  @Outcome(id = "true, false", expect = Expect.FORBIDDEN, desc = "It sleeps, and nobody wakes it.")
  @Outcome(expect = Expect.ACCEPTABLE, desc = "It stays awake, or is woken.")
  @State
  public static class SleepersWithoutFence {
    private final BellStress.Drowsy words = new WeakDrowsy();
    private final Bell bell = new Bell(words, Layout.COLLECTIVE_BELL);

    @Actor
    public void sleep(ZZ_Result result) {
      result.r1 = words.sleeps(bell);
    }

    @Actor
    public void ring(ZZ_Result result) {
      result.r2 = words.changeAndRing(bell);
    }
  }

  /** A writer that raises the token when it has written, and not before. */
  @JCStressTest
  @Outcome(id = "0, 1, true", expect = Expect.FORBIDDEN, desc = "A torn read was validated.")
  @Outcome(id = "1, 0, true", expect = Expect.FORBIDDEN, desc = "A torn read was validated.")
  @Outcome(expect = Expect.ACCEPTABLE, desc = "Whole, or not validated.")
  @State
  public static class TokenAfterTheWrite {
    private final Slice words = new Slice();
    private final NodeLock writer = words.lock(0);
    private final NodeLock reader = words.lock(1);
    private int left;
    private int right;

    @Actor
    public void write() {
      left = 1;
      for (int i = 0; i < 20; i++) {
        Thread.onSpinWait(); // so that a reader comes in between now and then
      }
      right = 1;
      writer.beginWrite();
    }

    @Actor
    public void read(IIZ_Result result) {
      long stamp = reader.optimisticStamp();
      result.r1 = left;
      result.r2 = right;
      result.r3 = stamp >= 0 && reader.validate(stamp);
    }
  }

  /** The next of a rank's threads may go on before the last one has written all. */
  @JCStressTest
  @Outcome(
      id = {"1, 2", "2, 1"},
      expect = Expect.ACCEPTABLE,
      desc = "One after the other.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "One saw nothing of the other.")
  @State
  public static class ReleaseBeforeTheLastWrite {
    private final Slice words = new Slice();
    private final RankContext node = words.node(0);
    private final NodeLock lock = new NodeLock(node, Slice.lockLine(), 0);
    private int count;

    private int write() {
      lock.awaitOwnership(new ThreadId(Thread.currentThread()), LockStress.waiter(node));
      int now = count + 1;
      lock.releaseOwnership();
      for (int i = 0; i < 5_000; i++) {
        Thread.onSpinWait(); // so that the next, which is woken first, comes in between
      }
      count = now;
      return now;
    }

    @Actor
    public void first(II_Result result) {
      result.r1 = write();
    }

    @Actor
    public void second(II_Result result) {
      result.r2 = write();
    }
  }
}
