/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.share;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The bytes as they come. An array is allocated before its elements are read, so its length must be
 * backed by bytes: over all arrays of a stream, one byte received for each {@value #FACTOR} that
 * they take, beyond {@value #FREE}. Where they have not been read yet they are received ahead.
 * Elements take up at least that many bytes in the stream (a HashMap's table, of 4-byte references,
 * takes up to 6 for each byte of its entries), so no stream that is whole is refused; but for
 * {@code Collections.nCopies}, which sends one element for many.
 */
final class ReceivedBytes extends InputStream {
  static final long FREE = 1 << 20;
  static final int FACTOR = 8;

  private static final int PIECE = 1 << 16;

  private final InputStream in;
  private final Deque<ByteBuffer> ahead = new ArrayDeque<>();
  private long received;
  private long claimed;
  private @Nullable Exception failure;

  ReceivedBytes(InputStream in) {
    this.in = in;
  }

  long received() {
    return received;
  }

  /** Whether enough has come, or comes now, for a further array. */
  boolean backs(@Nullable Class<?> type, long length) {
    long width =
        switch (type) {
          case Class<?> array when array == long[].class || array == double[].class -> Long.BYTES;
          case Class<?> array when array == byte[].class || array == boolean[].class -> 1;
          case Class<?> array when array == char[].class || array == short[].class -> Short.BYTES;
          case null, default -> Integer.BYTES;
        };
    if (length > Runtime.getRuntime().maxMemory() / width) {
      return false;
    }
    claimed += length * width;
    try {
      while (claimed > FREE + FACTOR * received) {
        byte[] piece = new byte[PIECE];
        int count = receive(piece, 0, PIECE);
        if (count < 0) {
          return false;
        }
        ahead.add(ByteBuffer.wrap(piece, 0, count));
      }
    } catch (IOException e) {
      return false; // rethrow() has it
    }
    return true;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    ByteBuffer first = ahead.peek();
    if (first == null) {
      return receive(target, offset, length);
    }
    int count = Math.min(length, first.remaining());
    first.get(target, offset, count);
    if (!first.hasRemaining()) {
      ahead.remove();
    }
    return count;
  }

  private int receive(byte[] target, int offset, int length) throws IOException {
    try {
      int count = in.read(target, offset, length);
      received += Math.max(0, count);
      return count;
    } catch (IOException | RuntimeException e) {
      failure = e;
      throw e;
    }
  }

  /** Throws what the stream itself threw, whatever the JDK made of it. */
  void rethrow() throws IOException {
    switch (failure) {
      case IOException e -> throw e;
      case RuntimeException e -> throw e;
      case null, default -> {}
    }
  }
}
