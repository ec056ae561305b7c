/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.local;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.testing.ThreadRanks;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Messenger;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Frames between four ranks on two nodes, and what the network does to them. */
@Timeout(60)
class LocalMessengerTest {
  private final LocalCluster cluster = new LocalCluster(2, 2);
  private final AtomicInteger[] arrivals = new AtomicInteger[4];
  private final Messenger[] ends;

  LocalMessengerTest() throws Exception {
    ends = open(cluster);
  }

  private Messenger[] open(LocalCluster of) throws Exception {
    Messenger[] opened = new Messenger[of.size()];
    ThreadRanks.runBare(
        of,
        world -> {
          AtomicInteger count = new AtomicInteger();
          arrivals[world.rank()] = count;
          opened[world.rank()] = world.messenger(count::incrementAndGet);
        });
    return opened;
  }

  private void send(int from, int to, String text) {
    ends[from].send(to, UTF_8.encode(text));
  }

  /** All that is there for a rank, as {@code sender:text}. */
  private List<String> received(int rank) {
    List<String> all = new ArrayList<>();
    ByteBuffer frame = ByteBuffer.allocate(Messenger.FRAME_BYTES);
    for (int from = ends[rank].receive(frame); from >= 0; from = ends[rank].receive(frame)) {
      all.add(from + ":" + UTF_8.decode(frame));
    }
    return all;
  }

  @Test
  void framesArriveInOrderWithTheirSender() {
    send(0, 2, "a");
    send(3, 2, "b");
    send(0, 2, "c");
    send(0, 1, "d");
    assertThat(received(2)).containsExactly("0:a", "3:b", "0:c");
    assertThat(received(1)).containsExactly("0:d");
    assertThat(received(0)).isEmpty();
    assertThat(arrivals[2]).hasValue(3);
    assertThat(ends[0].isFlushed()).isTrue();
    assertThat(ends[0].pollNanos()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void aFrameIsCopiedFromPositionToLimit() {
    ByteBuffer frame = ByteBuffer.wrap("abcdef".getBytes(UTF_8), 2, 3);
    ends[0].send(1, frame);
    assertThat(frame.position()).isEqualTo(5);
    frame.put(2, (byte) 'x');
    assertThat(received(1)).containsExactly("0:cde");
  }

  @Test
  void theLongestFrameIsCarriedAndNoLongerOne() {
    ends[0].send(3, ByteBuffer.allocate(Messenger.FRAME_BYTES));
    assertThat(ends[3].receive(ByteBuffer.allocate(Messenger.FRAME_BYTES))).isZero();
    for (int bytes : new int[] {0, Messenger.FRAME_BYTES + 1}) {
      assertThatThrownBy(() -> ends[0].send(3, ByteBuffer.allocate(bytes)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void nobodySendsToItselfOrToNoRank() {
    assertThatThrownBy(() -> send(1, 1, "x")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> send(1, 4, "x")).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void messengersAndPartsDoNotMeet() throws Exception {
    send(0, 1, "first");
    Messenger[] second = open(cluster);
    second[0].send(1, UTF_8.encode("second"));
    assertThat(received(1)).containsExactly("0:first");
    Messenger[] reversed = new Messenger[4];
    ThreadRanks.runBare(
        cluster,
        world -> {
          Communicator part = world.split(0, -world.rank());
          reversed[part.rank()] = part.messenger(() -> {});
        });
    reversed[3].send(2, UTF_8.encode("third"));
    assertThat(reversed[2].receive(ByteBuffer.allocate(Messenger.FRAME_BYTES))).isEqualTo(3);
    assertThat(received(1)).isEmpty();
  }

  @Test
  void aClosedEndNeitherSendsNorReceives() {
    send(0, 2, "before");
    ends[2].close();
    ends[2].close();
    send(0, 2, "after");
    send(2, 0, "back");
    assertThat(received(2)).isEmpty();
    assertThat(received(0)).isEmpty();
    assertThat(arrivals[2]).hasValue(1);
    assertThat(ends[0].isFlushed()).isTrue();
  }

  @Test
  void aKilledRankIsClosedWhereverItWas() throws Exception {
    send(0, 2, "sent when it lived");
    cluster.kill(0);
    send(0, 2, "x");
    send(2, 0, "y");
    assertThat(received(2)).containsExactly("0:sent when it lived");
    assertThat(received(0)).isEmpty();
    assertThat(arrivals[0]).hasValue(0);
  }

  @Test
  void aCutNodeIsOffTheNetworkAndTalksToItself() {
    cluster.cut(1);
    send(0, 2, "in");
    send(2, 0, "out");
    send(2, 3, "inside");
    send(0, 1, "elsewhere");
    assertThat(received(2)).isEmpty();
    assertThat(received(0)).isEmpty();
    assertThat(received(3)).containsExactly("2:inside");
    assertThat(received(1)).containsExactly("0:elsewhere");
    assertThat(arrivals[0]).hasValue(0);
    assertThat(ends[2].isFlushed()).isTrue();
  }

  @Test
  void aStalledNodesFramesArriveWhenItResumes() {
    cluster.stall(1);
    send(0, 2, "a");
    send(2, 0, "b");
    send(0, 2, "c");
    send(2, 3, "inside");
    assertThat(received(2)).isEmpty();
    assertThat(received(0)).isEmpty();
    assertThat(received(3)).containsExactly("2:inside");
    assertThat(ends[0].isFlushed()).isFalse();
    assertThat(ends[1].isFlushed()).isTrue();
    cluster.resume(1);
    send(0, 2, "d");
    assertThat(received(2)).containsExactly("0:a", "0:c", "0:d");
    assertThat(received(0)).containsExactly("2:b");
    assertThat(arrivals[0]).hasValue(1);
    assertThat(ends[0].isFlushed()).isTrue();
  }

  @Test
  void bothEndsOfALineMustResume() {
    cluster.stall(0);
    cluster.stall(1);
    send(0, 2, "a");
    cluster.resume(1);
    assertThat(received(2)).isEmpty();
    cluster.resume(0);
    assertThat(received(2)).containsExactly("0:a");
  }

  @Test
  void whatIsOnTheWayIsLostWithItsSenderOrTheNetwork() {
    cluster.stall(1);
    send(0, 2, "of the killed");
    send(1, 2, "on the cut line");
    cluster.kill(0);
    cluster.cut(0);
    cluster.resume(1);
    assertThat(received(2)).isEmpty();
    assertThat(ends[1].isFlushed()).isTrue();
  }

  @Test
  void delaysKeepTheOrderOfAPair() throws Exception {
    LocalCluster slow = new LocalCluster(1, 1, 1);
    slow.delay(42, Duration.ofMillis(1));
    LinkedBlockingQueue<Integer> told = new LinkedBlockingQueue<>();
    int frames = 300;
    ThreadRanks.runBare(
        slow,
        world -> {
          Messenger mine = world.messenger(() -> told.add(world.rank()));
          ByteBuffer frame = ByteBuffer.allocate(Messenger.FRAME_BYTES);
          if (world.rank() > 0) {
            for (int i = 0; i < frames; i++) {
              mine.send(0, frame.clear().putInt(i).flip());
            }
          } else {
            int[] next = new int[3];
            for (int i = 0; i < 2 * frames; i++) {
              int from = mine.receive(frame);
              while (from < 0) {
                assertThat(told.take()).isZero(); // by no clock: told of each arrival
                from = mine.receive(frame);
              }
              assertThat(frame.getInt()).isEqualTo(next[from]++);
            }
          }
        });
  }
}
