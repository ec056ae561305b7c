package io.mpilock.transport.mpj;

import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.transport.Messenger;
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
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Frames over MPJ Express. Each two nodes have a world of their own, between the lowest rank of
 * each, because in a world of all nodes the death of one rank closes the connections of everybody.
 * Where all ranks are on one node, each of them has one with each other.
 */
final class MpjMessenger implements Messenger {
  private static final long LOOK_MILLIS = 200;

  private final Lifeline lifeline;
  private final Group group;
  private final Runnable arrived;
  private final Map<Integer, Pair> pairs = new ConcurrentHashMap<>();
  private final Queue<Frame> inbox = new ConcurrentLinkedQueue<>();
  private final IntConsumer onDeath = this::died;
  private volatile boolean closed;

  @SuppressWarnings("ArrayRecordComponent") // frames are not compared
  private record Frame(int rank, byte[] bytes) {}

  private MpjMessenger(Lifeline lifeline, Group group, Runnable arrived) {
    this.lifeline = lifeline;
    this.group = group;
    this.arrived = arrived;
  }

  /** Opens this rank's end. Collective. */
  static MpjMessenger open(
      MpjRuntime runtime, Group group, Duration stallWarning, Runnable arrived) {
    MpjMessenger messenger = new MpjMessenger(runtime.lifeline(), group, arrived);
    List<Integer> ends = ends(runtime.nodes(group), group.size());
    try (SetUp setUp = new SetUp(runtime, group, messenger, ends)) {
      byte[][] places =
          runtime
              .lifeline()
              .meet(
                  group.nextCall("messenger"),
                  group.worldRanks(),
                  setUp.place(),
                  "open a messenger",
                  runtime::name,
                  stallWarning);
      setUp.connect(places);
    } catch (RuntimeException e) {
      messenger.close();
      throw e;
    }
    runtime.lifeline().onDeath(messenger.onDeath);
    // Who died between the set-up and now.
    messenger.pairs.keySet().stream()
        .filter(rank -> !runtime.isAlive(group.worldRank(rank)))
        .forEach(rank -> messenger.died(group.worldRank(rank)));
    return messenger;
  }

  private static List<Integer> ends(List<List<Integer>> nodes, int size) {
    return nodes.size() == 1
        ? IntStream.range(0, size).boxed().toList()
        : nodes.stream().map(List::getFirst).toList();
  }

  private void died(int worldRank) {
    Pair pair = pairs.get(group.placeOf(worldRank));
    if (pair != null) {
      // Closing may wait a little for who is inside MPJ Express.
      Thread.ofPlatform().daemon().name("mpilock-mpj-end").start(pair::end);
    }
  }

  private void deliver(int rank, byte[] bytes) {
    if (!closed) {
      inbox.add(new Frame(rank, bytes));
      arrived.run();
    }
  }

  @Override
  public void send(int rank, ByteBuffer frame) {
    int length = frame.remaining();
    if (length < 1 || length > FRAME_BYTES) {
      throw new IllegalArgumentException(
          "a frame has 1 to " + FRAME_BYTES + " bytes, not " + length);
    }
    if (rank == group.rank()) {
      throw new IllegalArgumentException("rank " + rank + " sends to itself");
    }
    int worldRank = group.worldRank(rank);
    byte[] bytes = new byte[length];
    frame.get(bytes);
    Pair pair = pairs.get(rank);
    if (pair != null) {
      pair.send(bytes);
    } else if (!closed && lifeline.isAlive(worldRank)) {
      throw new IllegalArgumentException(
          "rank " + group.rank() + " or rank " + rank + " is not the lowest rank of its node");
    }
  }

  @Override
  public int receive(ByteBuffer target) {
    Frame frame = inbox.poll();
    if (frame == null) {
      return -1;
    }
    target.clear().put(frame.bytes).flip();
    return frame.rank;
  }

  @Override
  public boolean isFlushed() {
    return pairs.values().stream().allMatch(Pair::isFlushed);
  }

  @Override
  public long pollNanos() {
    return Long.MAX_VALUE;
  }

  @Override
  public void close() {
    closed = true;
    lifeline.forget(onDeath);
    pairs.values().forEach(Pair::close);
    inbox.clear();
  }

  /**
   * How the ends find each other: each listens for those of a higher rank, tells where, and calls
   * those of a lower one. When all have come nothing listens any more.
   */
  private static final class SetUp implements Gate.Host, AutoCloseable {
    private final MpjRuntime runtime;
    private final Membership membership;
    private final Group group;
    private final MpjMessenger messenger;
    private final List<Integer> lower = new ArrayList<>();
    private final Map<Integer, Visit> higher = new LinkedHashMap<>();
    private final @Nullable Gate gate;

    SetUp(MpjRuntime runtime, Group group, MpjMessenger messenger, List<Integer> ends) {
      this.runtime = runtime;
      this.membership = runtime.membership();
      this.group = group;
      this.messenger = messenger;
      if (ends.contains(group.rank())) {
        for (int end : ends) {
          if (end < group.rank()) {
            lower.add(end);
          } else if (end > group.rank()) {
            higher.put(group.worldRank(end), new Visit());
          }
        }
      }
      gate = higher.isEmpty() ? null : listen();
    }

    private Gate listen() {
      try {
        return new Gate(
            membership.reactor(),
            new InetSocketAddress(membership.address(), 0),
            membership.token(),
            this);
      } catch (IOException e) {
        throw new MpilockException(
            runtime.name(runtime.self()) + " cannot listen at " + membership.address() + ".", e);
      }
    }

    /** Where this end listens; nothing if it does not. */
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
          ? "Rank " + runtime.self() + " does not expect this call of rank " + hello.rank() + "."
          : null;
    }

    @Override
    public void arrived(Hello hello, Wire wire) {
      Visit visit = higher.get(hello.rank());
      wire.release();
      if (visit != null) {
        // Once more through the reactor, which then has let go of the connection.
        membership.reactor().execute(() -> visit.come(hello.purpose(), wire.channel()));
      }
    }

    /** Opens all worlds, each on its own thread, or two ends could wait for a third. */
    void connect(byte[][] places) {
      Map<Integer, CompletableFuture<Pair>> opening = new LinkedHashMap<>();
      long deadline = System.nanoTime() + runtime.timeout().toNanos();
      for (int rank : lower) {
        opening.put(rank, start(rank, () -> call(places[rank]), 1, deadline));
      }
      higher.forEach((worldRank, visit) -> {
        int rank = group.placeOf(worldRank);
        opening.put(rank, start(rank, () -> visit.await(deadline), 0, deadline));
      });
      opening.forEach((rank, pair) -> messenger.pairs.put(rank, await(rank, pair)));
    }

    /** Two connections, as this end sees them. */
    private record Channels(SocketChannel in, SocketChannel out) {}

    private interface Opening {
      Channels open() throws IOException;
    }

    private CompletableFuture<Pair> start(int rank, Opening opening, int side, long deadline) {
      CompletableFuture<Pair> pair = new CompletableFuture<>();
      String name = "mpilock-mpj-" + runtime.self() + "-" + group.worldRank(rank);
      Thread.ofPlatform()
          .daemon()
          .name(name)
          .start(() -> {
            try {
              Channels channels = opening.open();
              MpjWorld world = runtime.library().newWorld();
              world.open(side, channels.in, channels.out, deadline);
              pair.complete(new Pair(name, world, bytes -> messenger.deliver(rank, bytes)));
            } catch (Throwable e) {
              pair.completeExceptionally(e);
            }
          });
      return pair;
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

    private Pair await(int rank, CompletableFuture<Pair> pair) {
      int worldRank = group.worldRank(rank);
      boolean interrupted = false;
      try {
        while (true) {
          try {
            return pair.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
          } catch (TimeoutException e) {
            failIfDead(rank); // all else ends by itself
          } catch (InterruptedException e) {
            interrupted = true;
          } catch (ExecutionException e) {
            failIfDead(rank);
            throw new MpilockException(
                runtime.name(runtime.self())
                    + " could not connect to "
                    + runtime.name(worldRank)
                    + " for messages between nodes. Look for a firewall between the two.",
                e.getCause());
          }
        }
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }

    private void failIfDead(int rank) {
      int worldRank = group.worldRank(rank);
      if (!runtime.isAlive(worldRank)) {
        throw new RankFailedException(
            rank,
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
        return Waiting.uninterrupted(
            channel(purpose), Duration.ofNanos(deadline - System.nanoTime()));
      }

      private CompletableFuture<SocketChannel> channel(Purpose purpose) {
        return Objects.requireNonNull(channels.get(purpose));
      }
    }
  }
}
