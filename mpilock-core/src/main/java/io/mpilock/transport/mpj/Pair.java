/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.transport.Messenger;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * This rank's end of an {@link MpjWorld}, with a thread that sends and one that receives. Both are
 * daemons and nobody interrupts them: an interrupt would close the world's connections.
 *
 * <p>What MPJ Express carries has one of two sizes, since a message longer than the receiver
 * expects kills it. A frame:
 *
 * <pre>
 *   HEAD  length 4 | channel 8 | the frame's first bytes, to {@value #HEAD_BYTES} in all
 *   REST  what did not fit, to {@value #REST_BYTES}; only then
 * </pre>
 *
 * A length of 0 is a farewell.
 */
final class Pair {
  /** Takes what comes, on a private thread, and shortly. */
  interface Receiver {
    void arrived(long channel, byte[] frame);
  }

  private static final int HEAD_BYTES = 2048;
  private static final int REST_BYTES = Messenger.FRAME_BYTES;
  private static final int IN_HEAD = HEAD_BYTES - Integer.BYTES - Long.BYTES;
  private static final int HEAD = 1;
  private static final int REST = 2;

  private static final System.Logger LOG = System.getLogger("io.mpilock");

  /**
   * A frame on its way.
   *
   * @param unsent counts its messenger's frames that are queued or being sent
   */
  @SuppressWarnings("ArrayRecordComponent") // frames are not compared
  private record Outgoing(long channel, byte[] frame, AtomicInteger unsent) {}

  private static final Outgoing FAREWELL = new Outgoing(0, new byte[0], new AtomicInteger());

  private final MpjWorld world;
  private final Receiver receiver;
  private final BlockingQueue<Outgoing> outgoing = new LinkedBlockingQueue<>();
  private final AtomicBoolean farewellSaid = new AtomicBoolean();
  private final AtomicInteger farewells = new AtomicInteger();

  /** Nothing can be sent or received any more. */
  private volatile boolean over;

  /**
   * Starts the threads.
   *
   * @param world an open one
   */
  Pair(String name, MpjWorld world, Receiver receiver) {
    this.world = world;
    this.receiver = receiver;
    start(name + "-send", this::sendAll);
    start(name + "-receive", this::receiveAll);
  }

  private static void start(String name, Runnable task) {
    Thread.ofPlatform().daemon().name(name).start(task);
  }

  /** Sends a frame, which is not copied. To a peer that is gone it is dropped. */
  void send(long channel, byte[] frame, AtomicInteger unsent) {
    unsent.incrementAndGet();
    outgoing.add(new Outgoing(channel, frame, unsent));
    if (over) {
      drop(); // whoever sets it does so too, but may have done so before the frame was there
    }
  }

  /** Sends what is queued and a farewell; the world ends when both sides have. Waits for nobody. */
  void close() {
    if (farewellSaid.compareAndSet(false, true)) {
      outgoing.add(FAREWELL);
    }
  }

  /**
   * Ends at once, because the peer is dead. A thread that is inside MPJ Express for it may stay
   * there to the end of the process.
   */
  void end() {
    over = true;
    drop();
    outgoing.add(FAREWELL); // the sender may wait for something to send
    world.close();
  }

  private void drop() {
    for (Outgoing next = outgoing.poll(); next != null; next = outgoing.poll()) {
      next.unsent.decrementAndGet();
    }
  }

  private void sendAll() {
    byte[] head = new byte[HEAD_BYTES];
    byte[] rest = new byte[REST_BYTES];
    try {
      while (true) {
        Outgoing next = outgoing.take();
        try {
          if (over) {
            drop();
            return;
          }
          byte[] frame = next.frame;
          int first = Math.min(frame.length, IN_HEAD);
          ByteBuffer.wrap(head).putInt(frame.length).putLong(next.channel).put(frame, 0, first);
          world.send(head, HEAD);
          if (first < frame.length) {
            System.arraycopy(frame, first, rest, 0, frame.length - first);
            world.send(rest, REST);
          }
          if (frame.length == 0) {
            farewell();
            return;
          }
        } finally {
          next.unsent.decrementAndGet();
        }
      }
    } catch (IOException e) {
      broken(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException("this thread must not be interrupted", e);
    }
  }

  private void receiveAll() {
    byte[] head = new byte[HEAD_BYTES];
    byte[] rest = new byte[REST_BYTES];
    try {
      while (true) {
        world.receive(head, HEAD);
        ByteBuffer in = ByteBuffer.wrap(head);
        int length = in.getInt();
        if (length == 0) {
          farewell();
          return;
        }
        long channel = in.getLong();
        byte[] frame = Arrays.copyOfRange(head, in.position(), in.position() + length);
        if (length > IN_HEAD) {
          world.receive(rest, REST);
          System.arraycopy(rest, 0, frame, IN_HEAD, length - IN_HEAD);
        }
        receiver.arrived(channel, frame);
      }
    } catch (IOException e) {
      broken(e);
    }
  }

  /** The second of the two ends the world. */
  private void farewell() {
    if (farewells.incrementAndGet() == 2) {
      over = true;
      world.close();
    }
  }

  /** The peer is gone, or its host: the lifeline tells. */
  private void broken(IOException cause) {
    if (!over) {
      LOG.log(System.Logger.Level.DEBUG, "A connection between two nodes broke", cause);
      over = true;
    }
    drop();
  }
}
