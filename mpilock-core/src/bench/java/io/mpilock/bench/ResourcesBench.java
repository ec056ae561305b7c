/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.NodeWindow;
import java.util.Map;

/**
 * Many resources, of which each turn takes another one at random, on rank 0, while the others
 * sleep; and the memory that a controller and each resource take.
 */
public final class ResourcesBench {
  private static final int[] NUMBERS = {1, 100, 10_000};
  static final int MOST = NUMBERS[NUMBERS.length - 1];
  private static final int LINE = 16;

  /** Begins the names of rows with bytes: of heap, of shared memory, and its proportional part. */
  static final String MEMORY = "memory, ";

  static final String USED = "with these resources, each used";

  /** Of the multiplicative generator of C. L'Ecuyer, "Tables of linear congruential generators". */
  private static final long MULTIPLIER = 3_202_034_522_624_059_733L;

  private final NodeWindow floor;
  private long random = 1;

  private ResourcesBench(NodeWindow floor) {
    this.floor = floor;
  }

  /**
   * Measures. For each number of resources, named by it and a kind of turn, prints a row for each
   * round: nanoseconds of a turn. Also the nanoseconds to name a resource for the first time, and
   * what memory rank 0 takes at some times.
   *
   * @param args the number of rounds and the milliseconds of each
   * @throws Exception if it fails
   */
  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    long nanos = Long.parseLong(args[1]) * 1_000_000;
    try (Communicator world = BenchRanks.open()) {
      var _ = Memory.now(); // what looking takes is there before, then
      Memory.Use without = Memory.now();
      try (WindowController controller = WindowController.sync(world, 0)) {
        controller.singleWrite(() -> true);
        if (controller.rank() == 0) {
          memory("before the controller", without);
          memory("with a controller", Memory.now());
        }
        NodeWindow floor = world.allocate((long) MOST * LINE / world.size() + LINE);
        if (controller.rank() == 0) {
          new ResourcesBench(floor).measure(controller, rounds, nanos);
        }
        controller.singleWrite(() -> true); // or the others' pages would be gone
        floor.free();
      }
    }
  }

  private static void memory(String when, Memory.Use use) {
    BenchRanks.result("resources", MEMORY + when, use.toString());
  }

  private static void report(String name, double value) {
    BenchRanks.result("resources", name, Tables.joined(value));
  }

  private void measure(WindowController controller, int rounds, long nanos) throws Exception {
    warmUp(controller);
    ResourceLock[] locks = new ResourceLock[MOST];
    String[] names = new String[MOST];
    for (int i = 0; i < MOST; i++) {
      names[i] = "resource-" + i;
    }
    memory("with the names of 10,000 more, after a warm-up", Memory.now());
    long start = System.nanoTime();
    for (int i = 0; i < MOST; i++) {
      locks[i] = controller.resource(names[i]);
    }
    double nanosEach = (System.nanoTime() - start) / (double) MOST;
    for (ResourceLock lock : locks) {
      lock.write().close();
      lock.read().close();
    }
    memory(USED, Memory.now());
    report("to name a resource for the first time", nanosEach);
    Rounds turns = new Rounds();
    for (int number : NUMBERS) {
      turns
          .add(number + " write", count -> writes(locks, number, count))
          .add(number + " read", count -> reads(locks, number, count))
          .add(
              number + " write, named each time",
              count -> namedWrites(controller, names, number, count))
          .add(number + " bare compare-and-set pair", count -> pairs(number, count));
    }
    for (Map.Entry<String, Rounds.Cost> turn : turns.run(rounds, nanos).entrySet()) {
      for (double round : turn.getValue().rounds()) {
        report(turn.getKey(), round);
      }
    }
  }

  /** Other names, of the same kind. */
  private static void warmUp(WindowController controller) {
    for (int i = 0; i < 500; i++) {
      ResourceLock lock = controller.resource("warm-up-" + i);
      lock.write().close();
      lock.read().close();
    }
  }

  /** A number from 0, below the given one; without a branch that could be guessed wrong. */
  private int next(int number) {
    random *= MULTIPLIER;
    return (int) (((random >>> 32) * number) >>> 32);
  }

  private void writes(ResourceLock[] locks, int number, int count) {
    for (int i = 0; i < count; i++) {
      try (WriteLease write = locks[next(number)].write()) {
        BenchRanks.touch(write.token());
      }
    }
  }

  private void namedWrites(WindowController controller, String[] names, int number, int count) {
    for (int i = 0; i < count; i++) {
      try (WriteLease write = controller.resource(names[next(number)]).write()) {
        BenchRanks.touch(write.token());
      }
    }
  }

  private void reads(ResourceLock[] locks, int number, int count) {
    for (int i = 0; i < count; i++) {
      try (ReadLease read = locks[next(number)].read()) {
        BenchRanks.touch(read.token());
      }
    }
  }

  /** As {@link BenchRanks#casPairs}, each on a line of its own. */
  private void pairs(int number, int count) {
    for (int i = 0; i < count; i++) {
      long word = (long) next(number) * LINE;
      if (floor.compareAndSet(word, 0, 1)) {
        BenchRanks.touch(i);
        floor.compareAndSet(word, 1, 0);
      }
    }
  }
}
