/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.RankThreads;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.testing.BareCommunicator;
import io.mpilock.transport.Member;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What an operation costs in accesses to the shared words, as a formula in the number of ranks on
 * the node; the table is in docs/architecture.md, "What it costs in ranks and nodes".
 */
class NodeCostTest {

  /** Counts each kind of access. */
  private static final class CountedWindow extends InterleavedWindow {
    private int loads;
    private int stores;
    private int atomics;

    CountedWindow(long words) {
      super(words);
    }

    @Override
    public long get(long index) {
      loads++;
      return super.get(index);
    }

    @Override
    public void set(long index, long value) {
      stores++;
      super.set(index, value);
    }

    @Override
    public void setRelease(long index, long value) {
      stores++;
      super.setRelease(index, value);
    }

    @Override
    public long getAndAdd(long index, long delta) {
      atomics++;
      return super.getAndAdd(index, delta);
    }

    @Override
    public boolean compareAndSet(long index, long expected, long value) {
      atomics++;
      return super.compareAndSet(index, expected, value);
    }

    void assertCost(int loads, int stores, int atomics) {
      assertThat(this.loads).as("loads").isEqualTo(loads);
      assertThat(this.stores).as("stores").isEqualTo(stores);
      assertThat(this.atomics).as("atomics").isEqualTo(atomics);
      forget();
    }

    void forget() {
      loads = 0;
      stores = 0;
      atomics = 0;
    }
  }

  private record Ranks(int rank, int size) implements BareCommunicator {
    @Override
    public Member member(int rank) {
      return new Member(rank, 0, "host", 1);
    }
  }

  /** One rank of a node at a time; nobody waits. */
  private static final class Scene {
    private final int ranks;
    private final long lockLine;
    private final CountedWindow words;

    Scene(int ranks) {
      this.ranks = ranks;
      this.lockLine = Layout.slot(ranks);
      this.words = new CountedWindow(lockLine + Layout.LINE + (long) ranks * Layout.RANK_WORDS);
      for (int rank = 0; rank < ranks; rank++) {
        words.set(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
      }
    }

    RankLock lock(int rank) {
      CoreSettings settings = Simulation.settings(false, 0, false);
      RankContext node =
          new RankContext(
              new Ranks(rank, ranks), words, settings, new RankContext.Pace(0, 0, () -> 0));
      RankLock lock = new RankLock("r", new RankThreads(node), lockLine);
      for (int twice = 0; twice < 2; twice++) { // the thread has its name in the words
        read(lock);
        write(lock);
      }
      words.forget();
      return lock;
    }

    static void read(RankLock lock) {
      assertThat(lock.hold().acquireRead(lock, 0)).isTrue();
      lock.hold().releaseRead(lock);
    }

    static void write(RankLock lock) {
      assertThat(lock.hold().acquireWrite(lock, 0)).isTrue();
      lock.hold().releaseWrite(lock);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8, 40, 128})
  void aReadCostsTheSameHoweverManyRanksThereAre(int ranks) {
    Scene scene = new Scene(ranks);
    RankLock lock = scene.lock(ranks - 1);
    Scene.read(lock);
    scene.words.assertCost(3, 0, 2);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8, 40, 128})
  void aWriteLooksOnceAtEachRanksReaders(int ranks) {
    Scene scene = new Scene(ranks);
    RankLock lock = scene.lock(ranks - 1);
    Scene.write(lock);
    // STATE twice, TOKEN, and whether readers sleep; TOKEN is raised.
    scene.words.assertCost(ranks + 4, 1, 2);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8, 40, 128})
  void anOptimisticReadOnlyLoads(int ranks) {
    Scene scene = new Scene(ranks);
    RankLock lock = scene.lock(ranks - 1);
    assertThat(lock.validate(lock.optimisticStamp())).isTrue();
    scene.words.assertCost(3, 0, 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8, 40, 128})
  void anInnerHoldDoesNotTouchTheWindow(int ranks) {
    Scene scene = new Scene(ranks);
    RankLock lock = scene.lock(0);
    ThreadHold hold = lock.hold();
    assertThat(hold.acquireWrite(lock, 0)).isTrue();
    scene.words.forget();
    Scene.write(lock);
    scene.words.assertCost(0, 0, 0);
    hold.releaseWrite(lock);
  }

  /** The owner looks at all requests; and again at those before the one that it found. */
  @ParameterizedTest
  @ValueSource(ints = {2, 8, 40, 128})
  void aHandOverLooksAtEachRanksRequestAtMostTwice(int ranks) {
    for (int heir : new int[] {1, ranks - 1}) {
      Scene scene = new Scene(ranks);
      RankLock lock = scene.lock(0);
      assertThat(lock.hold().acquireWrite(lock, 0)).isTrue();
      long request =
          scene.lockLine + Layout.LINE + (long) heir * Layout.RANK_WORDS + Layout.REQUEST;
      scene.words.getAndAdd(
          scene.lockLine + Layout.STATE, LockWords.ONE_SEQUENCE + LockWords.ONE_PENDING);
      scene.words.set(request, LockWords.request(2, LockWords.WAITING));
      scene.words.forget();
      lock.hold().releaseWrite(lock);
      assertThat(LockWords.phase(scene.words.get(request))).isEqualTo(LockWords.CLAIMED);
      int loads = scene.words.loads - 1;
      assertThat(loads).isBetween(ranks + heir, ranks + heir + 8);
      assertThat(scene.words.atomics).isLessThan(6);
    }
  }
}
