package io.mpilock.bench;

import io.mpilock.ReadLease;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.transport.Communicator;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;

/**
 * All ranks at the same lock, with nothing inside: throughput, the worst wait, and each one's
 * share.
 */
public final class ContendedBench {
  private ContendedBench() {}

  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    long roundNanos = Long.parseLong(args[1]) * 1_000_000;
    try (Communicator world = BenchRanks.open();
        WindowController controller = BenchRanks.sync(world)) {
      for (int round = -2; round < rounds; round++) { // two to warm up
        round("all write", controller, 1.0, roundNanos, round >= 0);
        round("90 % read", controller, 0.1, roundNanos, round >= 0);
        round("99 % read", controller, 0.01, roundNanos, round >= 0);
      }
    }
  }

  private static void round(
      String name, WindowController controller, double writes, long nanos, boolean counts) {
    long[] mine = work(controller, writes, BenchRanks.startTogether(controller), nanos);
    long[] operations = new long[controller.size()];
    long worst = 0;
    for (int rank = 0; rank < controller.size(); rank++) {
      long[] theirs = controller.resource("gather").singleWrite(rank, () -> mine);
      operations[rank] = theirs[0];
      worst = Math.max(worst, theirs[1]);
    }
    if (counts && controller.rank() == 0) {
      double total = Arrays.stream(operations).sum();
      BenchRanks.result(
          "contended",
          name,
          String.format(
              Locale.ROOT,
              "%.0f %.3f %.4f",
              total * 1e9 / nanos,
              worst / 1e6,
              Figures.jain(operations)));
    }
  }

  /** Operations, and the longest time from the end of one operation to the end of the next. */
  private static long[] work(WindowController controller, double writes, long start, long nanos) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    long last = start;
    long worst = 0;
    long operations = 0;
    while (last - start < nanos) {
      if (writes == 1.0 || random.nextDouble() < writes) {
        try (WriteLease write = controller.write()) {
          BenchRanks.touch(write.token());
        }
      } else {
        try (ReadLease read = controller.read()) {
          BenchRanks.touch(read.token());
        }
      }
      long now = System.nanoTime();
      worst = Math.max(worst, now - last);
      last = now;
      operations++;
    }
    return new long[] {operations, worst};
  }
}
