/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** Calls at the {@link Acceptor} of another rank. */
final class Calls {
  private static final long LONGEST_NANOS = 10_000_000_000L;

  private Calls() {}

  /**
   * Connects, and proves to each other who the two are. Waits at most 10 s. On a thread that nobody
   * interrupts, since that would close the connection.
   *
   * @return the connection, in blocking mode
   * @throws RefusedException if the gate does not let this rank in
   * @throws NotAGateException if another listens there
   * @throws IOException if nobody does, or the connection broke
   */
  static SocketChannel call(InetSocketAddress address, JobToken token, Hello hello)
      throws IOException {
    long deadline = System.nanoTime() + LONGEST_NANOS;
    SocketChannel channel = SocketChannel.open();
    try {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
      channel.socket().connect(address, millisTo(deadline));
      if (channel.getLocalAddress().equals(channel.getRemoteAddress())) {
        throw new NotAGateException("nobody listens there"); // TCP connected this port to itself
      }
      Handshake.Calling handshake = new Handshake.Calling(token, hello);
      write(channel, handshake.hello(read(channel, deadline)));
      handshake.check(read(channel, deadline));
      channel.socket().setSoTimeout(0);
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static ByteBuffer read(SocketChannel channel, long deadline) throws IOException {
    // Unbuffered: what follows the answer is not ours to read.
    DataInputStream in = new DataInputStream(channel.socket().getInputStream());
    byte[] header = new byte[Integer.BYTES];
    readFully(channel, in, header, deadline);
    int length = ByteBuffer.wrap(header).getInt();
    if (length < 1 || length > Handshake.LONGEST) {
      throw new NotAGateException("it does not use mpilock's protocol");
    }
    byte[] body = new byte[length];
    readFully(channel, in, body, deadline);
    return ByteBuffer.wrap(body);
  }

  /** The deadline is for the whole, so that a drip of bytes does not push it off. */
  private static void readFully(
      SocketChannel channel, DataInputStream in, byte[] target, long deadline) throws IOException {
    int done = 0;
    while (done < target.length) {
      channel.socket().setSoTimeout(millisTo(deadline));
      int read = in.read(target, done, target.length - done);
      if (read < 0) {
        throw new EOFException("it closed the connection");
      }
      done += read;
    }
  }

  private static void write(SocketChannel channel, ByteBuffer message) throws IOException {
    ByteBuffer whole =
        ByteBuffer.allocate(Integer.BYTES + message.remaining())
            .putInt(message.remaining())
            .put(message)
            .flip();
    while (whole.hasRemaining()) {
      channel.write(whole);
    }
  }

  private static int millisTo(long deadline) throws SocketTimeoutException {
    long millis = (deadline - System.nanoTime()) / 1_000_000;
    if (millis <= 0) {
      throw new SocketTimeoutException("it did not answer in time");
    }
    return (int) millis;
  }
}
