/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.transport.Messenger;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Frames of any length through the memory that MPI reads and writes, which is used again. */
public final class FrameFuzz {
  private static final FrameBuffer SMALL = FrameBuffer.allocate(true);
  private static final FrameBuffer LARGE = FrameBuffer.allocate(false);
  private static final ByteBuffer TARGET = ByteBuffer.allocate(Messenger.FRAME_BYTES);

  private FrameFuzz() {}

  /** Tries an input: a length as the other side tells it, and what it sends. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < Integer.BYTES) {
      return;
    }
    ByteBuffer frame = ByteBuffer.wrap(input);
    int told = frame.getInt();
    FrameBuffer buffer = FrameBuffer.isSmall(told) ? SMALL : LARGE;
    buffer.begin(1, told);
    if (buffer.length() < 0 || buffer.length() > buffer.data().byteSize()) {
      throw new AssertionError("MPI may write " + buffer.length() + " bytes");
    }
    byte[] sent = Arrays.copyOfRange(input, Integer.BYTES, input.length);
    int bytes = FrameBuffer.messageBytes(sent.length);
    FrameBuffer own = FrameBuffer.isSmall(bytes) ? SMALL : LARGE;
    own.begin(1, bytes);
    own.copyFrom(FrameBuffer.FRAME, frame);
    own.copyTo(TARGET);
    if (!TARGET.equals(ByteBuffer.wrap(sent))) {
      throw new AssertionError("another frame came out");
    }
  }
}
