/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.NodeWindow;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * From just before the release of a write to its grant to the other rank, which has waited for a
 * while: rank 0 holds, rank 1 waits. Beside it, in turn, what the kernel needs at least: a thread
 * that sleeps on a word of the window in the same way, and is woken.
 */
public final class HandoverBench {
  private static final long[] HOLD_MICROS = {10, 100, 1_000, 10_000, 100_000, 1_000_000};

  /** Long enough to fall asleep, so that the warm-up is one of sleeping and waking. */
  private static final long WARM_MICROS = 1_000;

  private static final long MARGIN_NANOS = 1_000_000;
  private static final int SPINS = 10_000;

  // Words of the window, each written by one rank, on lines of their own.
  private static final long HELD = 32;
  private static final long BEGUN = 64;
  private static final long RELEASED = 96;
  private static final long DONE = 128;
  private static final long SLEPT_ON = 160;

  private final NodeWindow window = BenchRanks.lonelyWindow();
  private final ResourceLock lock;
  private final boolean holds;
  private long turn;

  private HandoverBench(WindowController controller) {
    lock = controller.resource("handed over");
    holds = controller.rank() == 0;
  }

  /** One hand-over. */
  private interface Turn {
    /** Gives microseconds on rank 1. */
    double after(long holdNanos);
  }

  /**
   * Measures. For each time held, named by its microseconds and {@code lock} or {@code futex},
   * prints a row for each round: microseconds of the median turn, that of 99 % of the turns, and
   * the longest.
   *
   * @param args the number of rounds, the milliseconds that all turns of one kind and round take at
   *     most, if that is at least one turn, and the turns to warm up
   */
  public static void main(String[] args) {
    int rounds = Integer.parseInt(args[0]);
    long roundMicros = Long.parseLong(args[1]) * 1_000;
    int warmUp = Integer.parseInt(args[2]);
    try (Communicator world = BenchRanks.open();
        WindowController controller = BenchRanks.sync(world)) {
      HandoverBench bench = new HandoverBench(controller);
      bench.turns(WARM_MICROS, warmUp);
      for (int round = 0; round < rounds; round++) {
        for (long micros : HOLD_MICROS) {
          int turns = Math.clamp(roundMicros / micros, 1, 500);
          double[][] measured = bench.turns(micros, turns);
          if (!bench.holds) {
            report(micros + " lock", measured[0]);
            report(micros + " futex", measured[1]);
          }
        }
      }
    }
  }

  /** Of the lock and of the bare futex, in turn. */
  private double[][] turns(long holdMicros, int count) {
    long nanos = TimeUnit.MICROSECONDS.toNanos(holdMicros);
    double[][] micros = new double[2][count];
    for (int i = 0; i < count; i++) {
      micros[0][i] = turn(nanos, this::ofLock);
      micros[1][i] = turn(nanos, this::ofFutex);
    }
    return micros;
  }

  private double turn(long holdNanos, Turn kind) {
    turn++;
    double micros = kind.after(holdNanos);
    if (holds) {
      await(DONE);
    } else {
      window.set(DONE, turn);
    }
    return micros;
  }

  private double ofLock(long holdNanos) {
    if (holds) {
      WriteLease lease = lock.write();
      window.set(HELD, turn);
      hold(holdNanos);
      window.set(RELEASED, System.nanoTime()); // CLOCK_MONOTONIC: the same on all ranks of a node
      lease.close();
      return 0;
    }
    await(HELD);
    window.set(BEGUN, turn);
    WriteLease lease = lock.write();
    long granted = System.nanoTime();
    lease.close();
    return (granted - window.get(RELEASED)) / 1e3;
  }

  private double ofFutex(long holdNanos) {
    if (holds) {
      window.set(SLEPT_ON, 0);
      window.set(HELD, turn);
      hold(holdNanos);
      window.set(RELEASED, System.nanoTime());
      window.set(SLEPT_ON, 1);
      window.wake(SLEPT_ON);
      return 0;
    }
    await(HELD);
    window.set(BEGUN, turn);
    while (window.get(SLEPT_ON) == 0) {
      window.sleepWhile(SLEPT_ON, 0, Long.MAX_VALUE / 2);
    }
    return (System.nanoTime() - window.get(RELEASED)) / 1e3;
  }

  /** From when the other has begun to wait; a long time mostly asleep. */
  private void hold(long nanos) {
    await(BEGUN);
    long end = System.nanoTime() + nanos;
    if (nanos > 2 * MARGIN_NANOS) {
      LockSupport.parkNanos(nanos - MARGIN_NANOS);
    }
    while (System.nanoTime() < end) {
      Thread.onSpinWait();
    }
  }

  /** Waits for the other to write the number of this turn. */
  @SuppressWarnings("ThreadPriorityCheck") // both may be on one core
  private void await(long word) {
    for (int spins = 0; window.get(word) != turn; spins++) {
      if (spins < SPINS) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
  }

  private static void report(String name, double[] micros) {
    Arrays.sort(micros);
    int count = micros.length;
    BenchRanks.result(
        "hand-over",
        name,
        Tables.joined(micros[count / 2], micros[(count * 99 - 1) / 100], micros[count - 1]));
  }
}
