/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import org.jspecify.annotations.Nullable;

/**
 * The message that a connection brings next: its length in 4 bytes, and so many bytes.
 *
 * <p>Never reads beyond that message. Memory is taken as the bytes come, at most twice as much as
 * has come: a length is only what the other side says.
 */
final class Incoming {
  private static final int FIRST_BYTES = 4096;

  private final ByteBuffer header = ByteBuffer.allocate(Integer.BYTES);
  private @Nullable ByteBuffer body;
  private int length;

  /**
   * Reads what there is.
   *
   * @param longest the longest message that is accepted
   * @return the message if it is whole, else null
   * @throws IOException if the connection broke or was closed, or says what is no message
   */
  @Nullable ByteBuffer read(ReadableByteChannel channel, int longest) throws IOException {
    ByteBuffer bytes = body;
    if (bytes == null) {
      if (!fill(header, channel)) {
        return null;
      }
      length = header.getInt(0);
      if (length < 1 || length > longest) {
        throw new IOException("a message of " + length + " bytes is not one of mpilock's");
      }
      header.clear();
      bytes = ByteBuffer.allocate(Math.min(length, FIRST_BYTES));
      body = bytes;
    }
    while (fill(bytes, channel)) {
      if (bytes.capacity() == length) {
        body = null;
        return bytes.flip();
      }
      int larger = (int) Math.min(length, 2L * bytes.capacity());
      bytes = ByteBuffer.allocate(larger).put(bytes.flip());
      body = bytes;
    }
    return null;
  }

  private static boolean fill(ByteBuffer target, ReadableByteChannel channel) throws IOException {
    if (channel.read(target) < 0) {
      throw new EOFException("the other side closed the connection");
    }
    return !target.hasRemaining();
  }
}
