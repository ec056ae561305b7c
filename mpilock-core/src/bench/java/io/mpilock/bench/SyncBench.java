/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.WindowController;
import io.mpilock.transport.Communicator;
import java.util.ArrayList;
import java.util.List;

/**
 * Making a controller and closing it, again and again, beside what the transport needs for it: a
 * duplicate and a window.
 */
public final class SyncBench {
  private static final int[] RANKS = {1, 2, 4};
  private static final int TIMES = 10;
  private static final long WORDS = 1024;

  private SyncBench() {}

  /**
   * Measures. For each number of ranks, named by it, prints a row for each round: microseconds of a
   * sync and close, and of the transport's part.
   *
   * @param args the number of rounds, and of rounds to warm up
   */
  public static void main(String[] args) {
    int rounds = Integer.parseInt(args[0]);
    int warmUp = Integer.parseInt(args[1]);
    try (Communicator world = BenchRanks.open();
        WindowController controller = BenchRanks.sync(world)) {
      List<Communicator> parts = new ArrayList<>();
      for (int size : RANKS) {
        parts.add(world.split(world.rank() < size ? 0 : 1, world.rank()));
      }
      for (int round = -warmUp; round < rounds; round++) {
        for (int i = 0; i < RANKS.length; i++) {
          controller.singleWrite(() -> true);
          if (world.rank() < RANKS[i]) {
            double synced = synced(parts.get(i));
            double bare = bare(parts.get(i));
            if (world.rank() == 0 && round >= 0) {
              BenchRanks.result("sync", Integer.toString(RANKS[i]), Tables.joined(synced, bare));
            }
          }
        }
      }
      controller.singleWrite(() -> true);
      parts.forEach(Communicator::close);
    }
  }

  private static double synced(Communicator part) {
    long start = System.nanoTime();
    for (int i = 0; i < TIMES; i++) {
      WindowController.sync(part, 0).close();
    }
    return (System.nanoTime() - start) / 1e3 / TIMES;
  }

  private static double bare(Communicator part) {
    long start = System.nanoTime();
    for (int i = 0; i < TIMES; i++) {
      try (Communicator duplicate = part.duplicate()) {
        duplicate.allocate(WORDS).free();
      }
    }
    return (System.nanoTime() - start) / 1e3 / TIMES;
  }
}
