/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import com.sun.management.ThreadMXBean;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.ffm.BlockingMessages;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;

/**
 * Round trips between ranks 0 and 1, which belong on two nodes: of frames, with a rank that polls
 * all the time and with one that sleeps between polls as an idle agent does, and of MPI's blocking
 * calls. Argument: how many round trips.
 */
public final class FrameBench {
  private static final int[] SIZES = {100, 128 * 1024};

  private final Communicator world;
  private final Messenger messenger;
  private final ByteBuffer frame = ByteBuffer.allocate(Messenger.FRAME_BYTES);
  private final int trips;

  private FrameBench(Communicator world, int trips) {
    this.world = world;
    this.trips = trips;
    messenger = world.messenger(() -> {});
  }

  /** One half of a round trip. */
  private interface Step {
    void run();
  }

  public static void main(String[] args) {
    try (Communicator world = BenchRanks.open()) {
      FrameBench bench = new FrameBench(world, Integer.parseInt(args[0]));
      BlockingMessages blocking = new BlockingMessages(world, Messenger.FRAME_BYTES);
      int peer = 1 - world.rank();
      for (int size : SIZES) {
        // Twice, since the first time is the warm-up.
        for (String report : new String[] {"", size + " bytes, "}) {
          bench.trips(
              report + "MPI_Send and MPI_Recv",
              bench.trips,
              () -> blocking.send(peer, size),
              () -> blocking.receive(peer, size));
          bench.trips(
              report + "frames, polled all the time",
              bench.trips,
              () -> bench.send(peer, size),
              () -> bench.receive(0));
          bench.trips(
              report + "frames, to a rank that sleeps between polls",
              Math.min(bench.trips, 200),
              () -> bench.send(peer, size),
              () -> bench.receive(world.rank() == 0 ? 0 : bench.messenger.pollNanos()));
        }
      }
      while (!bench.messenger.isFlushed()) {
        Thread.onSpinWait();
      }
      bench.messenger.close();
    }
  }

  private void send(int peer, int size) {
    messenger.send(peer, frame.clear().limit(size));
  }

  private void receive(long pause) {
    while (messenger.receive(frame) < 0) {
      if (pause > 0) {
        LockSupport.parkNanos(pause);
      } else {
        Thread.onSpinWait();
      }
    }
  }

  private void trips(String name, int count, Step send, Step receive) {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    double[] micros = new double[count];
    long allocated = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < count; i++) {
      if (world.rank() == 0) {
        long start = System.nanoTime();
        send.run();
        receive.run();
        micros[i] = (System.nanoTime() - start) / 1e3;
      } else {
        receive.run();
        send.run();
      }
    }
    allocated = threads.getCurrentThreadAllocatedBytes() - allocated;
    if (world.rank() == 0 && Character.isDigit(name.charAt(0))) {
      Arrays.sort(micros);
      BenchRanks.result(
          "frames",
          name + ", µs",
          String.format(
              Locale.ROOT,
              "%.1f %.1f %.1f %.0f",
              micros[count / 2],
              micros[0],
              micros[count * 99 / 100],
              (double) allocated / count));
    }
  }
}
