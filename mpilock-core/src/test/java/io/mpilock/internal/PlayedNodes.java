/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.job.Message;
import io.mpilock.internal.job.Message.MalformedException;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.local.LocalCluster;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One real node in a job whose other nodes are played by the test: it sends and sees each frame. So
 * what a node says to the others is known message by message, and they can say what no real one
 * would.
 */
public final class PlayedNodes implements AutoCloseable {
  /** How long anything may take; mutation tests, which make much of it never end, allow less. */
  static final long SECONDS = Long.getLong("mpilock.testing.seconds", 30);

  /** A part of a single write's stream; its bytes as ISO-8859-1 text. */
  public record Part(long call, long number, int writersNode, int kind, String text) {}

  /** What a played node receives: a message or a part of a stream. */
  private record Frame(int from, @Nullable Message message, @Nullable Part part) {}

  private final LocalCluster cluster;
  private final Map<Integer, Messenger> messengers = new HashMap<>();
  private final Map<Integer, Deque<Frame>> arrived = new HashMap<>();
  private final Map<Integer, ControllerCore> cores = new HashMap<>();
  private final Map<Integer, CompletableFuture<ControllerCore>> opening = new HashMap<>();

  /** Opens a real controller on each rank of a node; for each rank of the job, its node. */
  public PlayedNodes(CoreSettings settings, int realNode, int... nodeOfRank) throws Exception {
    this(settings, UnaryOperator.identity(), realNode, nodeOfRank);
  }

  /** As that, over communicators that the test may put its hand before. */
  public PlayedNodes(
      CoreSettings settings, UnaryOperator<Communicator> before, int realNode, int... nodeOfRank)
      throws Exception {
    cluster = LocalCluster.of(nodeOfRank);
    List<CompletableFuture<?>> played = new ArrayList<>();
    Map<Integer, AtomicReference<Messenger>> made = new HashMap<>();
    for (int rank = 0; rank < nodeOfRank.length; rank++) {
      Communicator world = cluster.world(rank);
      if (nodeOfRank[rank] == realNode) {
        opening.put(rank, start(() -> ControllerCore.open(before.apply(world), settings)));
      } else {
        AtomicReference<Messenger> messenger = new AtomicReference<>();
        made.put(rank, messenger);
        played.add(
            start(() -> {
              world.allocate(16);
              messenger.set(world.messenger(() -> {}));
              return true;
            }));
      }
    }
    for (CompletableFuture<?> each : played) {
      get(each);
    }
    made.forEach((rank, messenger) -> messengers.put(rank, messenger.get()));
    made.keySet().forEach(rank -> arrived.put(rank, new ArrayDeque<>()));
  }

  public static CoreSettings settings(int master, Duration heartbeatTimeout) {
    return new CoreSettings(
        master,
        false,
        Set.of(),
        0,
        false,
        true,
        Duration.ofDays(1),
        Duration.ofSeconds(SECONDS),
        heartbeatTimeout,
        256 * 1024,
        (value, out) -> out.write((byte[]) Objects.requireNonNull(value)),
        in -> in.readAllBytes(),
        (resource, report) -> {});
  }

  /** Does something on a thread of its own, as a rank does. */
  public static <T> CompletableFuture<T> start(Callable<T> task) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .name("rank")
        .start(() -> {
          try {
            result.complete(task.call());
          } catch (Throwable e) {
            result.completeExceptionally(e);
          }
        });
    return result;
  }

  public static <T> T get(CompletableFuture<T> future) throws Exception {
    try {
      return future.get(SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw e;
    }
  }

  /** Plays the greeting: each played node's first rank says hello as the real one did. */
  public void greet() throws Exception {
    Map<Integer, Integer> leaders = new HashMap<>();
    for (int rank = cluster.size() - 1; rank >= 0; rank--) {
      if (messengers.containsKey(rank)) {
        leaders.put(cluster.world(rank).member(rank).node(), rank);
      }
    }
    for (int leader : leaders.values()) {
      send(leader, next(leader, Message.Hello.class));
    }
    for (int rank : opening.keySet()) {
      core(rank);
    }
  }

  public ControllerCore core(int rank) throws Exception {
    ControllerCore known = cores.get(rank);
    if (known == null) {
      known = get(Objects.requireNonNull(opening.get(rank)));
      cores.put(rank, known);
    }
    return known;
  }

  public LocalCluster cluster() {
    return cluster;
  }

  private int realLeader() {
    return opening.keySet().stream().min(Integer::compare).orElseThrow();
  }

  // What played nodes send.

  public void send(int from, Message message) {
    ByteBuffer frame = ByteBuffer.allocate(Messenger.FRAME_BYTES);
    message.encode(frame);
    send(from, frame);
  }

  public void send(int from, ByteBuffer frame) {
    messenger(from).send(realLeader(), frame);
  }

  public void send(int from, Part part) {
    send(from, frame(part, part.text().length()));
  }

  public static ByteBuffer frame(Part part, int length) {
    return ByteBuffer.allocate(26 + part.text().length())
        .put(Message.STREAM)
        .putLong(part.call())
        .putLong(part.number())
        .putInt(part.writersNode())
        .put((byte) part.kind())
        .putInt(length)
        .put(part.text().getBytes(StandardCharsets.ISO_8859_1))
        .flip();
  }

  private Messenger messenger(int rank) {
    return Objects.requireNonNull(messengers.get(rank));
  }

  // What they receive.

  /** The next message of this type; heartbeats and others that come before it are passed over. */
  public <M extends Message> M next(int rank, Class<M> type) throws Exception {
    Frame frame = await(rank, any -> type.isInstance(any.message()), type.getSimpleName());
    return type.cast(Objects.requireNonNull(frame.message()));
  }

  public Part nextPart(int rank) throws Exception {
    return Objects.requireNonNull(await(rank, frame -> frame.part() != null, "a part").part());
  }

  private Frame await(int rank, Predicate<Frame> wanted, String what) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    List<Frame> passed = new ArrayList<>();
    while (System.nanoTime() < end) {
      receive(rank);
      Deque<Frame> frames = frames(rank);
      while (!frames.isEmpty()) {
        Frame frame = frames.remove();
        if (wanted.test(frame)) {
          return frame;
        }
        passed.add(frame);
      }
      TimeUnit.MICROSECONDS.sleep(200);
    }
    throw new TimeoutException("rank " + rank + " waited for " + what + ", and got " + passed);
  }

  /** What has arrived by now and is not yet looked at, but for heartbeats. */
  public List<Object> all(int rank) throws MalformedException {
    receive(rank);
    List<Object> all = new ArrayList<>();
    for (Frame frame : frames(rank)) {
      Object content = frame.message() == null ? frame.part() : frame.message();
      if (content != null && !(content instanceof Message.Heartbeat)) {
        all.add(content);
      }
    }
    frames(rank).clear();
    return all;
  }

  private Deque<Frame> frames(int rank) {
    return Objects.requireNonNull(arrived.get(rank));
  }

  private void receive(int rank) throws MalformedException {
    ByteBuffer frame = ByteBuffer.allocate(Messenger.FRAME_BYTES);
    int from;
    while ((from = messenger(rank).receive(frame)) >= 0) {
      if (frame.get(0) != Message.STREAM) {
        frames(rank).add(new Frame(from, Message.decode(frame), null));
        continue;
      }
      frame.get();
      long call = frame.getLong();
      long number = frame.getLong();
      int writersNode = frame.getInt();
      int kind = frame.get();
      byte[] bytes = new byte[frame.getInt()];
      assertThat(frame.remaining()).isEqualTo(bytes.length);
      frame.get(bytes);
      String text = new String(bytes, StandardCharsets.ISO_8859_1);
      Part part = new Part(call, number, writersNode, kind, text);
      frames(rank).add(new Frame(from, null, part));
    }
  }

  /**
   * Waits until the real node has dealt with all that was sent to it: it answers a question of a
   * resource that nobody named.
   */
  public void settle(int rank) throws Exception {
    long number = System.nanoTime();
    send(rank, new Message.Query(number, "nobody named this"));
    Deque<Frame> before = new ArrayDeque<>();
    Frame frame;
    do {
      frame = await(rank, any -> true, "an answer");
      before.add(frame);
    } while (!(frame.message() instanceof Message.Answer answer && answer.query() == number));
    before.removeLast();
    before.addAll(frames(rank));
    frames(rank).clear();
    frames(rank).addAll(before);
  }

  @Override
  public void close() {
    for (CompletableFuture<ControllerCore> each : opening.values()) {
      var _ = each.thenAccept(ControllerCore::abandon);
      each.cancel(true);
    }
    for (int rank = 0; rank < cluster.size(); rank++) {
      cluster.kill(rank);
    }
  }
}
