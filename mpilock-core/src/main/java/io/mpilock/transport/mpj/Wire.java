/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A connection that carries messages, each behind its length in 4 bytes. Only the {@link Reactor}'s
 * thread uses it.
 *
 * <p>It never reads beyond the message that it delivers next, so that a connection can be handed on
 * between two messages.
 */
final class Wire implements Reactor.Handler {
  /** Hears what happens. */
  interface Listener {
    /** A whole message is there. */
    void message(ByteBuffer message) throws IOException;

    /** The connection is closed, by the other side or after a failure; never by {@link #close}. */
    void closed(Exception cause);
  }

  private final SocketChannel channel;
  private final SelectionKey key;
  private final Deque<ByteBuffer> outgoing = new ArrayDeque<>();
  private final Incoming incoming = new Incoming();
  private Listener listener;
  private int longest;
  private boolean closed;

  /**
   * Takes a connection over.
   *
   * @param longest the longest message that is accepted; a longer one breaks the connection
   */
  Wire(Reactor reactor, SocketChannel channel, int longest, Listener listener) throws IOException {
    this.channel = channel;
    this.longest = longest;
    this.listener = listener;
    key = reactor.register(channel, SelectionKey.OP_READ, this);
  }

  SocketChannel channel() {
    return channel;
  }

  InetSocketAddress localAddress() throws IOException {
    return (InetSocketAddress) channel.getLocalAddress();
  }

  boolean isFlushed() {
    return outgoing.isEmpty();
  }

  /** From now on this one listens. */
  void become(int longest, Listener listener) {
    this.longest = longest;
    this.listener = listener;
  }

  /** Sends a message, now or as soon as there is room. */
  void send(ByteBuffer message) {
    if (closed) {
      return;
    }
    outgoing.add(
        ByteBuffer.allocate(Integer.BYTES + message.remaining())
            .putInt(message.remaining())
            .put(message)
            .flip());
    try {
      flush();
    } catch (IOException e) {
      close();
      listener.closed(e);
    }
  }

  /** Closes the connection without telling the listener. */
  void close() {
    closed = true;
    try {
      channel.close();
    } catch (IOException e) {
      // Then it is closed as far as it can be.
    }
  }

  /** Stops watching; the channel is free once the reactor has come round. */
  void release() {
    closed = true;
    key.cancel();
  }

  @Override
  public void ready(SelectionKey key) throws IOException {
    if (key.isWritable()) {
      flush();
    }
    // One message, then it is another connection's turn.
    if (key.isValid() && key.isReadable()) {
      read();
    }
  }

  @Override
  public void broken(Exception cause) {
    if (!closed) {
      closed = true;
      listener.closed(cause);
    }
  }

  private void read() throws IOException {
    ByteBuffer message = incoming.read(channel, longest);
    if (message != null) {
      listener.message(message);
    }
  }

  private void flush() throws IOException {
    while (!outgoing.isEmpty()) {
      ByteBuffer first = outgoing.getFirst();
      channel.write(first);
      if (first.hasRemaining()) {
        key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
        return;
      }
      outgoing.removeFirst();
    }
    key.interestOps(SelectionKey.OP_READ);
  }
}
