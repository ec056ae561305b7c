/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import io.mpilock.testing.Bounded;
import java.nio.ByteBuffer;

/**
 * A frame between nodes. What is taken for a message is what some message is encoded as, byte for
 * byte; everything else is malformed.
 */
public final class MessageFuzz {
  private MessageFuzz() {}

  /** Tries an input. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    Bounded.run(20_000 + 16L * input.length, () -> decode(input));
  }

  private static void decode(byte[] input) {
    Message message;
    try {
      message = Message.decode(ByteBuffer.wrap(input));
    } catch (Message.MalformedException e) {
      return;
    }
    ByteBuffer again = ByteBuffer.allocate(input.length);
    message.encode(again);
    if (!again.equals(ByteBuffer.wrap(input))) {
      throw new AssertionError(message + " is encoded otherwise");
    }
  }
}
