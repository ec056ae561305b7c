/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.testing.Bounded;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Bytes that come over a connection in pieces, cut into messages. A length that is announced takes
 * memory only as its bytes come. The first byte chooses the pieces.
 */
public final class WireFuzz {
  private static final int LONGEST = LifelineMessage.LONGEST;

  private WireFuzz() {}

  /** Tries an input. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    if (input.length > 0) {
      ByteBuffer bytes = ByteBuffer.wrap(input, 1, input.length - 1);
      Bounded.run(50_000 + 128L * input.length, () -> hear(input[0] & 0xFF, bytes.slice()));
    }
  }

  private static void hear(int pieces, ByteBuffer input) {
    List<ByteBuffer> expected = cut(input.duplicate());
    List<ByteBuffer> heard = new ArrayList<>();
    Incoming incoming = new Incoming();
    Pieces channel = new Pieces(input, pieces);
    while (true) {
      int before = channel.bytes.position();
      ByteBuffer message;
      try {
        message = incoming.read(channel, LONGEST);
      } catch (IOException closed) {
        break;
      }
      if (message != null) {
        heard.add(message);
      } else if (channel.bytes.position() == before && channel.empty == 0) {
        throw new AssertionError("nothing was read");
      }
    }
    if (!heard.equals(expected)) {
      throw new AssertionError("heard " + heard + " where there was " + expected);
    }
  }

  /** The whole messages up to the first that is none. */
  private static List<ByteBuffer> cut(ByteBuffer rest) {
    List<ByteBuffer> messages = new ArrayList<>();
    while (rest.remaining() >= Integer.BYTES) {
      int length = rest.getInt();
      if (length < 1 || length > LONGEST || length > rest.remaining()) {
        break;
      }
      messages.add(rest.slice(rest.position(), length));
      rest.position(rest.position() + length);
    }
    return messages;
  }

  /** Gives a few bytes at a time, now and then none, and then the end. */
  private static final class Pieces implements ReadableByteChannel {
    private final ByteBuffer bytes;
    private final int most;
    private int empty;

    Pieces(ByteBuffer bytes, int most) {
      this.bytes = bytes;
      this.most = most + 1;
    }

    @Override
    public int read(@Nullable ByteBuffer target) {
      if (!bytes.hasRemaining()) {
        return -1;
      }
      empty = (empty + 1) % 3;
      if (empty == 1 || target == null) {
        return 0;
      }
      int length = Math.min(Math.min(most, bytes.remaining()), target.remaining());
      target.put(bytes.slice(bytes.position(), length));
      bytes.position(bytes.position() + length);
      return length;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
