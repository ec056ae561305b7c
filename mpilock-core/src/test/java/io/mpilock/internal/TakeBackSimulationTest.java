/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.testing.Runs;
import io.mpilock.testing.Silent;
import io.mpilock.testing.Trace;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Rank 1 was named the owner after it had given up, and several take that back at once, while its
 * other threads go on. Both faults that this was written for were found by the model ({@link
 * NodeModelTest}).
 */
@Timeout(300)
@ExtendWith(Silent.class)
class TakeBackSimulationTest {
  private static final int RANKS = 3;
  private static final int RUNS = 5_000;
  private static final int NOBODY = -1;

  @Test
  void whatAnotherThreadOfThatRankGotSinceIsNotTakenBack(TestInfo info) {
    Runs.of(info).times(RUNS, (seed, trace) -> new Run(seed).withWriters().go(trace));
  }

  /** At each step of rank 1, one run. */
  @Test
  void norIfItGotThatBetweenTwoSteps() throws Exception {
    int cases = 0;
    for (int step = 1; step <= 30; step++) {
      Run run = new Run(step);
      if (run.takenBackByRankZeroAt(step)) {
        assertThat(run.simulation.word(run.lockLine + Layout.STATE)).isEqualTo(Run.OWNS_AGAIN);
        assertThat(run.simulation.word(run.request(1))).isEqualTo(LockWords.NONE);
        cases++;
      }
    }
    assertThat(cases).as("steps before it has taken back").isGreaterThan(4);
  }

  @Test
  void theRequestIsOverWhoeverDiesOverIt(TestInfo info) {
    Runs.of(info).times(RUNS, (seed, trace) -> new Run(seed).withDeath().go(trace));
  }

  /**
   * At each step of the rank that recovers, one run: the dead one waited for readers, and goes on.
   */
  @Test
  void whatADeadRankGotLateIsPoisonedThoughItHadOnlyWaitedBefore() throws Exception {
    int cases = 0;
    for (int step = 1; step <= 40; step++) {
      Run run = new Run(step, false);
      if (run.ownedAgainByTheDeadAt(step)) {
        assertThat(run.locks.get(2).isPoisoned()).as("event at step %d", step).isTrue();
        cases++;
      }
    }
    assertThat(cases).as("steps before it is mended").isGreaterThan(4);
  }

  private static final class Run {
    private static final long NAMED = LockWords.request(8, 0) | LockWords.ONE_PENDING | 2;
    private static final long OWNS_AGAIN = LockWords.request(9, 0) | LockWords.ONE_PENDING | 2;

    private final long lockLine = Layout.directory(RANKS, RANKS) + Layout.LINE;
    private final Simulation simulation;
    private final List<NodeLock> locks = new ArrayList<>();
    private int writing = NOBODY;

    Run(long seed) {
      this(seed, true);
      simulation.word(request(1), LockWords.request(8, LockWords.ABANDONED));
      simulation.word(lockLine + Layout.STATE, NAMED);
      simulation.actor(1, "rank 1 takes back", locks.get(1)::takeBack);
    }

    Run(long seed, boolean releaseOnDeath) {
      int words = (int) lockLine + Layout.LINE + RANKS * Layout.RANK_WORDS;
      simulation = new Simulation(seed, RANKS, words, true);
      for (int rank = 0; rank < RANKS; rank++) {
        RankContext node = simulation.node(rank, Simulation.settings(false, 0, releaseOnDeath));
        locks.add(new NodeLock(node, lockLine, rank));
        simulation.word(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
      }
    }

    /** Rank 1 is gone, owned, and waited for readers; then it releases, and gets the lock again. */
    boolean ownedAgainByTheDeadAt(int step) throws Exception {
      long drains = lockLine + Layout.LINE + Layout.RANK_WORDS + Layout.DRAINS;
      simulation.word(lockLine + Layout.STATE, NAMED);
      simulation.word(drains, 1);
      simulation.kill(1);
      simulation.actor(2, "rank 2 mends", locks.get(2)::recover);
      boolean happened = ownsAgainAt(step, drains, 0);
      locks.get(2).recover(); // as whoever waits does again
      return happened;
    }

    /** Rank 0 takes back and sets free, and a thread of rank 1 becomes the owner, all at once. */
    boolean takenBackByRankZeroAt(int step) throws Exception {
      return ownsAgainAt(step, request(1), LockWords.NONE);
    }

    /**
     * Rank 1 is the owner once more, and a word has changed, all at once; unless it is too late.
     */
    private boolean ownsAgainAt(int step, long index, long value) throws Exception {
      boolean[] happened = new boolean[1];
      simulation.at(
          step,
          () -> {
            if (simulation.word(lockLine + Layout.STATE) == NAMED) {
              simulation.word(index, value);
              simulation.word(lockLine + Layout.STATE, OWNS_AGAIN);
              happened[0] = true;
            }
          });
      simulation.run();
      return happened[0];
    }

    private long request(int rank) {
      return lockLine + Layout.LINE + (long) rank * Layout.RANK_WORDS + Layout.REQUEST;
    }

    private void rankZero() {
      simulation.actor(0, "rank 0 takes back", locks.get(0)::takeBack);
    }

    Run withWriters() {
      rankZero();
      for (int rank = 1; rank < RANKS; rank++) {
        NodeLock lock = locks.get(rank);
        int mine = rank;
        simulation.actor(rank, "rank " + rank + " writes", () -> write(lock, mine));
      }
      return this;
    }

    private void write(NodeLock lock, int rank) {
      while (!lock.tryOwn()) {
        simulation.step();
      }
      assertThat(writing).isEqualTo(NOBODY);
      writing = rank;
      for (int i = 0; i < 5; i++) {
        simulation.step();
      }
      assertThat(writing).isEqualTo(rank);
      writing = NOBODY;
      lock.releaseOwnership();
    }

    Run withDeath() {
      rankZero();
      simulation.killAt(1 + simulation.random().nextInt(20), 0, () -> {});
      simulation.actor(
          2,
          "rank 2 mends",
          () -> {
            for (int i = 0; i < 60; i++) {
              simulation.step();
              locks.get(2).recover();
            }
          });
      return this;
    }

    long go(Trace trace) throws Exception {
      simulation.tracing(trace).run();
      locks.get(2).recover();
      long state = simulation.word(lockLine + Layout.STATE);
      assertThat(LockWords.isFree(state)).as("state %x is free", state).isTrue();
      assertThat(locks.get(1).mayAsk()).as("rank 1 may ask again").isTrue();
      return RANKS;
    }
  }
}
