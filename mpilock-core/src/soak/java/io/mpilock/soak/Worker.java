/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import io.mpilock.ResourceLock;
import io.mpilock.WriteLease;
import io.mpilock.soak.Settings.Fault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** One thread that takes locks at random until it is told to stop. */
final class Worker {
  private static final List<Mode> ALONE =
      Arrays.stream(Mode.values())
          .filter(mode -> !mode.isCollective() && mode != Mode.CIRCLE)
          .toList();

  /** Plain reads come oftener than the rest, or there would always be a writer. */
  private static final int READS = 16;

  private static final int ONE_IN = 1000;
  private static final int HOLDS_AT = 100;

  /** So seldom does a thread run into a cycle of waits, which takes long to be found. */
  private static final int CIRCLE_ONE_IN = 5000;

  private static final int FIRST_CIRCLE = 20;

  private final Settings settings;
  private final Fault fault;
  private final int rank;
  private final int thread;
  private final Guarded[] guarded;
  private final List<ResourceLock> own;
  private final Tally tally;
  private final Operations operations;

  Worker(
      Settings settings,
      Fault fault,
      int rank,
      int thread,
      Guarded[] guarded,
      List<ResourceLock> own,
      Tally tally) {
    this.settings = settings;
    this.fault = fault;
    this.rank = rank;
    this.thread = thread;
    this.guarded = guarded;
    this.own = own;
    this.tally = tally;
    this.operations = new Operations(new Hand(rank, thread), tally, guarded.length);
  }

  void run(Station station, BooleanSupplier stop) {
    for (long number = 0; !stop.getAsBoolean(); number++) {
      SplittableRandom random = settings.choices(rank, thread, number);
      int one = pick(random);
      int next = (one + 1 + random.nextInt(guarded.length - 1)) % guarded.length;
      boolean cycle = number % CIRCLE_ONE_IN == FIRST_CIRCLE;
      Mode mode = cycle ? Mode.CIRCLE : mode(random);
      station.begin(number, mode, one);
      if (!misbehave(number, random)) {
        tally.count(
            mode,
            cycle
                ? Operations.cycle(own.get(0), own.get(1))
                : operations.perform(mode, guarded[one], guarded[next], random));
      }
      station.end();
      if (random.nextInt(64) == 0) {
        LockSupport.parkNanos(random.nextInt(2_000_000));
      }
    }
  }

  /** The first resource is what most threads meet at. */
  private int pick(SplittableRandom random) {
    return random.nextInt(3) == 0 ? 0 : random.nextInt(guarded.length);
  }

  static Mode mode(SplittableRandom random) {
    int index = random.nextInt(ALONE.size() + READS);
    return index < ALONE.size() ? ALONE.get(index) : Mode.READ;
  }

  /** Does what a test has planted; tells whether it did. */
  private boolean misbehave(long number, SplittableRandom random) {
    Guarded first = guarded[0];
    switch (fault) {
      case UNLOCKED_READ, UNLOCKED_WRITE -> {
        if (random.nextInt(ONE_IN) != 0) {
          return false;
        }
        long token = first.region().get(Region.COMPLETED);
        if (fault == Fault.UNLOCKED_READ) {
          operations.hand().check(first.region(), token, random);
        } else {
          operations.overwrite(token + 1, first, random);
        }
        return true;
      }
      case HELD_FOR_EVER -> {
        if (number == HOLDS_AT && thread == 0) {
          try (WriteLease _ = first.lock().write()) {
            while (true) {
              LockSupport.park();
            }
          }
        }
      }
      case FROZEN -> {
        if (number == HOLDS_AT && thread == 0) {
          freeze();
        }
      }
      case NONE -> {}
    }
    return false;
  }

  private static void freeze() {
    try {
      Process _ =
          new ProcessBuilder("kill", "-STOP", Long.toString(ProcessHandle.current().pid())).start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
