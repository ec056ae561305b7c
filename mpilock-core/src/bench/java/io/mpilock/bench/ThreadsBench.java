/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.WindowController;
import io.mpilock.transport.Communicator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Many threads of one rank that wait for one lock, beside the JDK's fair lock in one and the same
 * program: one thread holds the write, the others ask, and then it releases.
 */
public final class ThreadsBench {
  private static final int[] THREADS = {10, 100, 1_000, 10_000};
  private static final long BODY_NANOS = 1_000_000;

  /** Of a row, so that it ends: threads times milliseconds inside. */
  private static final int MOST_MILLIS = 2_000;

  private final ReadWriteLock mine;
  private final ReadWriteLock theirs = new ReentrantReadWriteLock(true);
  private long count;

  private ThreadsBench(ReadWriteLock mine) {
    this.mine = mine;
  }

  /** A kind of threads that wait. */
  private record Waiters(int threads, boolean virtual, boolean read, boolean inside) {
    String name() {
      return "%d %b %b %b".formatted(threads, virtual, read, inside);
    }
  }

  /**
   * Measures. For each kind, named by the number of threads, and whether they are virtual, read,
   * and take 1 ms inside, prints a row for each round: milliseconds from the release until all have
   * had the lock, and the longest wait after the release, of mpilock; and both of the JDK's.
   *
   * @param args the number of rounds, and the most threads
   * @throws InterruptedException if it was interrupted
   */
  public static void main(String[] args) throws InterruptedException {
    int rounds = Integer.parseInt(args[0]);
    int most = Integer.parseInt(args[1]);
    List<Waiters> kinds = new ArrayList<>();
    for (boolean read : new boolean[] {false, true}) {
      for (boolean inside : new boolean[] {false, true}) {
        for (boolean virtual : new boolean[] {false, true}) {
          for (int threads : THREADS) {
            if (threads <= most && !(inside && (read || threads > MOST_MILLIS))) {
              kinds.add(new Waiters(threads, virtual, read, inside));
            }
          }
        }
      }
    }
    try (Communicator world = BenchRanks.open();
        WindowController controller = BenchRanks.sync(world)) {
      ThreadsBench bench = new ThreadsBench(controller.resource("waited for").asReadWriteLock());
      for (int round = -1; round < rounds; round++) { // the first is to warm up
        for (Waiters kind : kinds) {
          double[] one = bench.once(round % 2 == 0 ? bench.mine : bench.theirs, kind);
          double[] other = bench.once(round % 2 == 0 ? bench.theirs : bench.mine, kind);
          double[] ours = round % 2 == 0 ? one : other;
          double[] jdk = round % 2 == 0 ? other : one;
          if (round >= 0) {
            BenchRanks.result(
                "threads", kind.name(), Tables.joined(ours[0], ours[1], jdk[0], jdk[1]));
          }
        }
      }
    }
  }

  private double[] once(ReadWriteLock both, Waiters kind) throws InterruptedException {
    Lock lock = kind.read() ? both.readLock() : both.writeLock();
    CountDownLatch asking = new CountDownLatch(kind.threads());
    long[] granted = new long[kind.threads()];
    List<Thread> threads = new ArrayList<>();
    count = 0;
    both.writeLock().lock();
    long released;
    try {
      for (int i = 0; i < kind.threads(); i++) {
        int number = i;
        Thread.Builder builder = kind.virtual() ? Thread.ofVirtual() : Thread.ofPlatform();
        threads.add(
            builder.start(() -> {
              asking.countDown();
              lock.lock();
              try {
                granted[number] = System.nanoTime();
                if (!kind.read()) {
                  count++;
                }
                work(kind.inside());
              } finally {
                lock.unlock();
              }
            }));
      }
      asking.await();
      Thread.sleep(50); // the last ones are about to sleep
    } finally {
      released = System.nanoTime();
      both.writeLock().unlock();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    long end = System.nanoTime();
    if (!kind.read() && count != kind.threads()) {
      throw new AssertionError("of %d writes %d were counted".formatted(kind.threads(), count));
    }
    long last = Arrays.stream(granted).max().orElse(released);
    return new double[] {(end - released) / 1e6, (last - released) / 1e6};
  }

  private static void work(boolean inside) {
    if (inside) {
      long end = System.nanoTime() + BODY_NANOS;
      while (System.nanoTime() < end) {
        Thread.onSpinWait();
      }
    }
  }
}
