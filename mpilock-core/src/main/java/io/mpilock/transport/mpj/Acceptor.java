/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where ranks of the job are let in, and nobody else. Listens on one address, from its making to
 * {@link #close}.
 *
 * <p>What a stranger can do is bounded: at most {@link #MOST_PENDING} connections that have not yet
 * proven to be of the job are open, the oldest goes when one more comes, each has {@link
 * #LONGEST_SILENCE_NANOS}, and says at most {@link Handshake#LONGEST} bytes. A rank proves itself
 * at once, so it does not become the oldest, however many strangers there are.
 */
final class Acceptor implements Reactor.Handler {
  /** Decides on callers that know the token. On the reactor's thread. */
  interface Host {
    /** Why a caller is not let in, or null if it is. */
    @Nullable String refusal(Hello hello);

    /** Takes the connection of a caller that was let in. */
    void arrived(Hello hello, Wire wire) throws IOException;
  }

  static final int MOST_PENDING = 128;
  static final long LONGEST_SILENCE_NANOS = 5_000_000_000L;

  private static final System.Logger LOG = System.getLogger("io.mpilock");
  private static final int BACKLOG = 1024;

  private final Reactor reactor;
  private final JobToken token;
  private final Host host;
  private final ServerSocketChannel server;
  private final InetSocketAddress address;

  /** In the order of their coming. On the reactor's thread. */
  private final Deque<Caller> pending = new ArrayDeque<>();

  private final Runnable ticker = this::expire;
  private int turnedAway;

  /**
   * Begins to listen.
   *
   * @param where the address; with port 0 any free one
   * @throws IOException if nobody can listen there
   */
  Acceptor(Reactor reactor, InetSocketAddress where, JobToken token, Host host) throws IOException {
    this.reactor = reactor;
    this.token = token;
    this.host = host;
    server = ServerSocketChannel.open();
    try {
      server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      server.bind(where, BACKLOG);
      address = (InetSocketAddress) server.getLocalAddress();
    } catch (IOException | RuntimeException e) {
      server.close();
      throw e;
    }
    reactor.execute(this::open);
  }

  InetAddress host() {
    return address.getAddress();
  }

  int port() {
    return address.getPort();
  }

  /** How many callers were not of the job. On the reactor's thread. */
  int turnedAway() {
    return turnedAway;
  }

  /** Stops listening, and drops who has not proven to be of the job. */
  void close() {
    reactor.execute(this::closeNow);
  }

  private void open() {
    try {
      reactor.register(server, SelectionKey.OP_ACCEPT, this);
      reactor.ticks(ticker);
    } catch (IOException e) {
      broken(e);
    }
  }

  void closeNow() {
    reactor.noTicks(ticker);
    try {
      server.close();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "a gate could not be closed", e);
    }
    List.copyOf(pending).forEach(Caller::drop);
  }

  @Override
  public void ready(SelectionKey key) throws IOException {
    SocketChannel channel;
    try {
      channel = server.accept();
    } catch (IOException e) {
      // Too many open files, say: whoever waits is still there at the next turn.
      LOG.log(System.Logger.Level.DEBUG, "a caller could not be accepted", e);
      return;
    }
    if (channel == null) {
      return;
    }
    try {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
      new Caller(channel).begin();
    } catch (IOException e) {
      channel.close(); // gone again
    }
  }

  @Override
  public void broken(Exception cause) {
    LOG.log(System.Logger.Level.ERROR, "no more ranks can join: the gate is broken", cause);
  }

  private void expire() {
    long now = System.nanoTime();
    for (Caller caller : new ArrayList<>(pending)) {
      if (now - caller.since > LONGEST_SILENCE_NANOS) {
        caller.turnAway("it said nothing for " + LONGEST_SILENCE_NANOS / 1_000_000_000 + " s");
      }
    }
  }

  /** A connection that has not yet proven to be of the job. */
  private final class Caller implements Wire.Listener {
    private final long since = System.nanoTime();
    private final Handshake.Answering handshake = new Handshake.Answering(token);
    private final Wire wire;

    Caller(SocketChannel channel) throws IOException {
      wire = new Wire(reactor, channel, Handshake.LONGEST, this);
    }

    void begin() {
      if (pending.size() >= MOST_PENDING) {
        pending.getFirst().turnAway("too many others came");
      }
      pending.addLast(this);
      wire.send(handshake.challenge());
    }

    @Override
    public void message(ByteBuffer message) throws IOException {
      Hello hello = handshake.check(message);
      if (hello == null) {
        wire.send(Handshake.Answering.toStranger());
        turnAway("it does not know the job's token");
        return;
      }
      pending.remove(this);
      String refusal = host.refusal(hello);
      wire.send(handshake.answer(refusal));
      if (refusal != null || !wire.isFlushed()) {
        wire.close();
      } else {
        host.arrived(hello, wire);
      }
    }

    @Override
    public void closed(Exception cause) {
      if (pending.remove(this)) {
        turnedAway++;
      }
    }

    void turnAway(String reason) {
      LOG.log(System.Logger.Level.DEBUG, "A caller at {0} was rejected: {1}", address, reason);
      turnedAway++;
      drop();
    }

    void drop() {
      pending.remove(this);
      wire.close();
    }
  }
}
