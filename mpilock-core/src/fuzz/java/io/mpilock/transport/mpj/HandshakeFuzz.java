/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.testing.Bounded;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What strangers say at a gate, and what they answer to a caller; and what only a rank of the job
 * can say: who it is. The first byte chooses.
 */
public final class HandshakeFuzz {
  private static final JobToken TOKEN = JobToken.of("0123456789abcdef");
  private static final Reactor REACTOR = new Reactor("fuzz");

  private HandshakeFuzz() {}

  /** Tries an input. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    if (input.length > 0) {
      byte[] said = Arrays.copyOfRange(input, 1, input.length);
      Bounded.run(100_000 + 64L * input.length, () -> hear(input[0] & 3, said));
    }
  }

  private static void hear(int who, byte[] said) {
    switch (who) {
      case 0 -> {
        Handshake.Answering gate = new Handshake.Answering(TOKEN);
        gate.challenge();
        if (gate.check(ByteBuffer.wrap(said)) != null) {
          throw new AssertionError("a stranger was let in");
        }
      }
      case 1 -> call(said);
      case 2 -> hello(said);
      default -> peer(said);
    }
  }

  /** The challenge and the answer of a gate that does not know the token. */
  private static void call(byte[] said) {
    Handshake.Calling caller =
        new Handshake.Calling(TOKEN, new Hello(Hello.Purpose.LIFELINE, 1, 2));
    int cut = Math.min(24, said.length);
    try {
      caller.hello(ByteBuffer.wrap(said, 0, cut));
      caller.check(ByteBuffer.wrap(said, cut, said.length - cut));
    } catch (IOException e) {
      return;
    }
    throw new AssertionError("a stranger passed for a gate");
  }

  private static void hello(byte[] said) {
    if (said.length != Hello.BYTES) {
      return; // then it is no HELLO
    }
    Hello hello;
    try {
      hello = Hello.decode(said);
    } catch (IllegalArgumentException e) {
      return;
    }
    if (!Arrays.equals(hello.encode(), said)) {
      throw new AssertionError(hello + " is encoded otherwise");
    }
    new Hub(2, REACTOR, message -> {}).refusal(hello);
  }

  private static void peer(byte[] said) {
    Peer peer;
    try {
      peer = Peer.decode(said);
    } catch (UncheckedIOException e) {
      return;
    }
    if (!Peer.decode(peer.encode()).equals(peer)) {
      throw new AssertionError(peer + " is encoded otherwise");
    }
  }
}
