/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.WindowController;
import io.mpilock.bench.Teams.Team;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.NodeWindow;
import java.util.Arrays;

/**
 * A single write that shares bytes on one node, with 2 and 4 ranks, beside copying as many bytes
 * once in one process; and the memory that it takes.
 */
public final class ShareBench {
  private static final int[] RANKS = {2, 4};
  private static final int[] BYTES = {0, 1 << 10, 1 << 20, 256 << 20};

  /** So many bytes, but at most so many single writes, for a figure. */
  private static final long ENOUGH_BYTES = 128L << 20;

  private static final int MOST_TIMES = 500;

  /** A line for each rank: what its peak and its shared memory rose by, and microseconds. */
  private static final long ROSE = 64;

  private static final int LINE = 16;

  private final Communicator world;
  private final Teams teams;
  private final NodeWindow window = BenchRanks.lonelyWindow();
  private final byte[] source;
  private final byte[] target;

  private ShareBench(Communicator world, Teams teams) {
    this.world = world;
    this.teams = teams;
    int most = world.rank() == 0 ? BYTES[BYTES.length - 1] : 0;
    source = new byte[most];
    target = new byte[most];
    Arrays.fill(source, (byte) 1); // touched
    Arrays.fill(target, (byte) 2);
  }

  /**
   * Measures one of two things.
   *
   * <p>With {@code memory}: prints a row for each rank, named so, of the first single write that
   * shares the largest number of bytes: the bytes by which its resident memory rose at most, how
   * much of that was shared memory, and the microseconds.
   *
   * <p>With the number of rounds, and how many of them with the largest number of bytes: for each
   * number of bytes and ranks, named by them, prints a row for each round: microseconds of a single
   * write, and of copying the bytes.
   *
   * @param args these
   */
  public static void main(String[] args) {
    try (Communicator world = BenchRanks.open();
        Teams teams = new Teams(world, RANKS)) {
      ShareBench bench = new ShareBench(world, teams);
      if (args[0].equals("memory")) {
        bench.memory();
      } else {
        bench.rounds(Integer.parseInt(args[0]), Integer.parseInt(args[1]));
      }
    }
  }

  private void rounds(int rounds, int large) {
    for (int round = -2; round < rounds; round++) { // two to warm up
      for (int bytes : BYTES) {
        if (bytes < BYTES[BYTES.length - 1] || round < large) {
          round(bytes, round >= 0);
        }
      }
    }
  }

  /** The first time: the heap has no room from earlier ones. */
  private void memory() {
    byte[] bytes = source;
    teams.everybody().singleWrite(() -> new byte[1]); // classes
    teams.meet();
    Memory.forgetPeak();
    long before = Memory.resident();
    long sharedBefore = Memory.residentShared();
    long start = System.nanoTime();
    byte[] mine = teams.everybody().singleWrite(() -> bytes);
    double micros = (System.nanoTime() - start) / 1e3;
    long rose = Memory.peak() - before;
    long sharedRose = Memory.residentShared() - sharedBefore;
    BenchRanks.touch(mine.length);
    long line = ROSE + (long) world.rank() * LINE;
    window.set(line, rose);
    window.set(line + 1, sharedRose);
    window.set(line + 2, Math.round(micros));
    teams.meet();
    if (world.rank() == 0) {
      for (int rank = 0; rank < world.size(); rank++) {
        long theirs = ROSE + (long) rank * LINE;
        BenchRanks.result(
            "share",
            "memory",
            Tables.joined(
                (double) window.get(theirs),
                (double) window.get(theirs + 1),
                (double) window.get(theirs + 2)));
      }
    }
    teams.meet();
  }

  private void round(int size, boolean counts) {
    int times = size == 0 ? MOST_TIMES : Math.clamp(ENOUGH_BYTES / size, 1, MOST_TIMES);
    byte[] bytes = world.rank() == 0 && size < source.length ? Arrays.copyOf(source, size) : source;
    for (Team team : teams.teams()) {
      System.gc(); // not in the middle of it
      teams.meet();
      WindowController controller = team.controller();
      if (controller == null) {
        teams.meet();
        continue;
      }
      long start = System.nanoTime();
      for (int i = 0; i < times; i++) {
        BenchRanks.touch(controller.singleWrite(() -> bytes).length);
      }
      controller.singleWrite(() -> true); // all have it
      double micros = (System.nanoTime() - start) / 1e3 / times;
      teams.meet();
      if (world.rank() == 0 && counts) {
        BenchRanks.result(
            "share",
            size + " " + team.size(),
            Tables.joined(micros, copy(size, Math.max(times, 3))));
      }
    }
  }

  private double copy(int size, int times) {
    long start = System.nanoTime();
    for (int i = 0; i < times; i++) {
      System.arraycopy(source, 0, target, 0, size);
      BenchRanks.touch(target[size / 2]);
    }
    return (System.nanoTime() - start) / 1e3 / times;
  }
}
