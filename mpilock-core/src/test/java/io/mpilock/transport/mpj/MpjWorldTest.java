/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import static io.mpilock.transport.mpj.JobInOneJvm.rank;
import static io.mpilock.transport.mpj.JobInOneJvm.settings;
import static io.mpilock.transport.mpj.JobInOneJvm.start;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.testing.FreePorts;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.MpjSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** MPJ Express behind our own connections, and what strangers can do to it: nothing. */
@Timeout(180)
class MpjWorldTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  /** Whoever connects to a port of niodev's as the first would else be its peer. */
  @Test
  void strangersAtEveryPortDoNotKeepFramesFromArriving() throws Exception {
    Set<Ports.Port> before = Ports.listening();
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger visits = new AtomicInteger();
    CompletableFuture<Integer> stranger =
        JobInOneJvm.supply("stranger", () -> visitAll(before, over, visits));
    for (int round = 0; round < 8; round++) {
      int port = FreePorts.one();
      List<CompletableFuture<Communicator>> ranks = new ArrayList<>();
      for (int rank = 0; rank < 3; rank++) {
        ranks.add(start(rank(rank, 3, settings(port, LONG))));
      }
      List<CompletableFuture<Integer>> exchanges = new ArrayList<>();
      for (CompletableFuture<Communicator> rank : ranks) {
        exchanges.add(JobInOneJvm.supply("exchange", () -> exchange(rank.join())));
      }
      for (CompletableFuture<Integer> exchange : exchanges) {
        assertThat(exchange.get()).isEqualTo(2 * 100);
      }
    }
    over.set(true);
    assertThat(stranger.get()).isPositive();
    assertThat(Ports.listening()).isSubsetOf(before);
  }

  /** Sends garbage to, or just opens, every port that appears. */
  private static int visitAll(Set<Ports.Port> before, AtomicBoolean over, AtomicInteger visits) {
    Random random = new Random(7);
    List<Socket> open = new ArrayList<>();
    try {
      while (!over.get()) {
        for (Ports.Port port : Ports.listening()) {
          if (before.contains(port)) {
            continue;
          }
          Socket socket = new Socket();
          open.add(socket);
          try {
            socket.connect(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), port.number()), 1000);
            visits.incrementAndGet();
            if (random.nextInt(3) > 0) {
              byte[] garbage = new byte[1 + random.nextInt(100)];
              random.nextBytes(garbage);
              socket.getOutputStream().write(garbage);
            }
            if (random.nextBoolean()) {
              socket.close();
            }
          } catch (IOException e) {
            // Closed under its feet.
          }
        }
        if (open.size() > 300) {
          closeAll(open);
        }
      }
      closeAll(open);
      return visits.get();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void closeAll(List<Socket> sockets) throws IOException {
    for (Socket socket : sockets) {
      socket.close();
    }
    sockets.clear();
  }

  /** Sends to and takes from both others. */
  private static int exchange(Communicator world) {
    Messenger messenger = world.messenger(() -> {});
    ByteBuffer frame = ByteBuffer.allocate(Messenger.FRAME_BYTES);
    for (int number = 0; number < 100; number++) {
      for (int rank = 0; rank < world.size(); rank++) {
        if (rank != world.rank()) {
          messenger.send(rank, frame.clear().limit(4 + 50 * number).putInt(0, number));
        }
      }
    }
    int received = 0;
    int[] next = new int[world.size()];
    while (received < 100 * (world.size() - 1)) {
      int from = messenger.receive(frame);
      if (from < 0) {
        Thread.onSpinWait();
        continue;
      }
      if (frame.getInt(0) != next[from]++ || frame.limit() != 4 + 50 * frame.getInt(0)) {
        throw new AssertionError("frame " + frame.getInt(0) + " of rank " + from);
      }
      received++;
    }
    messenger.close();
    world.close();
    return received;
  }

  @Test
  void aFrameHasFromOneByteToTheLongest() throws Exception {
    int port = FreePorts.one();
    CompletableFuture<Communicator> zero = start(rank(0, 2, settings(port, LONG)));
    CompletableFuture<Communicator> one = start(rank(1, 2, settings(port, LONG)));
    CompletableFuture<Messenger> theirs =
        JobInOneJvm.supply("messenger", () -> one.join().messenger(() -> {}));
    Messenger messenger = zero.get().messenger(() -> {});
    ByteBuffer longer = ByteBuffer.allocate(Messenger.FRAME_BYTES + 1);
    assertThatThrownBy(() -> messenger.send(1, longer))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> messenger.send(1, ByteBuffer.allocate(0)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> messenger.send(0, ByteBuffer.allocate(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rank 0 sends to rank 0");
    assertThat(messenger.pollNanos()).isEqualTo(Long.MAX_VALUE);
    messenger.close();
    theirs.get().close();
    CompletableFuture<Integer> closing =
        JobInOneJvm.supply(
            "close",
            () -> {
              one.join().close();
              return 0;
            });
    zero.get().close();
    closing.get();
  }

  @Test
  void mpjExpressThatIsNotThereIsNamedWithTheRemedy(@TempDir Path folder) throws Exception {
    Path text = Files.writeString(folder.resolve("mpj.jar"), "not a jar");
    for (Path jar : List.of(folder.resolve("nowhere.jar"), text)) {
      MpjSettings settings = new MpjSettings(jar.toString(), null, null, null, LONG);
      StartupException e =
          catchThrowableOfType(
              StartupException.class,
              () -> MpjLibrary.find(settings, new JobEnvironment(Map.of())));
      assertThat(e.problem()).isEqualTo(Problem.NO_MPJ);
      assertThat(e).hasMessageContaining(jar.toString());
      assertThat(e.remedy()).contains("libmpj-java").contains("mpilock.mpj.jar");
    }
  }

  @Test
  void aJobOfOneRankMeetsNobody() throws Exception {
    Set<Ports.Port> before = Ports.listening();
    try (Communicator alone = start(rank(0, 1, MpjSettings.defaults())).get()) {
      assertThat(alone.size()).isEqualTo(1);
      assertThat(alone.allocate(16).words()).isEqualTo(16);
      assertThat(alone.description()).contains("MPJ Express");
      alone.messenger(() -> {}).close();
      assertThat(Ports.listening()).isSubsetOf(before);
    }
  }
}
