/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import java.nio.ByteBuffer;

/**
 * Carries frames between ranks of a communicator: in order for each pair of ranks, each at most
 * once, and exactly once if both live. Only one rank of each node uses it (the node's agent), and
 * never sends to itself.
 *
 * <p>{@link #send}, {@link #receive} and {@link #isFlushed} are called by one thread at a time.
 * None of them waits for another rank, and none is interruptible.
 *
 * @since 0.1.0
 */
public interface Messenger extends AutoCloseable {

  /** The longest frame, in bytes. Most frames are shorter than 300 bytes. */
  int FRAME_BYTES = 130 * 1024;

  /**
   * Sends a frame. What cannot leave at once is queued and leaves during later calls of any method.
   * A frame to a rank that is dead, or cannot be reached, is dropped in silence: {@link
   * Communicator#isAlive} and the layer above find that out.
   *
   * @param rank a rank of the communicator, not the caller's own
   * @param frame what is sent, from its position to its limit, 1 to {@link #FRAME_BYTES} bytes; it
   *     is copied, so the buffer is the caller's again, with its position at its limit
   */
  void send(int rank, ByteBuffer frame);

  /**
   * As {@link #send}, for a frame that no thread waits for: its receiver need not be woken, and
   * finds it when it looks the next time.
   *
   * @param rank a rank of the communicator, not the caller's own
   * @param frame what is sent
   */
  default void sendQuietly(int rank, ByteBuffer frame) {
    send(rank, frame);
  }

  /**
   * Tells whether the transport has seen a connection to a rank's process end without a goodbye:
   * most likely the process has ended. Something between the two may have cut it as well, so it is
   * for the layer above to ask that rank whether it is there.
   *
   * @param rank a rank of the communicator
   * @return true from then on
   */
  default boolean isCutOff(int rank) {
    return false;
  }

  /**
   * Takes the next frame that has arrived, if there is one.
   *
   * @param target where it goes; a capacity of {@link #FRAME_BYTES} or more. It is cleared first,
   *     and flipped then; unspecified if nothing was there
   * @return the rank that sent it, or -1 if nothing is there now
   */
  int receive(ByteBuffer target);

  /**
   * Tells whether everything that was sent has left this process, so that it may end.
   *
   * @return true if nothing is queued
   */
  boolean isFlushed();

  /**
   * How often {@link #receive} must be called at least, as things are now: to be asked again after
   * each call, and when something has been told.
   *
   * @return nanoseconds; {@link Long#MAX_VALUE} if the transport tells of each arrival
   */
  long pollNanos();

  /**
   * Gives this end up at once; what is still queued may be lost, and so is what arrives from now
   * on. Idempotent. Waits for nobody.
   */
  @Override
  void close();
}
