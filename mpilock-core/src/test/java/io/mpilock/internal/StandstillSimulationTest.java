/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.internal.window.Waiter;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Runs;
import io.mpilock.testing.Silent;
import io.mpilock.testing.Trace;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The lock of one resource while a process stands still at any access, for a while or until all
 * others have ended; and while a rank gives itself up at any access, and its threads go on.
 */
@Timeout(1800)
@ExtendWith(Silent.class)
@Proof
class StandstillSimulationTest {
  private static final int RUNS = 10_000;
  private static final long SECOND = 1_000_000_000;

  /** What becomes of one of the ranks, the victim. */
  private enum Fate {
    STANDS_STILL,
    GIVES_ITSELF_UP
  }

  @Test
  void nobodyWaitsBeyondItsTimeForAProcessThatStandsStill(TestInfo info) {
    Runs.of(info).times(RUNS, (seed, trace) -> new Run(seed, Fate.STANDS_STILL, false).go(trace));
  }

  @Test
  void norIfAnotherDies(TestInfo info) {
    Runs.of(info).times(RUNS, (seed, trace) -> new Run(seed, Fate.STANDS_STILL, true).go(trace));
  }

  @Test
  void aRankThatGivesItselfUpAndGoesOnTakesNothingFromTheOthers(TestInfo info) {
    Runs.of(info)
        .times(RUNS, (seed, trace) -> new Run(seed, Fate.GIVES_ITSELF_UP, false).go(trace));
  }

  /** One seed's run: some ranks with some threads that read and write at random. */
  private static final class Run {
    private final Simulation simulation;
    private final Random random;
    private final Fate fate;
    private final int ranks;
    private final int victim;
    private final boolean phaseFair;
    private final boolean releaseOnDeath;
    private final List<NodeLock> locks = new ArrayList<>();
    private final List<RankContext> nodes = new ArrayList<>();
    private final boolean[] gone;
    private final int[] reading;
    private final long lockLine;
    private int writing = -1;
    private boolean dirty;
    private boolean poisoned;
    private long operations;
    private long lastToken;

    Run(long seed, Fate fate, boolean death) {
      this.random = new Random(~seed);
      this.fate = fate;
      this.ranks = (death ? 3 : 2) + random.nextInt(2);
      this.victim = random.nextInt(ranks);
      this.lockLine = Layout.directory(ranks, ranks) + Layout.LINE;
      this.simulation =
          new Simulation(
              seed, ranks, (int) lockLine + Layout.LINE + ranks * Layout.RANK_WORDS, true);
      this.phaseFair = random.nextBoolean();
      this.releaseOnDeath = random.nextBoolean();
      this.gone = new boolean[ranks];
      this.reading = new int[ranks];
      int handoverLimit = random.nextBoolean() ? 0 : 2;
      for (int rank = 0; rank < ranks; rank++) {
        nodes.add(
            simulation.node(rank, Simulation.settings(phaseFair, handoverLimit, releaseOnDeath)));
        locks.add(new NodeLock(nodes.get(rank), lockLine, rank));
        simulation.word(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
        int threads = 1 + random.nextInt(2);
        for (int thread = 0; thread < threads; thread++) {
          int mine = rank;
          simulation.actor(rank, "rank " + rank + " thread " + thread, () -> work(mine));
        }
      }
      if (fate == Fate.STANDS_STILL) {
        int step = 1 + random.nextInt(300);
        simulation.standsStillAt(step, victim);
        if (random.nextBoolean()) {
          simulation.at(step + 1 + random.nextInt(500), () -> simulation.goesOn(victim));
        }
        if (death) {
          int dying = (victim + 1 + random.nextInt(ranks - 1)) % ranks;
          simulation.killAt(1 + random.nextInt(400), dying, () -> left(dying));
        }
      } else {
        int waits = random.nextInt(100);
        simulation.actor(
            victim,
            "rank " + victim + " gives itself up",
            () -> {
              for (int i = 0; i < waits; i++) {
                simulation.step();
              }
              nodes.get(victim).markClosed();
              nodes.get(victim).go(RankContext.DEAD);
              left(victim);
            });
      }
    }

    long go(Trace trace) throws Exception {
      simulation.tracing(trace).run();
      check();
      return operations;
    }

    private void left(int rank) {
      gone[rank] = true;
      if (writing == rank) {
        dirty = true;
        writing = -1;
      }
      reading[rank] = 0;
    }

    private void work(int rank) {
      int rounds = 1 + simulation.random().nextInt(3);
      try {
        for (int i = 0; i < rounds; i++) {
          once(rank, simulation.random().nextInt(4) * SECOND);
        }
      } catch (RankFailedException e) {
        poisoned = true;
        assertThat(releaseOnDeath).isFalse();
      } catch (ControllerClosedException e) {
        assertThat(nodes.get(rank).isClosed()).isTrue();
      }
    }

    /** Time goes by in whole seconds here, and only when nobody can do anything. */
    private boolean inTime(int rank, long timeout, Predicate<Waiter> wait) {
      long start = simulation.clock();
      boolean granted = wait.test(waiter(rank, timeout));
      if (rank != victim || fate != Fate.STANDS_STILL) {
        assertThat(simulation.clock() - start)
            .as("how long a request of rank %d took that had %d ns", rank, timeout)
            .isLessThanOrEqualTo(timeout + SECOND);
      }
      return granted;
    }

    private void once(int rank, long timeout) {
      operations++;
      NodeLock lock = locks.get(rank);
      switch (simulation.random().nextInt(4)) {
        case 0 -> {
          if (lock.tryRead()) {
            read(rank, lock);
          }
        }
        case 1 -> {
          if (lock.tryRead() || inTime(rank, timeout, lock::awaitRead)) {
            read(rank, lock);
          }
        }
        case 2 -> {
          if (lock.tryOwn()) {
            write(rank, timeout);
          } else {
            lock.recover();
          }
        }
        default -> {
          if (lock.tryOwn() || own(rank, timeout)) {
            write(rank, timeout);
          }
        }
      }
    }

    private boolean own(int rank, long timeout) {
      ThreadId id = new ThreadId(Thread.currentThread());
      NodeLock lock = locks.get(rank);
      return inTime(rank, timeout, waiter -> lock.awaitOwnership(id, waiter));
    }

    private Waiter waiter(int rank, long timeout) {
      Waiter.Watch watch =
          new Waiter.Watch() {
            @Override
            public void check() {
              locks.get(rank).recover();
            }

            @Override
            public String describe(long waitedNanos) {
              return "";
            }
          };
      return new Waiter(nodes.get(rank), "r", simulation.clock(), timeout, watch);
    }

    private void read(int rank, NodeLock lock) {
      if (!gone[rank]) {
        reading[rank]++;
        assertThat(writing).as("writer beside a reader").isEqualTo(-1);
        assertThat(dirty && !releaseOnDeath).as("a read of what may be half written").isFalse();
        simulation.step();
        if (!gone[rank]) {
          reading[rank]--;
        }
      }
      lock.releaseRead();
    }

    private void write(int rank, long timeout) {
      NodeLock lock = locks.get(rank);
      if (!lock.isUnread() && !inTime(rank, timeout, lock::awaitNoReaders)) {
        return;
      }
      long token = lock.beginWrite(); // a rank that is gone meanwhile gets no lease for it
      if (!gone[rank]) {
        assertThat(token).as("the token of rank %d", rank).isGreaterThan(lastToken);
        lastToken = token;
        for (int reader = 0; reader < ranks; reader++) {
          assertThat(reading[reader]).as("readers of rank %d beside a writer", reader).isZero();
        }
        assertThat(writing).as("another writer").isEqualTo(-1);
        assertThat(dirty && !releaseOnDeath).as("a write of what may be half written").isFalse();
        writing = rank;
        simulation.step();
        if (!gone[rank]) {
          writing = -1;
        } else if (LockWords.owner(simulation.word(lockLine + Layout.STATE)) == rank + 1) {
          dirty = false; // it has written all, and nobody has recovered it yet
        }
      }
      lock.releaseOwnership();
    }

    private void check() {
      int alive = 0;
      while (gone[alive]) {
        alive++;
      }
      locks.get(alive).recover();
      locks.get(alive).recover(); // what the first one could only begin
      long state = simulation.word(lockLine + Layout.STATE);
      if (poisoned || LockWords.owner(state) == LockWords.POISONED) {
        assertThat(LockWords.owner(state)).isEqualTo(LockWords.POISONED);
        assertThat(releaseOnDeath).isFalse();
        return;
      }
      assertThat(LockWords.isFree(state)).as("state %x is free", state).isTrue();
      for (int rank = 0; rank < ranks; rank++) {
        long line = locks.get(0).line(rank);
        assertThat(simulation.word(line + Layout.REQUEST)).as("request of rank %d", rank).isZero();
        long reads = simulation.word(line + Layout.READS);
        assertThat(LockWords.holds(reads) + LockWords.waiting(reads)).as("reads").isZero();
      }
      assertThat(simulation.word(lockLine + Layout.RECOVERER)).isZero();
      assertThat(locks.get(alive).tryRead()).isTrue();
      locks.get(alive).releaseRead();
      assertThat(locks.get(alive).tryOwn()).isTrue();
      locks.get(alive).releaseOwnership();
      assertThat(Duration.ofNanos(simulation.clock())).isLessThan(Duration.ofDays(1));
    }
  }
}
