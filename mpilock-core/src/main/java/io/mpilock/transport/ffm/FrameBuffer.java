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

  /** Nearly all frames fit. */
  private static final int SMALL_BYTES = 1024;

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
    return new FrameBuffer(small ? SMALL_BYTES : Messenger.FRAME_BYTES);
  }

  static boolean isSmall(int length) {
    return length <= SMALL_BYTES;
  }

  boolean isSmall() {
    return bytes.capacity() == SMALL_BYTES;
  }

  /**
   * Says what comes in, or goes out. A message that is longer than any frame does not fit: MPI is
   * told of the memory that there is, and fails the receive instead of writing behind it.
   */
  void begin(int rank, int bytesOfFrame) {
    peer = rank;
    length = Math.clamp(bytesOfFrame, 0, bytes.capacity());
  }

  void copyFrom(ByteBuffer frame) {
    bytes.clear().put(frame);
  }

  void copyTo(ByteBuffer frame) {
    frame.clear().put(bytes.clear().limit(length)).flip();
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
