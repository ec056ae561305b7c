/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.transport.Messenger;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Memory for a frame that MPI reads or writes, with the request that tells when it is through. As
 * long as MPI may touch it something must refer to this, or the memory is freed under MPI's hands.
 */
final class FrameBuffer {

  /** What comes before a frame's bytes: what it is. */
  private static final int HEAD_BYTES = 1;

  /** Nearly all frames fit. */
  static final int SMALL_BYTES = 1024;

  // What a frame is.
  /** Of whoever uses the messenger. */
  static final byte FRAME = 0;

  /** {@link Doorbell#greet}. */
  static final byte GREETING = 1;

  /** {@link Doorbell#invite}. */
  static final byte INVITATION = 2;

  private final MemorySegment data;
  private final ByteBuffer bytes;
  private final MemorySegment request;
  private int peer;
  private int length;

  private FrameBuffer(int capacity) {
    Arena arena = Arena.ofAuto();
    data = arena.allocate(capacity, Long.BYTES);
    bytes = data.asByteBuffer();
    request = arena.allocate(Long.BYTES, Long.BYTES);
  }

  /** A buffer for small frames, or one that is large enough for all. */
  static FrameBuffer allocate(boolean small) {
    return new FrameBuffer(small ? SMALL_BYTES : HEAD_BYTES + Messenger.FRAME_BYTES);
  }

  /** How long the message is for a frame of some bytes. */
  static int messageBytes(int frameBytes) {
    return HEAD_BYTES + frameBytes;
  }

  static boolean isSmall(int messageBytes) {
    return messageBytes <= SMALL_BYTES;
  }

  boolean isSmall() {
    return bytes.capacity() == SMALL_BYTES;
  }

  /**
   * Says what comes in, or goes out. A message that is longer than any frame does not fit: MPI is
   * told of the memory that there is, and fails the receive instead of writing behind it.
   */
  void begin(int rank, int messageBytes) {
    peer = rank;
    length = Math.clamp(messageBytes, 0, bytes.capacity());
  }

  void copyFrom(byte what, ByteBuffer frame) {
    bytes.clear().put(what).put(frame);
  }

  void copyTo(ByteBuffer frame) {
    frame.clear().put(bytes.clear().limit(length).position(Math.min(HEAD_BYTES, length))).flip();
  }

  /** What has come. */
  byte what() {
    return bytes.get(0);
  }

  /** The rank that it comes from, or goes to. */
  int peer() {
    return peer;
  }

  int length() {
    return length;
  }

  MemorySegment data() {
    return data;
  }

  MemorySegment request() {
    return request;
  }
}
