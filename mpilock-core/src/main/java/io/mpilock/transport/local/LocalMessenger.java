/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.local;

import io.mpilock.transport.Messenger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/** One rank's end of the queues between threads. */
final class LocalMessenger implements Messenger {

  private record Frame(int from, ByteBuffer content) {}

  private final LocalNetwork network;
  private final int node;
  private final int rank;
  private final Runnable arrived;
  private final Queue<Frame> inbox = new ConcurrentLinkedQueue<>();
  private LocalNetwork.Line[] lines = {};
  private volatile boolean closed;

  /**
   * Makes an end that can be sent to.
   *
   * @param network what carries the frames
   * @param node the rank's node in the world
   * @param rank the rank in the messenger's communicator
   * @param arrived is called after each arrival
   */
  LocalMessenger(LocalNetwork network, int node, int rank, Runnable arrived) {
    this.network = network;
    this.node = node;
    this.rank = rank;
    this.arrived = arrived;
  }

  /** Makes it an end that can send, too. */
  void connect(@Nullable Object[] ends) {
    lines =
        Arrays.stream(ends)
            .map(end -> new LocalNetwork.Line(this, (LocalMessenger) Objects.requireNonNull(end)))
            .toArray(LocalNetwork.Line[]::new);
  }

  int node() {
    return node;
  }

  int rank() {
    return rank;
  }

  boolean isClosed() {
    return closed;
  }

  void deliver(int from, ByteBuffer frame) {
    if (!closed) {
      inbox.add(new Frame(from, frame));
    }
  }

  void arrived() {
    if (!closed) {
      arrived.run();
    }
  }

  @Override
  public void send(int rank, ByteBuffer frame) {
    Objects.checkIndex(rank, lines.length);
    int length = frame.remaining();
    if (rank == this.rank) {
      throw new IllegalArgumentException("Rank " + rank + " sends to itself.");
    }
    if (length < 1 || length > FRAME_BYTES) {
      throw new IllegalArgumentException("A frame of " + length + " bytes.");
    }
    ByteBuffer copy = ByteBuffer.allocate(length).put(frame).flip();
    if (!closed) {
      network.send(lines[rank], copy);
    }
  }

  @Override
  public int receive(ByteBuffer target) {
    Frame frame = closed ? null : inbox.poll();
    if (frame == null) {
      return -1;
    }
    target.clear().put(frame.content()).flip();
    return frame.from();
  }

  /** The end of a process that was killed, or of an agent that has ended, is seen at once. */
  @Override
  public boolean isCutOff(int rank) {
    return lines[rank].hasEnded();
  }

  @Override
  public boolean isFlushed() {
    return network.isFlushed(this);
  }

  @Override
  public long pollNanos() {
    return Long.MAX_VALUE;
  }

  @Override
  public void close() {
    closed = true;
    inbox.clear();
  }
}
