/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.ControllerOptions;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.ffm.BlockingMessages;
import io.mpilock.transport.ffm.ProcessorTime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Locks and single writes between two nodes with a rank each, in rounds, with MPI's own messages
 * measured in each round beside them. Arguments: how many rounds, how many with large objects, for
 * how many milliseconds nothing is done, and a file that both ranks see, for their turns.
 */
public final class HostsBench {
  private static final String OWN_TRIP = "MPI_Send and MPI_Recv, round trip, µs";
  private static final String OWN_LARGE = "MPI's 100 MiB from node to node, MiB/s";
  private static final String ONE_NODE = "one-node write, ns";
  private static final int TRIPS = 200;
  private static final int COLD = 40;
  private static final int WARM = 20_000;
  private static final int CONFLICTS = 100;
  private static final long TURN_NANOS = 20_000;
  private static final int SHARES = 50;
  private static final int LARGE = 100 << 20;
  private static final long QUIET_NANOS = 50_000_000;

  /** After the last lock the second compiler goes on for a while: 3.5 % of a core in 5 s seen. */
  private static final long SETTLE_MILLIS = 20_000;

  private final WindowController controller;
  private final WindowController oneNode;
  private final LongBuffer turns;
  private final BlockingMessages blocking;
  private final Messenger messenger;
  private final ByteBuffer frame = ByteBuffer.allocate(Messenger.FRAME_BYTES);
  private final int me;
  private final int peer;
  private final Map<String, List<Double>> results = new LinkedHashMap<>();

  private HostsBench(Communicator world, Communicator alone, Path file) throws IOException {
    me = world.rank();
    peer = 1 - me;
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      turns = channel.map(FileChannel.MapMode.READ_WRITE, 0, Long.BYTES).asLongBuffer();
    }
    controller = WindowController.sync(world, options());
    oneNode = WindowController.sync(alone, options());
    blocking = new BlockingMessages(world, LARGE);
    messenger = world.messenger(() -> {});
  }

  private static ControllerOptions options() {
    return ControllerOptions.defaults();
  }

  private interface Step {
    void run();
  }

  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    int large = Integer.parseInt(args[1]);
    try (Communicator world = BenchRanks.open();
        Communicator alone = world.split(world.rank(), 0)) {
      HostsBench bench = new HostsBench(world, alone, Path.of(args[3]));
      for (int round = -2; round < rounds; round++) { // the first two are the warm-up
        if (round == 0) {
          bench.results.clear();
        }
        bench.round(round);
      }
      for (int round = 0; round < large; round++) {
        bench.large();
      }
      bench.idle(Long.parseLong(args[2]));
      while (!bench.messenger.isFlushed()) {
        Thread.onSpinWait();
      }
      bench.barrier();
      bench.messenger.close();
      bench.report();
      bench.oneNode.close();
      bench.controller.close();
    }
  }

  private void barrier() {
    controller.resource("barrier").singleWrite(() -> true);
  }

  /** A barrier after which the agents have nothing to send: MPI's blocking calls keep them out. */
  private void quietBarrier() {
    barrier();
    LockSupport.parkNanos(QUIET_NANOS);
  }

  private void note(String name, double value) {
    results.computeIfAbsent(name, key -> new ArrayList<>()).add(value);
  }

  private void round(int round) throws IOException {
    quietBarrier();
    note(OWN_TRIP, trips(() -> blocking.send(peer, 100), () -> blocking.receive(peer, 100)));
    barrier();
    note("mpilock's frames, round trip, µs", trips(this::send, this::receive));
    cold(round);
    warm();
    conflict();
    barrier();
    long start = System.nanoTime();
    for (int i = 0; i < SHARES; i++) {
      byte[] shared = controller.singleWrite(() -> new byte[1024]);
      BenchRanks.touch(shared.length);
    }
    note("single write that shares 1 KiB, µs", micros(start) / SHARES);
  }

  private double trips(Step send, Step receive) {
    double[] micros = new double[TRIPS];
    for (int i = 0; i < TRIPS; i++) {
      if (me == 1) {
        long start = System.nanoTime();
        send.run();
        receive.run();
        micros[i] = micros(start);
      } else {
        receive.run();
        send.run();
      }
    }
    return median(micros);
  }

  private void send() {
    messenger.send(peer, frame.clear().limit(100));
  }

  private void receive() {
    while (messenger.receive(frame) < 0) {
      Thread.onSpinWait();
    }
  }

  /** Writes of resources that nobody has used, and whose home is the other node. */
  private void cold(int round) {
    List<ResourceLock> locks = new ArrayList<>();
    for (int i = 0; i < COLD; i++) {
      locks.add(controller.resource("cold-" + round + "-" + i));
    }
    barrier();
    if (me == 1) {
      List<Double> micros = new ArrayList<>();
      for (ResourceLock lock : locks) {
        long before = controller.messages();
        long start = System.nanoTime();
        lock.write().close();
        double took = micros(start);
        if (controller.messages() > before) {
          micros.add(took);
        }
      }
      note("cold write, µs", median(micros.stream().mapToDouble(Double::doubleValue).toArray()));
    }
    barrier();
  }

  private void warm() {
    if (me == 1) {
      controller.resource("warm").write().close();
      long before = controller.messages();
      note("warm write, ns", nanos(controller.resource("warm")));
      note("messages in " + WARM + " warm writes", (double) (controller.messages() - before));
      note(ONE_NODE, nanos(oneNode.resource("warm")));
    }
    barrier();
  }

  private static double nanos(ResourceLock lock) {
    long start = System.nanoTime();
    for (int i = 0; i < WARM; i++) {
      lock.write().close();
    }
    return (System.nanoTime() - start) / (double) WARM;
  }

  /** Each takes the write when the other has given it back: it has to come from the other node. */
  private void conflict() throws IOException {
    ResourceLock lock = controller.resource("conflict");
    barrier();
    long before = controller.messages();
    double[] micros = new double[CONFLICTS];
    for (int i = 0; i < CONFLICTS; i++) {
      while (turns.get(0) % 2 != me) {
        LockSupport.parkNanos(TURN_NANOS);
      }
      long start = System.nanoTime();
      lock.write().close();
      micros[i] = micros(start);
      turns.put(0, turns.get(0) + 1);
    }
    note("conflicting write, µs", median(micros));
    note(
        "messages of a node for each of its conflicting writes",
        (controller.messages() - before) / (double) CONFLICTS);
    barrier();
  }

  private void large() {
    quietBarrier();
    long start = System.nanoTime();
    if (me == 0) {
      blocking.send(peer, LARGE);
      blocking.receive(peer, 1);
    } else {
      blocking.receive(peer, LARGE);
      blocking.send(peer, 1);
    }
    note(OWN_LARGE, 100 * 1e6 / micros(start));
    barrier();
    start = System.nanoTime();
    byte[] shared = controller.singleWrite(() -> new byte[LARGE]);
    BenchRanks.touch(shared.length);
    barrier();
    note("single write that shares 100 MiB, MiB/s", 100 * 1e6 / micros(start));
  }

  private void idle(long millis) throws InterruptedException {
    barrier();
    ProcessorTime processor = new ProcessorTime();
    Thread.sleep(SETTLE_MILLIS);
    long before = processor.nanos();
    Thread.sleep(millis);
    note(
        "an idle rank with its node's agent, % of a core",
        (processor.nanos() - before) / 1e4 / millis);
    barrier();
  }

  /** The figures of rank 1, whose locks have their homes on the other node. */
  private void report() {
    if (me != 1) {
      return;
    }
    results.forEach((name, values) ->
        BenchRanks.result(
            "hosts",
            name,
            Tables.joined(values.stream().mapToDouble(Double::doubleValue).toArray())));
  }

  /** Names what a figure is compared with, or gives null. */
  static @Nullable String own(String name) {
    return name.endsWith("µs")
        ? OWN_TRIP
        : name.endsWith("MiB/s") ? OWN_LARGE : name.endsWith("ns") ? ONE_NODE : null;
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    return values.length == 0 ? Double.NaN : values[values.length / 2];
  }

  private static double micros(long start) {
    return (System.nanoTime() - start) / 1e3;
  }
}
