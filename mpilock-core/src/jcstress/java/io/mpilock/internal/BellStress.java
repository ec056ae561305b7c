/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.Layout;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** The real {@link Bell}: epoch and sleepers. */
final class BellStress {
  private BellStress() {}

  private static final long CHANGED = Layout.INBOX;

  /**
   * A window in which a sleep and a wake are noted and not done. Who sleeps stays counted, as if it
   * slept on.
   */
  static class Drowsy extends Slice {
    private boolean slept;
    private boolean woke;

    @Override
    public final long getAndAdd(long index, long delta) {
      return slept && delta < 0 ? 0 : add(index, delta);
    }

    long add(long index, long delta) {
      return super.getAndAdd(index, delta);
    }

    /** The epoch has not moved when the kernel looks at it: it would sleep. */
    @Override
    public void sleepWhile(long index, int low32, long nanos) {
      slept = (int) get(index) == low32;
    }

    @Override
    public void wake(long index) {
      woke = true;
    }

    boolean sleeps(Bell bell) {
      bell.sleep(() -> get(CHANGED) != 0, 1);
      return slept;
    }

    boolean changeAndRing(Bell bell) {
      set(CHANGED, 1);
      bell.ring();
      return woke;
    }
  }

  /** Dekker: sleepers against what is waited for. */
  @JCStressTest
  @Outcome(id = "true, false", expect = Expect.FORBIDDEN, desc = "It sleeps, and nobody wakes it.")
  @Outcome(expect = Expect.ACCEPTABLE, desc = "It stays awake, or is woken.")
  @State
  public static class LostWakeUp {
    private final Drowsy words = new Drowsy();
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
}
