/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * What every {@link Communicator} and {@link NodeWindow} must do, on one node. The bodies are
 * collective: each rank runs them, so a subclass says how.
 */
@TestMethodOrder(MethodOrderer.MethodName.class)
public abstract class NodeWindowContract {

  /** For subclasses. */
  protected NodeWindowContract() {}

  /** What each rank does. */
  @FunctionalInterface
  protected interface RankBody {

    /**
     * Does it.
     *
     * @param world the communicator of all ranks; the runner closes it
     * @throws Exception if the test fails
     */
    void run(Communicator world) throws Exception;
  }

  /**
   * Runs a body on each rank: either as threads of this process, or as the one rank that this
   * process is.
   *
   * @param body what each rank does
   * @throws Exception what a body threw
   */
  protected abstract void onEachRank(RankBody body) throws Exception;

  @Test
  void wordsAreZeroAtFirstAndSeenByAllRanks() throws Exception {
    onEachRank(world -> {
      int size = world.size();
      try (Communicator barrier = world.duplicate()) {
        NodeWindow window = barrier.allocate(64);
        assertThat(window.words()).isEqualTo(64L * size);
        // Not word 0: a faster rank may be at the meeting already, which counts there.
        for (long i = 1; i < window.words(); i++) {
          assertThat(window.get(i)).isZero();
        }
        meet(window, size);
        window.set(63L * size + world.rank(), 1000 + world.rank());
        meet(window, size);
        for (int rank = 0; rank < size; rank++) {
          assertThat(window.get(63L * size + rank)).isEqualTo(1000 + rank);
        }
        meet(window, size);
        window.free();
      }
    });
  }

  @Test
  void onlyTheStartOfALargeWindowIsPromisedToBeZero() throws Exception {
    onEachRank(world -> {
      NodeWindow window = world.allocate(4 * Communicator.ZEROED_WORDS);
      for (long i = 0; i < Communicator.ZEROED_WORDS; i++) {
        assertThat(window.get(i)).isZero();
      }
      window.free();
    });
  }

  @Test
  void noAdditionIsLost() throws Exception {
    onEachRank(world -> {
      NodeWindow window = world.allocate(32);
      int rounds = 100_000;
      for (int i = 0; i < rounds; i++) {
        window.getAndAdd(16, 1);
      }
      meet(window, world.size());
      assertThat(window.get(16)).isEqualTo((long) rounds * world.size());
      meet(window, world.size());
      window.free();
    });
  }

  @Test
  void compareAndSetLetsOneInAtATime() throws Exception {
    onEachRank(world -> {
      NodeWindow window = world.allocate(64);
      int rounds = 2_000;
      for (int i = 0; i < rounds; i++) {
        while (!window.compareAndSet(16, 0, world.rank() + 1)) {
          giveWay();
        }
        // Not atomic on purpose: only exclusion keeps it right.
        window.setRelease(32, window.get(32) + 1);
        window.set(16, 0);
      }
      meet(window, world.size());
      assertThat(window.get(32)).isEqualTo((long) rounds * world.size());
      assertThat(window.compareAndSet(16, 5, 6)).isFalse();
      meet(window, world.size());
      window.free();
    });
  }

  @Test
  void bytesArriveWithTheWordThatAnnouncesThem() throws Exception {
    onEachRank(world -> {
      NodeWindow window = world.allocate(1024);
      byte[] sent = new byte[4099];
      for (int i = 0; i < sent.length; i++) {
        sent[i] = (byte) (i * 31);
      }
      if (world.rank() == 0) {
        window.putBytes(64, sent, 0, 4000);
        window.setRelease(16, 1);
      } else {
        awaitWord(window, 16, 1);
      }
      byte[] got = new byte[4099];
      window.getBytes(64, got, 3, 4000);
      for (int i = 0; i < 4000; i++) {
        assertThat(got[i + 3]).isEqualTo(sent[i]);
      }
      meet(window, world.size());
      window.free();
    });
  }

  @Test
  void aSleeperWakesWhenAnotherRankChangesTheWord() throws Exception {
    onEachRank(world -> {
      NodeWindow window = world.allocate(64);
      int rounds = 200;
      for (int i = 0; i < rounds; i++) {
        int turn = i % world.size();
        if (turn == world.rank()) {
          window.set(16, i + 1);
          window.wake(16);
        } else {
          while (window.get(16) <= i) {
            window.sleepWhile(16, i, 10_000_000_000L);
          }
        }
      }
      assertThat(window.get(16)).isGreaterThanOrEqualTo(rounds);
      meet(window, world.size());
      window.free();
    });
  }

  @Test
  void sleepingLooksAtTheLowHalfOfTheWord() throws Exception {
    onEachRank(world -> {
      NodeWindow window = world.allocate(64);
      meet(window, world.size());
      long index = 16L + world.rank();
      window.set(index, 0x7L << 32 | 0xFFFF_FFFFL);
      // Another value: returns at once, or this test never ends.
      window.sleepWhile(index, 0, Long.MAX_VALUE);
      // The same value: the time ends it.
      window.sleepWhile(index, -1, 1_000_000);
      meet(window, world.size());
      window.free();
    });
  }

  @Test
  void anInterruptEndsASleepAndStaysSet() throws Exception {
    onEachRank(world -> {
      NodeWindow window = world.allocate(64);
      for (Thread.Builder builder : List.of(Thread.ofPlatform(), Thread.ofVirtual())) {
        boolean[] status = new boolean[1];
        Thread sleeper =
            builder.start(() -> {
              while (!Thread.currentThread().isInterrupted()) {
                window.sleepWhile(16, 0, Long.MAX_VALUE);
              }
              status[0] = Thread.currentThread().isInterrupted();
            });
        sleeper.interrupt();
        sleeper.join();
        assertThat(status[0]).isTrue();
      }
      meet(window, world.size());
      window.free();
    });
  }

  @Test
  void accessAfterFreeThrowsAndFreeIsIdempotent() throws Exception {
    onEachRank(world -> {
      for (int i = 0; i < 2; i++) { // the second one is the first, used again
        NodeWindow window = world.allocate(64);
        window.free();
        window.free();
        assertThatThrownBy(() -> window.get(0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> window.set(0, 1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> window.getAndAdd(0, 1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> window.compareAndSet(0, 0, 1))
            .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> window.wake(0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> window.sleepWhile(0, 0, 1))
            .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> window.getBytes(0, new byte[8], 0, 8))
            .isInstanceOf(IllegalStateException.class);
      }
    });
  }

  @Test
  void aSleeperNoticesThatTheWindowIsFreed() throws Exception {
    onEachRank(world -> {
      NodeWindow window = world.allocate(64);
      List<Throwable> thrown = Collections.synchronizedList(new ArrayList<>());
      Thread sleeper =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  window.set(16 + world.rank(), 1);
                  while (true) {
                    window.sleepWhile(32, 0, Long.MAX_VALUE);
                  }
                } catch (IllegalStateException e) {
                  thrown.add(e);
                }
              });
      awaitWord(window, 16 + world.rank(), 1);
      window.free();
      sleeper.join();
      assertThat(thrown).hasSize(1);
    });
  }

  @Test
  void noAccessOutOfBounds() throws Exception {
    onEachRank(world -> {
      NodeWindow window = world.allocate(64);
      for (long index : new long[] {-1, window.words(), Long.MIN_VALUE, 1L << 61}) {
        assertThatThrownBy(() -> window.get(index)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> window.set(index, 1))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> window.wake(index)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> window.sleepWhile(index, 0, 1))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
      byte[] bytes = new byte[16];
      assertThatThrownBy(() -> window.putBytes(window.words() - 1, bytes, 0, 16))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> window.getBytes(0, bytes, 8, 16))
          .isInstanceOf(IndexOutOfBoundsException.class);
      window.free();
    });
  }

  @Test
  void aWindowNeedsWords() throws Exception {
    onEachRank(world -> {
      assertThatThrownBy(() -> world.allocate(0)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> world.allocate(-1)).isInstanceOf(IllegalArgumentException.class);
    });
  }

  @Test
  void windowsFreedInDifferentOrdersDoNotBlockAnybody() throws Exception {
    onEachRank(world -> {
      List<NodeWindow> windows =
          new ArrayList<>(IntStream.range(0, 4).mapToObj(i -> world.allocate(64)).toList());
      for (int i = 0; i < windows.size(); i++) {
        windows.get(i).set(32 + world.rank(), i);
      }
      Collections.rotate(windows, world.rank());
      windows.forEach(window -> window.free());
    });
  }

  @Test
  void splitPartsByColorAndOrdersByKey() throws Exception {
    onEachRank(world -> {
      int rank = world.rank();
      int last = world.size() - 1;
      try (Communicator reversed = world.split(0, last - rank);
          Communicator halves = world.split(rank % 2, rank)) {
        assertThat(reversed.rank()).isEqualTo(last - rank);
        assertThat(reversed.size()).isEqualTo(world.size());
        assertThat(reversed.member(0).pid()).isEqualTo(world.member(last).pid());
        assertThat(halves.rank()).isEqualTo(rank / 2);
        assertThat(halves.size()).isEqualTo((world.size() + 1 - rank % 2) / 2);
        NodeWindow window = halves.allocate(64);
        window.getAndAdd(16, rank % 2 + 1);
        meet(window, halves.size());
        assertThat(window.get(16)).isEqualTo((rank % 2 + 1L) * halves.size());
        meet(window, halves.size());
        window.free();
        // The two halves come to the world's next collective call at their own times.
        assertThatThrownBy(() -> world.split(-1, 0)).isInstanceOf(IllegalArgumentException.class);
      }
    });
  }

  @Test
  void membersAreDistinctAndAlive() throws Exception {
    onEachRank(world -> {
      for (int rank = 0; rank < world.size(); rank++) {
        Member member = world.member(rank);
        assertThat(member.rank()).isEqualTo(rank);
        assertThat(member.node()).isZero();
        assertThat(member.host()).isNotBlank();
        assertThat(world.isAlive(rank)).isTrue();
      }
      assertThat(world.member(world.rank()).pid()).isEqualTo(ProcessHandle.current().pid());
      assertThatThrownBy(() -> world.member(world.size()))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> world.isAlive(-1)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThat(world.description()).isNotBlank();
      meetAll(world);
    });
  }

  /** Every rank calls it; it returns when all have. It counts in word 0. */
  private static void meet(NodeWindow window, int size) {
    long generation = window.getAndAdd(0, 1) / size;
    while (window.get(0) < (generation + 1) * size) {
      giveWay();
    }
  }

  private static void meetAll(Communicator communicator) {
    communicator.allocate(16).free();
  }

  private static void awaitWord(NodeWindow window, long index, long value) {
    while (window.get(index) != value) {
      giveWay();
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // there may be more ranks than cores
  private static void giveWay() {
    Thread.yield();
  }
}
