/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.failure.RankFailedException;
import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.internal.window.Waiter;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Runs;
import io.mpilock.testing.Silent;
import io.mpilock.testing.Trace;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The lock of one resource under many interleavings, with and without deaths at any access. */
@Timeout(1800)
@ExtendWith(Silent.class)
@Proof
class NodeLockSimulationTest {
  private static final int RUNS = 20_000;

  @Test
  void noInterleavingBreaksExclusionOrOrderOrLosesAWakeUp(TestInfo info) {
    Runs.of(info).times(RUNS, (seed, trace) -> new Run(seed, false).go(trace));
  }

  @Test
  void noInterleavingWithADeathShutsTheOthersOut(TestInfo info) {
    Runs.of(info).times(RUNS, (seed, trace) -> new Run(seed, true).go(trace));
  }

  /** A thread, and its request to write while it has one. */
  private static final class Asking {
    private final int rank;
    private final ThreadId id = new ThreadId(Thread.currentThread());
    private Simulation.@Nullable Actor actor;
    private long request;
    private boolean interrupted;

    Asking(int rank) {
      this.rank = rank;
    }
  }

  /** One seed's run: some ranks with some threads that read and write at random. */
  private static final class Run {
    private final Simulation simulation;
    private final Random random;
    private final int ranks;
    private final int handoverLimit;
    private final boolean releaseOnDeath;
    private final boolean phaseFair;
    private final List<NodeLock> locks = new ArrayList<>();
    private final List<RankContext> nodes = new ArrayList<>();
    private final List<Asking> asking = new ArrayList<>();
    private final long lockLine;
    private int writing = -1;
    private final int[] reading;
    private boolean dirty;
    private final Set<Integer> owned = new HashSet<>();
    private int poisoned;
    private int clears;
    private int operations;
    private long lastToken;
    private long newestRequest;

    Run(long seed, boolean deaths) {
      this.random = new Random(~seed);
      this.ranks = 2 + random.nextInt(2);
      this.lockLine = Layout.directory(ranks, ranks) + Layout.LINE;
      this.simulation =
          new Simulation(
              seed, ranks, (int) lockLine + Layout.LINE + ranks * Layout.RANK_WORDS, deaths);
      this.phaseFair = random.nextBoolean();
      this.handoverLimit = random.nextInt(4) == 0 ? 2 : 0;
      this.releaseOnDeath = random.nextBoolean();
      this.reading = new int[ranks];
      CoreSettings settings = Simulation.settings(phaseFair, handoverLimit, releaseOnDeath);
      if (random.nextInt(4) == 0) { // the sequence wraps around
        simulation.word(lockLine + Layout.STATE, 0xFFFFFFFEL << 32);
      }
      for (int rank = 0; rank < ranks; rank++) {
        nodes.add(simulation.node(rank, settings));
        locks.add(new NodeLock(nodes.get(rank), lockLine, rank));
        simulation.word(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
        int threads = 1 + random.nextInt(3);
        for (int thread = 0; thread < threads; thread++) {
          Asking mine = new Asking(rank);
          asking.add(mine);
          mine.actor =
              simulation.actor(rank, "rank " + rank + " thread " + thread, () -> work(mine));
        }
      }
      for (int i = random.nextInt(3); i > 0; i--) {
        int interrupted = random.nextInt(ranks);
        simulation.at(1 + random.nextInt(200), () -> interrupt(interrupted));
      }
      if (deaths) {
        int first = random.nextInt(ranks);
        for (int i = 0; i < ranks - 1; i++) { // one rank lives on
          int victim = (first + i) % ranks;
          simulation.killAt(1 + random.nextInt(100 + 300 * i), victim, () -> died(victim));
        }
      }
    }

    long go(Trace trace) throws Exception {
      simulation.tracing(trace).run();
      check();
      return operations;
    }

    private void died(int victim) {
      if (LockWords.owner(simulation.word(lockLine + Layout.STATE)) == victim + 1) {
        owned.add(victim);
      }
      if (writing == victim) {
        dirty = true;
        writing = -1;
      }
      reading[victim] = 0;
    }

    private void interrupt(int rank) {
      asking.stream().filter(one -> one.rank == rank).forEach(one -> one.interrupted = true);
      simulation.interrupt(rank);
    }

    private void work(Asking me) {
      int rank = me.rank;
      int rounds = 1 + simulation.random().nextInt(3);
      for (int i = 0; i < rounds; i++) {
        try {
          once(rank, me);
        } catch (RankFailedException e) {
          poisoned++;
          assertThat(releaseOnDeath).isFalse();
          assertThat(owned).as("ranks that owned when they died").contains(e.rank());
          if (simulation.random().nextInt(3) == 0) {
            return;
          }
          clear(locks.get(rank));
        }
      }
    }

    /** Gives free what a dead writer left: what was half written is looked at, and right. */
    private void clear(NodeLock lock) {
      clears++;
      int rank = lock.poisonedBy();
      dirty &= rank < 0;
      while (rank >= 0 && !lock.clearPoison(rank)) {
        simulation.step();
      }
    }

    private void once(int rank, Asking me) {
      operations++;
      me.interrupted = false;
      NodeLock lock = locks.get(rank);
      boolean impatient = simulation.random().nextInt(3) == 0;
      if (impatient) {
        Thread.currentThread().interrupt(); // gives up instead of sleeping
      }
      long[] asked = requests();
      try {
        switch (simulation.random().nextInt(5)) {
          case 0 -> {
            if (lock.tryRead()) {
              if (!phaseFair) {
                checkOrder(asked, rank);
              }
              read(rank, lock);
            }
          }
          case 1 -> {
            if (lock.tryRead() || lock.awaitRead(waiter(rank, lock))) {
              if (!phaseFair) {
                checkOrder(asked, rank);
              }
              read(rank, lock);
            }
          }
          case 2 -> {
            if (lock.tryOwn()) {
              if (handoverLimit == 0) {
                checkOrder(asked, rank);
              }
              write(rank, lock);
            }
          }
          case 3 -> lock.recover();
          default -> {
            if (own(rank, lock, me, asked)) {
              write(rank, lock);
            }
          }
        }
      } finally {
        Thread.interrupted();
      }
    }

    private long[] requests() {
      long[] requests = new long[ranks];
      for (int rank = 0; rank < ranks; rank++) {
        requests[rank] = simulation.word(locks.get(0).line(rank) + Layout.REQUEST);
      }
      return requests;
    }

    /** No request that was published before this one began still waits. */
    private void checkOrder(long[] before, int granted) {
      long[] now = requests();
      for (int rank = 0; rank < ranks; rank++) {
        if (LockWords.phase(before[rank]) == LockWords.WAITING && !simulation.isDead(rank)) {
          assertThat(now[rank])
              .as("request of rank %d, asked before the one of rank %d", rank, granted)
              .isNotEqualTo(before[rank]);
        }
      }
    }

    /** Asks for the write, and sees that nobody is passed who slept before this asked. */
    private boolean own(int rank, NodeLock lock, Asking me, long[] asked) {
      List<Asking> before = asking.stream().filter(this::isAsleep).toList();
      List<Long> requests = before.stream().map(one -> one.request).toList();
      boolean owns = lock.tryOwn();
      if (!owns) {
        me.request = ++newestRequest;
        try {
          owns = lock.awaitOwnership(me.id, waiter(rank, lock));
        } finally {
          me.request = 0;
        }
      }
      if (owns && (handoverLimit == 0)) {
        checkOrder(asked, rank);
        for (int i = 0; i < before.size(); i++) {
          Asking other = before.get(i);
          if (!other.interrupted && !simulation.isDead(other.rank)) {
            assertThat(other.request)
                .as("request of %s, which slept before %s asked", other.actor, me.actor)
                .isNotEqualTo(requests.get(i));
          }
        }
      }
      return owns;
    }

    private boolean isAsleep(Asking other) {
      return other.request != 0 && simulation.isAsleep(Objects.requireNonNull(other.actor));
    }

    private Waiter waiter(int rank, NodeLock lock) {
      Waiter.Watch watch =
          new Waiter.Watch() {
            @Override
            public void check() {
              lock.recover();
            }

            @Override
            public String describe(long waitedNanos) {
              return "";
            }
          };
      return new Waiter(nodes.get(rank), "r", nodes.get(rank).nanoTime(), Waiter.FOREVER, watch);
    }

    private void read(int rank, NodeLock lock) {
      reading[rank]++;
      assertThat(writing).as("writer beside a reader").isEqualTo(-1);
      assertThat(dirty && !releaseOnDeath).as("a read of what may be half written").isFalse();
      simulation.step();
      reading[rank]--;
      lock.releaseRead();
    }

    private void write(int rank, NodeLock lock) {
      if (!lock.isUnread() && !lock.awaitNoReaders(waiter(rank, lock))) {
        return;
      }
      for (int reader = 0; reader < ranks; reader++) {
        assertThat(reading[reader]).as("readers of rank %d beside a writer", reader).isZero();
      }
      assertThat(writing).as("another writer").isEqualTo(-1);
      assertThat(dirty && !releaseOnDeath).as("a write of what may be half written").isFalse();
      writing = rank;
      long token = lock.beginWrite();
      assertThat(token).as("token").isGreaterThan(lastToken);
      lastToken = token;
      simulation.step();
      boolean downgrade = simulation.random().nextInt(4) == 0;
      if (downgrade) {
        lock.addReadUnderWrite();
        reading[rank]++;
      }
      writing = -1;
      lock.releaseOwnership();
      if (downgrade) {
        simulation.step();
        reading[rank]--;
        lock.releaseRead();
      }
    }

    private void check() {
      int alive =
          IntStream.range(0, ranks).filter(r -> !simulation.isDead(r)).findFirst().orElseThrow();
      locks.get(alive).recover();
      long state = simulation.word(lockLine + Layout.STATE);
      boolean isPoisoned = LockWords.owner(state) == LockWords.POISONED;
      if (isPoisoned || poisoned > 0) {
        assertThat(releaseOnDeath).isFalse();
        assertThat(isPoisoned || clears > 0).as("poisoned still").isTrue();
        if (isPoisoned) {
          return;
        }
      }
      assertThat(LockWords.isFree(state)).as("state %x is free", state).isTrue();
      for (int rank = 0; rank < ranks; rank++) {
        long line = lockLine + Layout.LINE + (long) rank * Layout.RANK_WORDS;
        assertThat(simulation.word(line + Layout.REQUEST)).as("request").isZero();
        long reads = simulation.word(line + Layout.READS);
        assertThat(LockWords.holds(reads) + LockWords.waiting(reads)).as("reads").isZero();
        if (!simulation.isDead(rank)) {
          assertThat(simulation.word(line + Layout.WAITING_READERS)).isZero();
          assertThat(simulation.word(line + Layout.DRAINS)).isZero();
          assertThat(simulation.word(line + Layout.WAITING_WRITERS)).isZero();
          assertThat(simulation.word(line + Layout.WRITER_BELL + 1)).as("sleepers").isZero();
        }
      }
      assertThat(locks.get(alive).tryRead()).isTrue();
      locks.get(alive).releaseRead();
      assertThat(locks.get(alive).tryOwn()).isTrue();
      locks.get(alive).releaseOwnership();
    }
  }
}
