/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.testing.Bounded;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A message over a lifeline, from its bytes; and what hub and rank make of it. */
public final class LifelineMessageFuzz {
  private static final int SIZE = 3;

  /** What readUTF and its copy take for the longest text that its two bytes can declare. */
  private static final long LONGEST_TEXTS = 600_000;

  private static final Reactor REACTOR = new Reactor("fuzz");

  private LifelineMessageFuzz() {}

  /** Tries an input. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    Bounded.run(LONGEST_TEXTS + 16L * input.length, () -> decode(input));
    Hub hub = new Hub(SIZE, REACTOR, message -> {});
    Lifeline lifeline = new Lifeline(1, SIZE, message -> {}, status -> {});
    ByteBuffer rest = ByteBuffer.wrap(input);
    while (rest.hasRemaining()) {
      // As a wire cuts them: a length, here of two bytes, and so many bytes.
      int length = rest.remaining() < 2 ? rest.remaining() : rest.getShort() & 0xFFF;
      ByteBuffer one = rest.slice(rest.position(), Math.min(length, rest.remaining()));
      rest.position(rest.position() + one.limit());
      give(hub, lifeline, one);
    }
  }

  private static void decode(byte[] input) {
    LifelineMessage message;
    try {
      message = LifelineMessage.decode(ByteBuffer.wrap(input));
    } catch (IOException e) {
      return;
    }
    // Once: readUTF takes some texts in two spellings, and writeUTF writes one.
    ByteBuffer again = message.encode();
    LifelineMessage same;
    try {
      same = LifelineMessage.decode(again.duplicate());
    } catch (IOException e) {
      throw new AssertionError(message + " is encoded as no message", e);
    }
    if (!same.encode().equals(again)) {
      throw new AssertionError(message + " is encoded otherwise");
    }
  }

  private static void give(Hub hub, Lifeline lifeline, ByteBuffer bytes) {
    try {
      hub.receive(1, LifelineMessage.decode(bytes.duplicate()));
    } catch (IOException | IllegalArgumentException e) {
      // The reactor closes the connection.
    }
    try {
      lifeline.receive(LifelineMessage.decode(bytes.duplicate()));
    } catch (IOException | IllegalArgumentException e) {
      // The reactor closes the connection.
    }
  }
}
