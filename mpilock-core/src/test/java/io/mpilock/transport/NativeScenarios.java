/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.testing.ProcessRanks;
import io.mpilock.transport.ffm.NativeTransport;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/** Programs that the transports' tests run as the ranks of a job. */
final class NativeScenarios {

  private NativeScenarios() {}

  private static Communicator world() {
    return world(Duration.ofSeconds(30));
  }

  private static Communicator world(Duration stallWarning) {
    return Transports.open(
        System.getProperty(ProcessRanks.TRANSPORT, "native"),
        new TransportSettings(NativeNodeWindowSuite.launcher(), null, stallWarning));
  }

  private static void check(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }

  /** Says where it is, and counts in a window of its node's. */
  static final class CountsOnItsNode {
    public static void main(String[] args) {
      Communicator world = world();
      Member self = world.member(world.rank());
      long neighbours =
          IntStream.range(0, world.size())
              .filter(rank -> world.member(rank).node() == self.node())
              .count();
      NodeWindow window = world.allocate(16);
      check(window.words() == 16 * neighbours, window.words() + " words");
      window.getAndAdd(0, 1);
      NodeWindow pooled = world.allocate(32); // behind this all ranks of all nodes have counted
      if (self.node() == 0) {
        pooled.free();
      }
      // The first node may take the pooled one, if all its ranks have freed it; the others make
      // one.
      for (int i = 0; i < 10; i++) {
        world.allocate(32).free();
      }
      System.out.println(
          "rank %d: node %d, host %s, %d of %d"
              .formatted(world.rank(), self.node(), self.host(), window.get(0), neighbours));
      world.close();
    }
  }

  /** Windows that nobody freed are given back at the end, in whatever order the ranks close. */
  static final class LeavesWindows {
    public static void main(String[] args) {
      List<Communicator> communicators = new ArrayList<>();
      Communicator world = world();
      communicators.add(world);
      List<NodeWindow> windows = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        communicators.add(world.duplicate());
        windows.add(communicators.getLast().allocate(1024));
        communicators.add(world.split(world.rank() % 2, 0));
        windows.add(communicators.getLast().allocate(1024));
      }
      windows.get(world.rank() % windows.size()).free();
      Collections.rotate(communicators, world.rank());
      communicators.forEach(Communicator::close);
    }
  }

  /** Frees windows in another order on each rank, closes, and finds MPI finalised. */
  static final class ReopensAfterTheEnd {
    public static void main(String[] args) {
      Communicator world = world();
      NodeWindow one = world.allocate(64);
      Communicator part = world.split(0, -world.rank());
      NodeWindow two = part.allocate(64);
      world.close();
      if (part.rank() % 2 == 0) {
        one.free();
        two.free();
      } else {
        two.free();
      }
      part.close();
      part.close();
      one.free();
      try {
        world();
        throw new AssertionError("opened again");
      } catch (StartupException e) {
        check(e.problem() == StartupException.Problem.MPI_FINALIZED, e.toString());
        System.out.println("refused: " + e.getMessage());
      }
    }
  }

  /** The ranks but the last wait in close for that one, with a quiet processor. */
  static final class ClosesLate {
    public static void main(String[] args) throws InterruptedException {
      Communicator world = world(Duration.ofSeconds(1));
      world.allocate(16).free();
      if (world.rank() == world.size() - 1) {
        Thread.sleep(3000);
        world.close();
        return;
      }
      long cpu = cpuNanos();
      long start = System.nanoTime();
      world.close();
      double share = (double) (cpuNanos() - cpu) / (System.nanoTime() - start);
      System.out.printf("share of a core: %.3f%n", share);
      check(share < 0.5, "waiting took " + share + " of a core");
    }

    private static long cpuNanos() {
      return ((com.sun.management.OperatingSystemMXBean)
              ManagementFactory.getOperatingSystemMXBean())
          .getProcessCpuTime();
    }
  }

  /** Says why it cannot start, and ends with 3. */
  static final class RefusesToStart {
    public static void main(String[] args) {
      String library = args.length > 0 ? args[0] : null;
      try {
        new NativeTransport()
            .world(
                new TransportSettings(
                    Launcher.detect(System.getenv()).orElseThrow(),
                    library,
                    Duration.ofSeconds(30)));
      } catch (StartupException e) {
        System.out.println("refused " + e.problem() + ": " + e.getMessage());
        System.exit(3);
      }
    }
  }

  /** Rank 0 kills rank 1, sees it dead, and gets away from close. */
  static final class LosesARank {
    public static void main(String[] args) throws Exception {
      Communicator world = world();
      if (world.rank() == 1) {
        // A peer's death must find this rank outside MPI, where most of its life is.
        Thread.sleep(Long.MAX_VALUE);
      }
      check(world.isAlive(1), "rank 1 should live");
      ProcessHandle.of(world.member(1).pid()).orElseThrow().destroyForcibly();
      while (world.isAlive(1)) {
        Thread.onSpinWait();
      }
      System.out.println("noticed");
      world.close();
      System.out.println("closed");
      System.out.flush();
      // Without MPI_Finalize the library's own exit handlers are not to be relied on.
      Runtime.getRuntime().halt(0);
    }
  }

  /** Rank 0 waits in a collective call for rank 1, which dies. */
  static final class WaitsForTheDead {
    public static void main(String[] args) throws Exception {
      Communicator world = world();
      if (world.rank() == 1) {
        Thread.sleep(Long.MAX_VALUE);
      }
      ProcessHandle.of(world.member(1).pid()).orElseThrow().destroyForcibly();
      try {
        world.allocate(64);
      } catch (RankFailedException e) {
        System.out.println("failed: " + e.getMessage());
        System.out.flush();
        Runtime.getRuntime().halt(0);
      }
    }
  }

  /** The last rank aborts while the others wait for it. */
  static final class Aborts {
    public static void main(String[] args) {
      Communicator world = world();
      if (world.rank() == world.size() - 1) {
        world.abort(7);
      }
      world.allocate(16);
      System.out.println("went on");
    }
  }

  /** Asks for more than there is. */
  static final class AsksForTooMuch {
    public static void main(String[] args) {
      Communicator world = world();
      try {
        world.allocate(1L << 40);
        throw new AssertionError("8 TiB of shared memory");
      } catch (StartupException e) {
        System.out.println("refused " + e.problem() + ": " + e.getMessage());
      }
      world.close();
    }
  }

  /** Measures what the lock's path costs; for people, not asserted. */
  static final class Measures {
    public static void main(String[] args) {
      Communicator world = world();
      NodeWindow window = world.allocate(4L << 20);
      for (int round = 0; round < 5; round++) {
        long start = System.nanoTime();
        int n = 5_000_000;
        long index = 64 + 16L * world.rank();
        for (int i = 0; i < n; i++) {
          window.getAndAdd(index, 1);
        }
        long add = System.nanoTime() - start;
        start = System.nanoTime();
        long sum = 0;
        for (int i = 0; i < n; i++) {
          sum += window.get(index);
        }
        long get = System.nanoTime() - start;
        start = System.nanoTime();
        for (int i = 0; i < n; i++) {
          window.set(index, i);
        }
        long set = System.nanoTime() - start;
        System.out.printf(
            "rank %d: add %.1f ns, get %.1f ns, set %.1f ns (%d)%n",
            world.rank(), add / (double) n, get / (double) n, set / (double) n, sum & 1);
      }
      if (world.size() > 1 && world.rank() < 2) {
        int n = 20_000;
        long start = System.nanoTime();
        for (int i = 0; i < n; i++) {
          if (i % 2 == world.rank()) {
            window.set(16, i + 1);
            window.wake(16);
          } else {
            while (window.get(16) <= i) {
              window.sleepWhile(16, i, 1_000_000_000);
            }
          }
        }
        System.out.printf("futex hand-over %.2f µs%n", (System.nanoTime() - start) / 1000.0 / n);
      }
      long start = System.nanoTime();
      int n = 1000;
      for (int i = 0; i < n; i++) {
        check(world.isAlive(world.size() - 1 - world.rank()), "alive");
      }
      System.out.printf("isAlive %.2f µs%n", (System.nanoTime() - start) / 1000.0 / n);
      start = System.nanoTime();
      world.allocate(16).free();
      System.out.printf("duplicate %.0f µs%n", (System.nanoTime() - start) / 1000.0);
      window.free();
      world.close();
    }
  }
}
