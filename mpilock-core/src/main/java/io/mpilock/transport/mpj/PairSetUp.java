/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.transport.mpj.Hello.Purpose;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * How ranks that have no world in common yet get one: each listens for those of a higher rank,
 * tells where, and calls those of a lower one. When all have come nothing listens any more.
 */
final class PairSetUp implements Acceptor.Host, AutoCloseable {
  private static final long LOOK_MILLIS = 200;

  private final MpjRuntime runtime;
  private final Membership membership;
  private final MpjGroup group;
  private final List<Integer> lower = new ArrayList<>();

  /** By the rank in the job, as callers name themselves. */
  private final Map<Integer, Visit> higher = new LinkedHashMap<>();

  private final @Nullable Acceptor gate;

  /**
   * Begins to listen, if others are to call.
   *
   * @param ends the ranks of the group that are to be connected with each other
   */
  PairSetUp(MpjRuntime runtime, MpjGroup group, List<Integer> ends) {
    this.runtime = runtime;
    this.membership = runtime.membership();
    this.group = group;
    int self = group.rank();
    for (int end : ends) {
      int worldRank = group.worldRank(end);
      boolean isNew = ends.contains(self) && runtime.pairs().get(worldRank) == null;
      if (isNew && worldRank < runtime.self()) {
        lower.add(end);
      } else if (isNew && worldRank > runtime.self()) {
        higher.put(worldRank, new Visit());
      }
    }
    gate = higher.isEmpty() ? null : listen();
  }

  private Acceptor listen() {
    try {
      return new Acceptor(
          membership.reactor(),
          new InetSocketAddress(membership.address(), 0),
          membership.token(),
          this);
    } catch (IOException e) {
      throw new MpilockException(
          runtime.name(runtime.self()) + " cannot listen at " + membership.address() + ".", e);
    }
  }

  /** Where this rank listens; nothing if it does not. */
  byte[] place() {
    if (gate == null) {
      return new byte[0];
    }
    byte[] address = gate.host().getAddress();
    return ByteBuffer.allocate(Integer.BYTES + address.length)
        .putInt(gate.port())
        .put(address)
        .array();
  }

  @Override
  public @Nullable String refusal(Hello hello) {
    Visit visit = higher.get(hello.rank());
    return visit == null || hello.purpose() == Purpose.LIFELINE || visit.has(hello.purpose())
        ? "Rank "
            + runtime.self()
            + " does not expect this connection from rank "
            + hello.rank()
            + "."
        : null;
  }

  @Override
  public void arrived(Hello hello, Wire wire) {
    Visit visit = Objects.requireNonNull(higher.get(hello.rank()));
    wire.release();
    // Once more through the reactor, which then has let go of the connection.
    membership.reactor().execute(() -> visit.come(hello.purpose(), wire.channel()));
  }

  /**
   * Opens all worlds, each on its own thread, or two ranks could wait for a third.
   *
   * @param places where each rank of the group listens
   * @throws RankFailedException if one died meanwhile
   */
  void connect(byte[][] places) {
    Map<Integer, CompletableFuture<MpjWorld>> opening = new LinkedHashMap<>();
    long deadline = System.nanoTime() + runtime.timeout().toNanos();
    for (int rank : lower) {
      opening.put(group.worldRank(rank), start(() -> call(places[rank]), 1, deadline));
    }
    higher.forEach((worldRank, visit) ->
        opening.put(worldRank, start(() -> visit.await(deadline), 0, deadline)));
    opening.forEach((worldRank, world) ->
        runtime
            .pairs()
            .add(
                worldRank,
                await(worldRank, world),
                "mpilock-mpj-" + runtime.self() + "-" + worldRank));
    for (int worldRank : opening.keySet()) {
      if (!runtime.isAlive(worldRank)) {
        runtime.pairs().died(worldRank); // its death was told before there was a pair to end
      }
    }
  }

  /** Two connections, as this rank sees them. */
  private record Channels(SocketChannel in, SocketChannel out) {}

  private interface Opening {
    Channels open() throws IOException;
  }

  private CompletableFuture<MpjWorld> start(Opening opening, int side, long deadline) {
    CompletableFuture<MpjWorld> opened = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .name("mpilock-mpj-open")
        .start(() -> {
          try {
            Channels channels = opening.open();
            MpjWorld world = runtime.library().newWorld();
            try {
              world.open(side, channels.in, channels.out, deadline);
            } catch (IOException e) {
              channels.in.close(); // or the other side would wait until its deadline
              channels.out.close();
              throw e;
            }
            opened.complete(world);
          } catch (Throwable e) {
            opened.completeExceptionally(e);
          }
        });
    return opened;
  }

  private Channels call(byte[] place) throws IOException {
    ByteBuffer said = ByteBuffer.wrap(place);
    int port = said.getInt();
    byte[] address = new byte[said.remaining()];
    said.get(address);
    InetSocketAddress where = new InetSocketAddress(InetAddress.getByAddress(address), port);
    return new Channels(call(where, Purpose.CALLER_READS), call(where, Purpose.CALLER_WRITES));
  }

  private SocketChannel call(InetSocketAddress where, Purpose purpose) throws IOException {
    return Calls.call(
        where,
        membership.token(),
        new Hello(purpose, runtime.self(), membership.lifeline().size()));
  }

  private MpjWorld await(int worldRank, CompletableFuture<MpjWorld> world) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return world.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          failIfDead(worldRank); // all else ends by itself
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          failIfDead(worldRank);
          throw new MpilockException(
              runtime.name(runtime.self())
                  + " could not connect to "
                  + runtime.name(worldRank)
                  + " for messages between nodes: "
                  + e.getCause()
                  + ". Look for a firewall between the two.",
              e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void failIfDead(int worldRank) {
    if (!runtime.isAlive(worldRank)) {
      throw new RankFailedException(
          group.placeOf(worldRank),
          runtime.name(worldRank)
              + " ended while a messenger was opened. Look for the reason in its output.");
    }
  }

  @Override
  public void close() {
    if (gate != null) {
      gate.close();
    }
  }

  /** What came from one higher rank so far. */
  private static final class Visit {
    private final Map<Purpose, CompletableFuture<SocketChannel>> channels =
        new EnumMap<>(Purpose.class);

    Visit() {
      channels.put(Purpose.CALLER_READS, new CompletableFuture<>());
      channels.put(Purpose.CALLER_WRITES, new CompletableFuture<>());
    }

    boolean has(Purpose purpose) {
      return channel(purpose).isDone();
    }

    void come(Purpose purpose, SocketChannel channel) {
      channel(purpose).complete(channel);
    }

    Channels await(long deadline) throws IOException {
      try {
        return new Channels(
            get(Purpose.CALLER_WRITES, deadline), get(Purpose.CALLER_READS, deadline));
      } catch (ExecutionException | TimeoutException e) {
        throw new IOException("it did not call in time", e);
      }
    }

    private SocketChannel get(Purpose purpose, long deadline)
        throws ExecutionException, TimeoutException {
      return UninterruptedWait.uninterrupted(
          channel(purpose), Duration.ofNanos(deadline - System.nanoTime()));
    }

    private CompletableFuture<SocketChannel> channel(Purpose purpose) {
      return Objects.requireNonNull(channels.get(purpose));
    }
  }
}
