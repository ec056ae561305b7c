/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.MpilockException;
import io.mpilock.internal.Simulation;
import io.mpilock.internal.job.Verdict;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.RankThreads;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Runs;
import io.mpilock.testing.Silent;
import io.mpilock.testing.Trace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Single writes, barriers, turns and close under many interleavings, with deaths and interrupts at
 * any access.
 */
@Timeout(1800)
@ExtendWith(Silent.class)
@Proof
class CollectiveCallsSimulationTest {
  private static final int RUNS = 1_500;
  private static final long SECOND = 1_000_000_000;

  private static final long[] KINDS = {
    Verdict.SINGLE_WRITE,
    Verdict.SINGLE_WRITE,
    Verdict.SINGLE_WRITE,
    Verdict.BARRIER,
    Verdict.ALL_GATHER,
    Verdict.GATHER,
    Verdict.IN_ORDER
  };

  private enum Trouble {
    NONE,
    DEATH,
    INTERRUPT,
    DISAGREEMENT,
    STANDSTILL
  }

  @Test
  void allRanksGetWhatWasSharedAndNoWakeUpIsLost(TestInfo info) {
    go(info, Trouble.NONE);
  }

  @Test
  void aDeathAtAnyMomentLeavesNobodyWaiting(TestInfo info) {
    go(info, Trouble.DEATH);
  }

  @Test
  void anInterruptAtAnyMomentLeavesNobodyWaiting(TestInfo info) {
    go(info, Trouble.INTERRUPT);
  }

  @Test
  void ranksThatDisagreeAllFail(TestInfo info) {
    go(info, Trouble.DISAGREEMENT);
  }

  @Test
  void nobodyWaitsBeyondItsTimeForARankThatStandsStill(TestInfo info) {
    go(info, Trouble.STANDSTILL);
  }

  private static void go(TestInfo info, Trouble trouble) {
    Runs.of(info).times(RUNS, (seed, trace) -> new Run(seed, trouble).go(trace));
  }

  private record Call(
      int number, long kind, int writer, int size, byte fill, boolean fails, int dissenter) {
    boolean failsFor(int rank) {
      return fails && kind != Verdict.BARRIER && rank == writer;
    }

    /** What a rank shares in its turn. */
    byte[] dataOf(int rank) {
      byte[] data = rank == writer ? data() : new byte[rank];
      Arrays.fill(data, (byte) (fill + rank));
      return data;
    }

    byte[] data() {
      byte[] data = new byte[size];
      Arrays.fill(data, fill);
      return data;
    }
  }

  private static final class Run {
    private final Trouble trouble;
    private final Simulation simulation;
    private final int ranks;
    private final List<Call> calls = new ArrayList<>();
    private final int[] failures;
    private final int[] ended;

    /** The calls that went as one rank sees it, or failed. */
    private final boolean[] goes;

    private final boolean[] fails;
    private final int victim;
    private boolean goesOn;
    private int inside = -1;

    /** How many ranks have come to a call, and whose turn it is in one. */
    private final int[] arrived;

    private final int[] turns;

    Run(long seed, Trouble trouble) {
      Random random = new Random(~seed);
      Random kinds = new Random(seed + 1);
      this.trouble = trouble;
      this.ranks = 2 + random.nextInt(2);
      this.ended = new int[ranks];
      int words = (int) Layout.directory(ranks, ranks) + 64 * Layout.LINE;
      this.simulation =
          new Simulation(
              seed, ranks, words, trouble == Trouble.DEATH || trouble == Trouble.STANDSTILL);
      simulation.word(Layout.DIRECTORY_END, Layout.directory(ranks, ranks));
      int count = 1 + random.nextInt(4);
      this.failures = new int[count];
      this.arrived = new int[count];
      this.turns = new int[count];
      this.goes = new boolean[count];
      this.fails = new boolean[count];
      for (int i = 0; i < count; i++) {
        boolean large = random.nextInt(5) == 0;
        boolean disagree = trouble == Trouble.DISAGREEMENT && random.nextBoolean();
        calls.add(
            new Call(
                i,
                KINDS[kinds.nextInt(KINDS.length)],
                random.nextInt(ranks),
                large ? Layout.CHUNK_BYTES * (4 + random.nextInt(2)) : random.nextInt(20),
                (byte) random.nextInt(),
                random.nextInt(5) == 0,
                disagree ? random.nextInt(ranks) : -1));
      }
      CoreSettings settings = Simulation.settings(random.nextBoolean(), 0, random.nextBoolean());
      if (trouble == Trouble.STANDSTILL) { // to name a resource has no time-out
        Directory directory = new Directory(simulation.node(0, settings));
        lockLine(directory, "r");
        lockLine(directory, "other");
      }
      for (int rank = 0; rank < ranks; rank++) {
        RankContext node = simulation.node(rank, settings);
        simulation.word(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
        simulation.actor(rank, "rank " + rank, () -> work(node));
      }
      victim = random.nextInt(ranks);
      int step = 1 + random.nextInt(600);
      if (trouble == Trouble.DEATH) {
        simulation.killAt(step, victim, () -> {});
      } else if (trouble == Trouble.INTERRUPT) {
        simulation.interruptAt(step, victim);
      } else if (trouble == Trouble.STANDSTILL) {
        simulation.at(
            step,
            () -> {
              if (!goesOn) {
                simulation.standsStill(victim);
              }
            });
      }
    }

    long go(Trace trace) throws Exception {
      simulation.tracing(trace).run();
      for (int rank = 0; rank < ranks; rank++) {
        if (!simulation.isDead(rank)) {
          assertThat(ended[rank]).as("calls that ended on rank %d", rank).isEqualTo(calls.size());
        }
      }
      for (int i = 0; i < calls.size(); i++) {
        Call call = calls.get(i);
        assertThat(goes[i] && fails[i]).as("call %d went, and failed", i).isFalse();
        if (trouble == Trouble.NONE) {
          boolean failed = call.failsFor(call.writer);
          assertThat(failures[i]).as("failures of call %d", i).isEqualTo(failed ? ranks : 0);
        } else if (trouble == Trouble.DISAGREEMENT && call.dissenter >= 0) {
          assertThat(failures[i]).as("failures of call %d", i).isEqualTo(ranks);
        }
      }
      return calls.size();
    }

    private void work(RankContext node) {
      Directory directory = new Directory(node);
      CollectiveCalls collectives = new CollectiveCalls(node, directory::nameAt);
      RankThreads threads = new RankThreads(node);
      RankLock lock = new RankLock("r", threads, lockLine(directory, "r"));
      RankLock other = new RankLock("other", threads, lockLine(directory, "other"));
      for (int i = 0; i < calls.size(); i++) {
        Call call = calls.get(i);
        try {
          RankLock on = call.dissenter == node.me() && ranks > 1 ? other : lock;
          if (call.kind == Verdict.BARRIER) {
            meet(node, collectives, on, call);
          } else if (call.kind == Verdict.SINGLE_WRITE) {
            byte[] got = once(node, collectives, on, call);
            assertThat(Arrays.equals(got, call.data())).as("got what was shared").isTrue();
          } else {
            takeTurns(node, collectives, on, call);
          }
        } catch (MpilockException | ArithmeticException e) {
          failures[i]++;
          Thread.interrupted();
        }
        ended[node.me()]++;
      }
      goOn(); // what is left has no time-out
      node.markClosed();
      Thread.interrupted();
      collectives.close(Waiter.FOREVER);
      node.life(RankContext.LEFT);
      collectives.ring();
    }

    /** Nobody stands still any more. */
    private void goOn() {
      goesOn = true;
      simulation.goesOn(victim);
    }

    /** Naming can be interrupted, too, and is simply done again; it has no time-out. */
    private long lockLine(Directory directory, String name) {
      Long known = trouble == Trouble.STANDSTILL ? directory.known(name) : null;
      if (known != null) {
        return known;
      }
      while (true) {
        try {
          return directory.use(name);
        } catch (LockInterruptedException e) {
          Thread.interrupted();
        }
      }
    }

    private <T> T begin(RankContext node, Call call, LongFunction<T> begins) {
      long timeout =
          trouble == Trouble.STANDSTILL ? SECOND * simulation.random().nextInt(4) : Waiter.FOREVER;
      long start = simulation.clock();
      try {
        T part = begins.apply(timeout);
        goes[call.number] = true;
        return part;
      } catch (MpilockException e) {
        fails[call.number] |= Objects.requireNonNull(e.getMessage()).startsWith("Collective call");
        throw e;
      } finally {
        assertInTime(node, start, timeout);
      }
    }

    /** Time goes by in whole seconds here, and only when nobody can do anything. */
    private void assertInTime(RankContext node, long start, long nanos) {
      if (trouble == Trouble.STANDSTILL && node.me() != victim) {
        assertThat(simulation.clock() - start).isLessThanOrEqualTo(nanos + SECOND);
      }
    }

    private static void ignore(
        boolean writer, long nanos, long bytes, @Nullable Throwable failure) {}

    private void meet(RankContext node, CollectiveCalls collectives, RankLock lock, Call call) {
      arrived[call.number]++;
      boolean _ =
          begin(
              node,
              call,
              timeout -> {
                collectives.barrier(lock, timeout, Run::ignore);
                return true;
              });
      assertThat(arrived[call.number])
          .as("ranks that came to call %d", call.number)
          .isEqualTo(ranks);
    }

    private void takeTurns(
        RankContext node, CollectiveCalls collectives, RankLock lock, Call call) {
      List<@Nullable Object> all = new ArrayList<>();
      TurnsCall part =
          begin(
              node,
              call,
              timeout ->
                  collectives.turns(
                      call.kind, lock, timeout, (value, _) -> all.add(value), Run::ignore));
      goOn(); // turns have no time-out
      try {
        part.awaitTurn();
        assertThat(turns[call.number]).as("whose turn it is").isEqualTo(node.me());
        assertThat(inside).as("two turns at a time").isEqualTo(-1);
        inside = node.me();
        simulation.step();
        inside = -1;
        if (call.failsFor(node.me())) {
          throw new ArithmeticException("on purpose");
        }
        turns[call.number]++;
        if (call.kind == Verdict.IN_ORDER) {
          part.pass();
        } else {
          part.share(call.dataOf(node.me()));
        }
        part.awaitAll();
      } catch (Throwable e) {
        if (inside == node.me()) {
          inside = -1;
        }
        part.leave(e);
        throw e;
      }
      part.close();
      assertThat(turns[call.number]).as("turns that were taken").isEqualTo(ranks);
      boolean gets =
          call.kind == Verdict.ALL_GATHER
              || (call.kind == Verdict.GATHER && collectives.isMaster());
      assertThat(all).hasSize(gets ? ranks : 0);
      for (int rank = 0; rank < all.size(); rank++) {
        assertThat(Arrays.equals((byte[]) all.get(rank), call.dataOf(rank)))
            .as("got what rank %d shared", rank)
            .isTrue();
      }
    }

    private byte[] once(RankContext node, CollectiveCalls collectives, RankLock lock, Call call) {
      SingleWriteCall section =
          begin(
              node,
              call,
              timeout -> collectives.singleWrite(lock, call.writer, timeout, Run::ignore));
      if (call.writer == victim) {
        goOn(); // its part has no time-out
      }
      if (!section.isWriter()) {
        try {
          return (byte[]) Objects.requireNonNull(section.collect());
        } finally {
          section.close();
        }
      }
      assertThat(inside).as("two writers").isEqualTo(-1);
      inside = node.me();
      try {
        simulation.step();
        inside = -1;
        if (call.fails) {
          throw new ArithmeticException("on purpose");
        }
        if (call.size > Layout.RING_CHUNKS * Layout.CHUNK_BYTES) {
          goOn(); // what is shared waits for room
        }
        section.share(call.data());
      } catch (Throwable e) {
        inside = -1;
        section.fail(e);
        section.close();
        throw e;
      }
      long start = simulation.clock();
      section.close();
      assertInTime(node, start, 0);
      return call.data();
    }
  }
}
