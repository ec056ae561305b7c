/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.WindowController;
import io.mpilock.bench.Teams.Team;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.ffm.ProcessorTime;

/**
 * The processor time of ranks that wait for the same lock, which rank 0 holds; and of ranks that
 * sleep, which is the JVM's own.
 */
public final class WaitBench {
  private static final int[] WAITERS = {1, 2, 4, 8};
  private static final int WARM_TURNS = 2_000;

  /** Long enough for every rank to wake up from the meeting. */
  private static final long START_NANOS = 10_000_000;

  private static final long START = 1;

  /** Behind it a line for each rank: its share of a core. */
  private static final long SHARES = 64;

  private static final int LINE = 16;

  private final Communicator world;
  private final Teams teams;
  private final NodeWindow window = BenchRanks.lonelyWindow();
  private final ProcessorTime processor = new ProcessorTime();

  private WaitBench(Communicator world, Teams teams) {
    this.world = world;
    this.teams = teams;
  }

  /**
   * Measures. Prints for each number of waiters, named by it and {@code write}, {@code read} or
   * {@code sleep}, a row for each round: the mean and the largest share of a core, in percent.
   *
   * @param args the number of rounds and the milliseconds of each
   * @throws InterruptedException never
   */
  public static void main(String[] args) throws InterruptedException {
    int rounds = Integer.parseInt(args[0]);
    long millis = Long.parseLong(args[1]);
    int[] sizes = new int[WAITERS.length];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = WAITERS[i] + 1;
    }
    try (Communicator world = BenchRanks.open();
        Teams teams = new Teams(world, sizes)) {
      WaitBench bench = new WaitBench(world, teams);
      for (Team team : teams.teams()) {
        bench.warmUp(team);
      }
      for (int round = 0; round < rounds; round++) {
        for (Team team : teams.teams()) {
          bench.round(team, "write", millis);
          bench.round(team, "read", millis);
        }
        bench.round(teams.teams().getLast(), "sleep", millis);
      }
    }
  }

  /** All ranks at the lock, so that what is measured is compiled. */
  private void warmUp(Team team) {
    teams.meet();
    WindowController controller = team.controller();
    if (controller != null) {
      for (int i = 0; i < WARM_TURNS; i++) {
        controller.write().close();
        controller.read().close();
      }
    }
    teams.meet();
  }

  private void round(Team team, String what, long millis) throws InterruptedException {
    if (world.rank() == 0) {
      window.set(START, System.nanoTime() + START_NANOS);
    }
    teams.meet();
    long start = window.get(START);
    long nanos = millis * 1_000_000;
    WindowController controller = team.controller();
    if (controller == null) {
      Teams.sleepUntil(start + nanos);
    } else if (world.rank() == 0) {
      hold(controller, what, start + nanos);
    } else {
      share(controller, what, start, nanos);
    }
    teams.meet();
    if (world.rank() == 0) {
      report(team, what);
    }
  }

  private static void hold(WindowController controller, String what, long end) {
    if (what.equals("sleep")) {
      Teams.sleepUntil(end);
      return;
    }
    try (var lease = controller.write()) {
      Teams.sleepUntil(end);
      BenchRanks.touch(lease.token());
    }
  }

  private void share(WindowController controller, String what, long start, long nanos)
      throws InterruptedException {
    Teams.sleepUntil(start);
    long before = System.nanoTime();
    long cpu = processor.nanos();
    switch (what) {
      case "write" -> controller.write().close();
      case "read" -> controller.read().close();
      default -> Teams.sleepUntil(start + nanos);
    }
    double used = processor.nanos() - cpu;
    double share = used / (System.nanoTime() - before);
    window.set(SHARES + (long) world.rank() * LINE, Double.doubleToLongBits(share));
  }

  private void report(Team team, String what) {
    double sum = 0;
    double most = 0;
    for (int rank = 1; rank < team.size(); rank++) {
      double share = Double.longBitsToDouble(window.get(SHARES + (long) rank * LINE));
      sum += share;
      most = Math.max(most, share);
    }
    int waiters = team.size() - 1;
    BenchRanks.result("wait", waiters + " " + what, Tables.joined(100 * sum / waiters, 100 * most));
  }
}
