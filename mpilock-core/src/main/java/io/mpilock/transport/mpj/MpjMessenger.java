/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.transport.Messenger;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * Frames over MPJ Express. Each two nodes have a world of their own, between the lowest rank of
 * each, because in a world of all nodes the death of one rank closes the connections of everybody.
 * Where all ranks are on one node, each of them has one with each other.
 */
final class MpjMessenger implements Messenger {
  private final Pairs pairs;
  private final MpjGroup group;
  private final long channel;
  private final List<Integer> ends;
  private final Runnable arrived;
  private final Queue<Frame> inbox = new ConcurrentLinkedQueue<>();
  private final AtomicInteger unsent = new AtomicInteger();
  private volatile boolean closed;

  @SuppressWarnings("ArrayRecordComponent") // frames are not compared
  private record Frame(int rank, byte[] bytes) {}

  private MpjMessenger(
      Pairs pairs, MpjGroup group, long channel, List<Integer> ends, Runnable arrived) {
    this.pairs = pairs;
    this.group = group;
    this.channel = channel;
    this.ends = ends;
    this.arrived = arrived;
  }

  /** Opens this rank's end. Collective. */
  static MpjMessenger open(
      MpjRuntime runtime, MpjGroup group, Duration stallWarning, Runnable arrived) {
    List<List<Integer>> nodes = runtime.nodes(group);
    List<Integer> ends =
        nodes.size() == 1
            ? IntStream.range(0, group.size()).boxed().toList()
            : nodes.stream().map(List::getFirst).toList();
    String call = group.nextCall("messenger");
    long channel = Pairs.channel(call);
    MpjMessenger messenger = new MpjMessenger(runtime.pairs(), group, channel, ends, arrived);
    runtime.pairs().open(channel, messenger);
    try (PairSetUp setUp = new PairSetUp(runtime, group, ends)) {
      byte[][] places =
          runtime
              .lifeline()
              .meet(
                  call,
                  group.worldRanks(),
                  setUp.place(),
                  "open a messenger",
                  runtime::name,
                  stallWarning);
      setUp.connect(places);
      return messenger;
    } catch (RuntimeException e) {
      messenger.close();
      throw e;
    }
  }

  /** Takes a frame that came. On a private thread. */
  void deliver(int worldRank, byte[] bytes) {
    if (!closed) {
      inbox.add(new Frame(group.placeOf(worldRank), bytes));
      arrived.run();
    }
  }

  @Override
  public void send(int rank, ByteBuffer frame) {
    int length = frame.remaining();
    if (length < 1 || length > FRAME_BYTES) {
      throw new IllegalArgumentException(
          "a frame has 1 to " + FRAME_BYTES + " bytes, not " + length);
    }
    if (rank == group.rank() || !ends.contains(rank) || !ends.contains(group.rank())) {
      throw new IllegalArgumentException(
          "rank "
              + group.rank()
              + " sends to rank "
              + rank
              + ", but frames go between the lowest ranks of different nodes");
    }
    byte[] bytes = new byte[length];
    frame.get(bytes);
    Pair pair = pairs.get(group.worldRank(rank));
    if (pair != null && !closed) {
      pair.send(channel, bytes, unsent);
    }
  }

  @Override
  public int receive(ByteBuffer target) {
    Frame frame = inbox.poll();
    if (frame == null) {
      return -1;
    }
    target.clear().put(frame.bytes).flip();
    return frame.rank;
  }

  @Override
  public boolean isFlushed() {
    return unsent.get() == 0;
  }

  @Override
  public long pollNanos() {
    return Long.MAX_VALUE;
  }

  @Override
  public void close() {
    closed = true;
    pairs.close(channel);
    inbox.clear();
  }
}
