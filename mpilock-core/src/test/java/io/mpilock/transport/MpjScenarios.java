/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.failure.RankFailedException;
import io.mpilock.transport.mpj.MpjTransport;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.LockSupport;

/** Programs that {@link MpjTransportTest} runs as the ranks of a job. */
final class MpjScenarios {

  private MpjScenarios() {}

  private static Communicator world() {
    return new MpjTransport().world(MpjNodeWindowSuite.settings());
  }

  private static void kill(Communicator world, int rank) {
    ProcessHandle.of(world.member(rank).pid()).orElseThrow().destroyForcibly();
  }

  private static void awaitDeath(Communicator world, int rank) {
    long start = System.nanoTime();
    while (world.isAlive(rank)) {
      LockSupport.parkNanos(1_000_000);
    }
    System.out.println(
        "noticed rank %d after %d ms".formatted(rank, (System.nanoTime() - start) / 1_000_000));
  }

  private static void tellThatAllJoined(Communicator world, int rank) {
    Messenger messenger = world.messenger(() -> {});
    ByteBuffer frame = ByteBuffer.allocate(Messenger.FRAME_BYTES);
    if (world.rank() != rank) {
      messenger.send(rank, frame.limit(1));
      while (!messenger.isFlushed()) {
        LockSupport.parkNanos(1_000_000);
      }
      return;
    }
    for (int missing = world.size() - 1; missing > 0; ) {
      if (messenger.receive(frame) >= 0) {
        missing--;
      } else {
        LockSupport.parkNanos(1_000_000);
      }
    }
  }

  /** Rank 1 kills rank 0, then rank 2. */
  static final class LosesRankZero {
    public static void main(String[] args) throws Exception {
      Communicator world = world();
      NodeWindow window = world.allocate(16);
      window.getAndAdd(0, 1);
      while (window.get(0) < world.size()) { // a death during this allocation is another matter
        LockSupport.parkNanos(1_000_000);
      }
      if (world.rank() == 0) {
        Thread.sleep(Long.MAX_VALUE);
      }
      if (world.rank() == 1) {
        kill(world, 0);
      }
      try {
        world.allocate(64);
      } catch (RankFailedException e) {
        if (e.rank() == 0) {
          System.out.println("failed: " + e.getMessage());
          System.out.flush();
        }
      }
      window.getAndAdd(1, 1);
      if (world.rank() == 2) {
        Thread.sleep(Long.MAX_VALUE);
      }
      while (window.get(1) < 2) {
        LockSupport.parkNanos(1_000_000);
      }
      kill(world, 2);
      awaitDeath(world, 2); // by its process, since rank 0 tells no more
      world.close();
    }
  }

  /** One rank is killed by the next; the others notice and come to their end. */
  static final class NoticesADeath {
    public static void main(String[] args) throws Exception {
      int killed = Integer.parseInt(args[0]);
      Communicator world = world();
      int killer = (killed + 1) % world.size();
      tellThatAllJoined(world, killer); // a death while they join is another matter
      if (world.rank() == killer) {
        kill(world, killed);
      }
      if (world.rank() == killed) {
        Thread.sleep(Long.MAX_VALUE);
      }
      awaitDeath(world, killed);
      world.close();
    }
  }
}
