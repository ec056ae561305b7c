/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.ControllerOptions;
import io.mpilock.WindowController;
import io.mpilock.transport.Communicator;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The first few ranks of a job, as if they were a job of their own, for several numbers of them: so
 * that rounds with few and with many ranks take turns in one run. Who takes no part sleeps.
 */
final class Teams implements AutoCloseable {
  private static final ControllerOptions QUIET =
      ControllerOptions.defaults().withStallWarning(ControllerOptions.LONGEST_DURATION);

  private final WindowController everybody;
  private final List<Communicator> parts = new ArrayList<>();
  private final List<Team> teams = new ArrayList<>();

  /**
   * Ranks 0 to {@code size} - 1.
   *
   * @param size how many
   * @param controller theirs; null on the other ranks
   */
  record Team(int size, @Nullable WindowController controller) {}

  /** Collective. */
  Teams(Communicator world, int... sizes) {
    everybody = BenchRanks.sync(world, QUIET);
    for (int size : sizes) {
      boolean in = world.rank() < size;
      Communicator part = world.split(in ? 0 : 1, world.rank());
      parts.add(part);
      teams.add(new Team(size, in ? WindowController.sync(part, QUIET) : null));
    }
  }

  List<Team> teams() {
    return teams;
  }

  /** The controller of all ranks. */
  WindowController everybody() {
    return everybody;
  }

  /** Waits for all ranks; they wait without a core. Collective over all. */
  void meet() {
    everybody.singleWrite(() -> true);
  }

  /** Sleeps until a time by {@link System#nanoTime()}. */
  static void sleepUntil(long nanos) {
    for (long left = nanos - System.nanoTime(); left > 0; left = nanos - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  /** Collective. */
  @Override
  public void close() {
    for (Team team : teams) {
      if (team.controller() != null) {
        team.controller().close();
      }
    }
    everybody.close();
    parts.forEach(Communicator::close);
  }
}
