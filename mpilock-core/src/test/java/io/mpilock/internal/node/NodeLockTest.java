/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.Simulation;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.internal.window.Waiter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules of the lock among ranks, each over many interleavings of one scene. */
@Timeout(60)
class NodeLockTest {
  private static final int SEEDS = 300;

  /** A scene: one lock, its ranks, and what was granted in which order. */
  private static final class Scene {
    final Simulation simulation;
    final List<NodeLock> locks = new ArrayList<>();
    final List<RankContext> nodes = new ArrayList<>();
    final List<String> granted = new ArrayList<>();
    final long lockLine;

    Scene(long seed, int ranks, boolean phaseFair, int handoverLimit) {
      lockLine = Layout.directory(ranks, ranks) + Layout.LINE;
      int words = (int) lockLine + Layout.LINE + ranks * Layout.RANK_WORDS;
      simulation = new Simulation(seed, ranks, words, false);
      for (int rank = 0; rank < ranks; rank++) {
        nodes.add(simulation.node(rank, Simulation.settings(phaseFair, handoverLimit, false)));
        locks.add(new NodeLock(nodes.get(rank), lockLine, rank));
        simulation.word(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
      }
    }

    void sequence(int newest) {
      simulation.word(lockLine + Layout.STATE, (long) newest << 32);
    }

    long state() {
      return simulation.word(lockLine + Layout.STATE);
    }

    long word(int rank, int word) {
      return simulation.word(locks.get(rank).line(rank) + word);
    }

    void request(int rank, int sequence, int phase) {
      simulation.word(
          locks.get(rank).line(rank) + Layout.REQUEST, LockWords.request(sequence, phase));
    }

    boolean asks(int rank) {
      return LockWords.phase(word(rank, Layout.REQUEST)) == LockWords.WAITING;
    }

    boolean waits(int rank, int readers) {
      return word(rank, Layout.WAITING_READERS) == readers;
    }

    void actor(int rank, String name, Simulation.Body body) {
      simulation.actor(rank, name, body);
    }

    /** Asks for the write once the first gate opens, and ends it once the second does. */
    void writer(String name, int rank, BooleanSupplier asks, BooleanSupplier ends) {
      actor(
          rank,
          name,
          () -> {
            simulation.awaitGate(asks);
            NodeLock lock = locks.get(rank);
            assertThat(
                    lock.tryOwn()
                        || lock.awaitOwnership(new ThreadId(Thread.currentThread()), waiter(rank)))
                .isTrue();
            assertThat(lock.isUnread() || lock.awaitNoReaders(waiter(rank))).isTrue();
            granted.add(name);
            simulation.awaitGate(ends);
            lock.releaseOwnership();
          });
    }

    void reader(String name, int rank, BooleanSupplier asks, BooleanSupplier ends) {
      actor(
          rank,
          name,
          () -> {
            simulation.awaitGate(asks);
            NodeLock lock = locks.get(rank);
            assertThat(lock.tryRead() || lock.awaitRead(waiter(rank))).isTrue();
            granted.add(name);
            simulation.awaitGate(ends);
            lock.releaseRead();
          });
    }

    BooleanSupplier isGranted(String name) {
      return () -> granted.contains(name);
    }

    Waiter waiter(int rank) {
      Waiter.Watch watch =
          new Waiter.Watch() {
            @Override
            public void check() {}

            @Override
            public String describe(long waitedNanos) {
              return "";
            }
          };
      return new Waiter(nodes.get(rank), "r", 0, Waiter.FOREVER, watch);
    }
  }

  private static boolean atOnce() {
    return true;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 0x7FFFFFFD, -3, -1})
  void writersAreGrantedInTheOrderInWhichTheirRanksAskedAlsoWhenTheSequenceWrapsAround(int sequence)
      throws Exception {
    for (long seed = 0; seed < SEEDS; seed++) {
      Scene scene = new Scene(seed, 4, false, 0);
      scene.sequence(sequence);
      scene.writer("holder", 0, NodeLockTest::atOnce, () -> scene.asks(2));
      scene.writer("first", 3, scene.isGranted("holder"), NodeLockTest::atOnce);
      scene.writer("second", 1, () -> scene.asks(3), NodeLockTest::atOnce);
      scene.writer("third", 2, () -> scene.asks(1), NodeLockTest::atOnce);
      scene.simulation.run();
      assertThat(scene.granted).containsExactly("holder", "first", "second", "third");
      assertThat(LockWords.sequence(scene.state())).isEqualTo(sequence + 4);
    }
  }

  @Test
  void noReadIsGrantedWhileAWriteIsHeldOrRequested() throws Exception {
    for (long seed = 0; seed < SEEDS; seed++) {
      Scene scene = new Scene(seed, 3, false, 0);
      scene.writer(
          "holder",
          0,
          NodeLockTest::atOnce,
          () -> scene.asks(1) && scene.waits(2, 1) && scene.granted.contains("refused"));
      scene.writer("writer", 1, scene.isGranted("holder"), NodeLockTest::atOnce);
      scene.reader("reader", 2, () -> scene.asks(1), NodeLockTest::atOnce);
      scene.actor(
          0,
          "trier",
          () -> {
            scene.simulation.awaitGate(() -> scene.asks(1));
            assertThat(scene.locks.get(0).tryRead()).isFalse();
            assertThat(scene.locks.get(0).optimisticStamp()).isEqualTo(-1);
            scene.granted.add("refused");
          });
      scene.simulation.run();
      assertThat(scene.granted).containsExactly("holder", "refused", "writer", "reader");
    }
  }

  @Test
  void aReadIsNotGrantedWhileAWriterWaitsForReaders() throws Exception {
    for (long seed = 0; seed < SEEDS; seed++) {
      Scene scene = new Scene(seed, 3, false, 0);
      scene.reader("early", 0, NodeLockTest::atOnce, () -> scene.waits(2, 1));
      scene.writer("writer", 1, scene.isGranted("early"), NodeLockTest::atOnce);
      scene.reader("late", 2, () -> LockWords.owner(scene.state()) == 2, NodeLockTest::atOnce);
      scene.simulation.run();
      assertThat(scene.granted).containsExactly("early", "writer", "late");
    }
  }

  @Test
  void phaseFairLetsWaitingReadersInAsOneBatchAndAReaderWaitsForOneWrite() throws Exception {
    for (long seed = 0; seed < SEEDS; seed++) {
      Scene scene = new Scene(seed, 4, true, 0);
      scene.writer(
          "write 1",
          0,
          NodeLockTest::atOnce,
          () -> scene.asks(1) && waiting(scene, 2) == 2 && waiting(scene, 3) == 1);
      scene.writer("write 2", 1, scene.isGranted("write 1"), () -> scene.asks(0));
      BooleanSupplier batchIsIn = () -> LockWords.owner(scene.state()) == 2;
      BooleanSupplier lateWaits = () -> batchIsIn.getAsBoolean() && waiting(scene, 3) == 1;
      for (int rank : new int[] {2, 2, 3}) {
        scene.reader("batch", rank, () -> scene.asks(1), lateWaits);
      }
      scene.reader("late", 3, batchIsIn, NodeLockTest::atOnce);
      scene.writer("write 3", 0, scene.isGranted("write 2"), NodeLockTest::atOnce);
      scene.simulation.run();
      assertThat(scene.granted)
          .containsExactly("write 1", "batch", "batch", "batch", "write 2", "late", "write 3");
    }
  }

  private static long waiting(Scene scene, int rank) {
    return LockWords.waiting(scene.word(rank, Layout.READS));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aRequestThatGivesUpLeavesNoTrace(boolean phaseFair) throws Exception {
    for (long seed = 0; seed < SEEDS; seed++) {
      Scene scene = new Scene(seed, 3, phaseFair, 0);
      scene.writer("holder", 0, NodeLockTest::atOnce, scene.isGranted("reader and writer gave up"));
      scene.actor(
          1,
          "impatient writer",
          () -> {
            scene.simulation.awaitGate(scene.isGranted("holder"));
            Thread.currentThread().interrupt();
            assertThat(
                    scene
                        .locks
                        .get(1)
                        .awaitOwnership(new ThreadId(Thread.currentThread()), scene.waiter(1)))
                .isFalse();
            scene.granted.add("gave up");
          });
      scene.actor(
          2,
          "impatient reader",
          () -> {
            scene.simulation.awaitGate(scene.isGranted("gave up"));
            Thread.currentThread().interrupt();
            assertThat(scene.locks.get(2).awaitRead(scene.waiter(2))).isFalse();
            assertThat(scene.state())
                .isEqualTo(2 * LockWords.ONE_SEQUENCE + LockWords.ONE_PENDING + 1);
            for (int rank = 0; rank < 3; rank++) {
              assertThat(scene.word(rank, Layout.REQUEST)).isZero();
              assertThat(scene.word(rank, Layout.READS)).isZero();
              assertThat(scene.word(rank, Layout.WAITING_READERS)).isZero();
            }
            scene.granted.add("reader and writer gave up");
          });
      scene.simulation.run();
      assertThat(LockWords.isFree(scene.state())).isTrue();
    }
  }

  @Test
  void aWriterThatGivesUpWaitingForReadersLetsOthersIn() throws Exception {
    for (long seed = 0; seed < SEEDS; seed++) {
      Scene scene = new Scene(seed, 3, false, 0);
      scene.reader("early", 0, NodeLockTest::atOnce, scene.isGranted("late"));
      scene.actor(
          1,
          "impatient writer",
          () -> {
            scene.simulation.awaitGate(scene.isGranted("early"));
            NodeLock lock = scene.locks.get(1);
            assertThat(lock.tryOwn()).isTrue();
            scene.simulation.awaitGate(() -> scene.waits(2, 1));
            Thread.currentThread().interrupt();
            assertThat(lock.awaitNoReaders(scene.waiter(1))).isFalse();
            assertThat(scene.word(0, Layout.READS) & LockWords.DRAINING).isZero();
          });
      scene.reader("late", 2, () -> LockWords.owner(scene.state()) == 2, NodeLockTest::atOnce);
      scene.simulation.run();
      assertThat(scene.granted).containsExactly("early", "late");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void threadsOfARankPassTheWriteOnAtMostHandoverLimitTimes(int limit) throws Exception {
    for (long seed = 0; seed < SEEDS; seed++) {
      Scene scene = new Scene(seed, 2, false, limit);
      scene.writer("mine 0", 0, NodeLockTest::atOnce, () -> scene.asks(0) && scene.asks(1));
      scene.writer("theirs", 1, scene.isGranted("mine 0"), NodeLockTest::atOnce);
      for (int i = 1; i <= 3; i++) { // one request of the rank at a time, as RankLock sees to
        boolean last = i == 3;
        scene.writer(
            "mine " + i,
            0,
            i == 1 ? () -> scene.asks(1) : scene.isGranted("mine " + (i - 1)),
            () -> last || scene.asks(0));
      }
      scene.simulation.run();
      List<String> expected = new ArrayList<>(List.of("mine 0", "mine 1", "mine 2", "mine 3"));
      expected.add(limit + 1, "theirs");
      assertThat(scene.granted).containsExactlyElementsOf(expected);
    }
  }

  @Test
  void aRankThatDiedBeforeItCouldWritePoisonsNothing() throws Exception {
    for (long seed = 0; seed < 10 * SEEDS; seed++) {
      Scene scene = new Scene(seed, 3, false, 0);
      // Rank 2 asked and found the lock free. It died when it had claimed the earlier request of
      // rank 0, and before it made rank 0 the owner.
      scene.request(0, 1, LockWords.CLAIMED);
      scene.request(2, 2, LockWords.WAITING);
      scene.request(1, 3, LockWords.WAITING);
      scene.simulation.word(
          scene.lockLine + Layout.STATE, 3 * (LockWords.ONE_SEQUENCE + LockWords.ONE_PENDING) + 3);
      scene.simulation.word(Layout.slot(2) + Layout.LIFE, RankContext.DEAD);
      scene.actor(1, "recovery", () -> scene.locks.get(1).recover());
      for (int rank : new int[] {0, 1}) {
        scene.actor(
            rank,
            "writer " + rank,
            () -> {
              NodeLock lock = scene.locks.get(rank);
              while (!lock.finishClaim()) {
                lock.recover();
              }
              lock.releaseOwnership();
            });
      }
      scene.simulation.run();
      assertThat(LockWords.isFree(scene.state())).isTrue();
      for (int rank = 0; rank < 3; rank++) {
        assertThat(scene.word(rank, Layout.REQUEST)).isZero();
      }
    }
  }

  @Test
  void theFastPathRefusesWhileAnybodyHoldsOrAsks() throws Exception {
    Scene scene = new Scene(1, 3, false, 0);
    assertThat(scene.locks.get(0).tryOwn()).isTrue();
    assertThat(scene.locks.get(0).tryOwn()).isFalse();
    assertThat(scene.locks.get(1).tryOwn()).isFalse();
    assertThat(scene.locks.get(1).tryRead()).isFalse();
    scene.locks.get(0).releaseOwnership();
    scene.simulation.word(scene.lockLine + Layout.STATE, scene.state() + LockWords.ONE_PENDING);
    assertThat(scene.locks.get(1).tryOwn()).isFalse(); // requested, though nobody owns
    assertThat(scene.locks.get(1).tryRead()).isFalse();
    scene.simulation.word(scene.lockLine + Layout.STATE, scene.state() - LockWords.ONE_PENDING);
    assertThat(scene.locks.get(1).tryOwn()).isTrue();
  }
}
