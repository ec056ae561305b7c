package io.mpilock.transport.mpj;

import io.mpilock.transport.Messenger;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * This rank's end of an {@link MpjWorld}, with a thread that sends and one that receives. Both are
 * daemons and nobody interrupts them: an interrupt would close the world's connections.
 *
 * <p>What MPJ Express carries has one of two sizes, since a message longer than the receiver
 * expects kills it. A frame:
 *
 * <pre>
 *   HEAD  length 4 | the frame's first bytes, to {@value #HEAD_BYTES}; a length of 0 is a farewell
 *   REST  what did not fit, to {@value #REST_BYTES}; only then
 * </pre>
 */
final class Pair {
  private static final int HEAD_BYTES = 2048;
  private static final int REST_BYTES = Messenger.FRAME_BYTES;
  private static final int IN_HEAD = HEAD_BYTES - Integer.BYTES;
  private static final int HEAD = 1;
  private static final int REST = 2;

  private static final System.Logger LOG = System.getLogger("io.mpilock");
  private static final byte[] FAREWELL = {};

  private final MpjWorld world;
  private final Consumer<byte[]> arrived;
  private final BlockingQueue<byte[]> outgoing = new LinkedBlockingQueue<>();

  /** Frames that are queued or being sent. */
  private final AtomicInteger unsent = new AtomicInteger();

  private final AtomicBoolean said = new AtomicBoolean();
  private final AtomicInteger farewells = new AtomicInteger();
  private volatile boolean over;

  /**
   * Starts the threads.
   *
   * @param world an open one
   * @param arrived takes each frame that comes, on a private thread
   */
  Pair(String name, MpjWorld world, Consumer<byte[]> arrived) {
    this.world = world;
    this.arrived = arrived;
    start(name + "-send", this::sendAll);
    start(name + "-receive", this::receiveAll);
  }

  private static void start(String name, Runnable task) {
    Thread.ofPlatform().daemon().name(name).start(task);
  }

  /** Sends a frame, which is not copied. To a peer that is gone it is dropped. */
  void send(byte[] frame) {
    if (!over && !said.get()) {
      unsent.incrementAndGet();
      outgoing.add(frame);
      if (over) {
        drop();
      }
    }
  }

  boolean isFlushed() {
    return over || unsent.get() == 0;
  }

  /** Sends what is queued and a farewell. Waits for nobody. */
  void close() {
    if (said.compareAndSet(false, true)) {
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
    outgoing.clear();
    unsent.set(0);
  }

  private void sendAll() {
    byte[] head = new byte[HEAD_BYTES];
    byte[] rest = new byte[REST_BYTES];
    try {
      while (true) {
        byte[] frame = outgoing.take();
        if (over) {
          return;
        }
        ByteBuffer.wrap(head).putInt(frame.length).put(frame, 0, Math.min(frame.length, IN_HEAD));
        world.send(head, HEAD);
        if (frame.length > IN_HEAD) {
          System.arraycopy(frame, IN_HEAD, rest, 0, frame.length - IN_HEAD);
          world.send(rest, REST);
        }
        if (frame.length == 0) {
          farewell();
          return;
        }
        unsent.decrementAndGet();
      }
    } catch (IOException e) {
      broken(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts this thread", e);
    }
  }

  private void receiveAll() {
    byte[] head = new byte[HEAD_BYTES];
    byte[] rest = new byte[REST_BYTES];
    try {
      while (true) {
        world.receive(head, HEAD);
        int length = ByteBuffer.wrap(head).getInt();
        if (length == 0) {
          farewell();
          return;
        }
        byte[] frame = Arrays.copyOfRange(head, Integer.BYTES, Integer.BYTES + length);
        if (length > IN_HEAD) {
          world.receive(rest, REST);
          System.arraycopy(rest, 0, frame, IN_HEAD, length - IN_HEAD);
        }
        arrived.accept(frame);
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
