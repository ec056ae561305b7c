/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import io.mpilock.ReadLease;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.bench.Teams.Team;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.NodeWindow;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import org.HdrHistogram.Histogram;

/**
 * Reads and writes of one lock in several mixes, by 1 to 8 ranks with 1 or 4 threads each, with
 * nothing inside or with work of 10 µs, in rounds that go through all of them.
 *
 * <p>Inside are two counters that are not atomic: a writer raises the one when it comes and the
 * other when it goes, a reader looks at them in the other order. A lost count, or counters that
 * differ to a reader, is a lock that does not exclude, and fails.
 */
public final class MixBench {
  private static final int[] RANKS = {1, 2, 4, 8};
  private static final int[] THREADS = {1, 4};
  private static final int[] WRITE_PERCENTS = {100, 50, 10, 1};
  private static final long[] INSIDE_NANOS = {0, 10_000};
  private static final int DIGITS = 3;

  // Words of the window that all ranks share.
  private static final long START = 1;
  private static final long ENTERED = 32;
  private static final long LEFT = 33;

  /** Behind it a line for each rank, for what it did in a round. */
  private static final long DONE = 64;

  private static final int LINE = 16;
  private static final int TURNS = 0;
  private static final int WRITES = 1;
  private static final int WORST_WAIT = 2;

  /** Long enough for every rank to wake up from the meeting. */
  private static final long START_NANOS = 10_000_000;

  private final Communicator world;
  private final Teams teams;
  private final NodeWindow window = BenchRanks.lonelyWindow();
  private final ExecutorService threads;
  private final List<Mix> mixes = new ArrayList<>();

  private MixBench(Communicator world, Teams teams, ExecutorService threads) {
    this.world = world;
    this.teams = teams;
    this.threads = threads;
    for (long inside : INSIDE_NANOS) {
      for (int writes : WRITE_PERCENTS) {
        for (int each : THREADS) {
          teams.teams().forEach(team -> mixes.add(new Mix(team, each, writes, inside)));
        }
      }
    }
  }

  /** One of the things measured, and what this rank has measured of it. */
  private static final class Mix {
    private final Team team;
    private final int threads;
    private final int writes;
    private final long inside;
    private final Histogram times = new Histogram(DIGITS);
    private final List<double[]> rounds = new ArrayList<>();

    Mix(Team team, int threads, int writes, long inside) {
      this.team = team;
      this.threads = threads;
      this.writes = writes;
      this.inside = inside;
    }

    String name() {
      return "%d %d %d %d".formatted(writes, inside, team.size(), threads);
    }
  }

  /**
   * What one thread did in a round.
   *
   * @param number the turns that ended in time
   * @param writes all writes
   * @param worstWait nanoseconds from a request to its grant, at most
   * @param times nanoseconds from request to release
   */
  private record Turns(long number, long writes, long worstWait, Histogram times) {}

  /**
   * Measures. For each mix, named by its percentage of writes, nanoseconds inside, ranks and
   * threads of each: first the nanoseconds that 50 %, 99 %, 99.9 % and all of the turns took at
   * most, then for each round turns in a second, the longest wait in milliseconds and Jain's index
   * of the ranks' turns.
   *
   * @param args the number of rounds and the milliseconds of each
   * @throws Exception if it fails
   */
  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    long nanos = Long.parseLong(args[1]) * 1_000_000;
    try (Communicator world = BenchRanks.open();
        Teams teams = new Teams(world, RANKS);
        ExecutorService threads = Executors.newCachedThreadPool()) {
      MixBench bench = new MixBench(world, teams, threads);
      for (int round = -2; round < rounds; round++) { // two to warm up
        for (Mix mix : bench.mixes) {
          bench.round(mix, nanos, round >= 0);
        }
      }
      for (Mix mix : bench.mixes) {
        bench.report(mix);
      }
    }
  }

  private void round(Mix mix, long nanos, boolean counts) throws Exception {
    if (world.rank() == 0) {
      window.set(ENTERED, 0);
      window.set(LEFT, 0);
      window.set(START, System.nanoTime() + START_NANOS);
    }
    teams.meet();
    long start = window.get(START);
    WindowController controller = mix.team.controller();
    if (controller == null) {
      Teams.sleepUntil(start + nanos);
    } else {
      work(mix, controller, start, nanos, counts);
    }
    teams.meet();
    if (world.rank() == 0) {
      check(mix, nanos, counts);
    }
  }

  /** This rank's part of a round. */
  private void work(Mix mix, WindowController controller, long start, long nanos, boolean counts)
      throws Exception {
    List<Callable<Turns>> work =
        Collections.nCopies(mix.threads, () -> turns(mix, controller, start, nanos));
    long number = 0;
    long writes = 0;
    long worstWait = 0;
    for (Future<Turns> done : threads.invokeAll(work)) {
      Turns turns = done.get();
      number += turns.number;
      writes += turns.writes;
      worstWait = Math.max(worstWait, turns.worstWait);
      if (counts) {
        mix.times.add(turns.times);
      }
    }
    long mine = DONE + (long) world.rank() * LINE;
    window.set(mine + TURNS, number);
    window.set(mine + WRITES, writes);
    window.set(mine + WORST_WAIT, worstWait);
  }

  private Turns turns(Mix mix, WindowController controller, long start, long nanos) {
    Histogram times = new Histogram(DIGITS);
    ThreadLocalRandom random = ThreadLocalRandom.current();
    long number = 0;
    long writes = 0;
    long worstWait = 0;
    Teams.sleepUntil(start);
    long last = System.nanoTime();
    while (last - start < nanos) {
      long granted = 0; // without work inside nobody reads the clock there
      if (mix.writes == 100 || random.nextInt(100) < mix.writes) {
        try (WriteLease lease = controller.write()) {
          long count = window.get(ENTERED) + 1;
          window.setRelease(ENTERED, count);
          granted = inside(mix.inside);
          window.setRelease(LEFT, count);
          BenchRanks.touch(lease.token());
        }
        writes++;
      } else {
        try (ReadLease lease = controller.read()) {
          long count = window.get(LEFT);
          granted = inside(mix.inside);
          if (window.get(ENTERED) != count) {
            throw new AssertionError(mix.name() + ": a reader saw a write");
          }
          BenchRanks.touch(lease.token());
        }
      }
      long now = System.nanoTime();
      times.recordValue(now - last);
      worstWait = Math.max(worstWait, (granted == 0 ? now : granted) - last);
      last = now;
      number++;
    }
    long inTime = last - start > nanos ? Math.max(0, number - 1) : number;
    return new Turns(inTime, writes, worstWait, times);
  }

  /** Keeps the core busy, and tells since when; 0 without work. */
  private static long inside(long nanos) {
    if (nanos == 0) {
      return 0;
    }
    long granted = System.nanoTime();
    while (System.nanoTime() - granted < nanos) {
      Thread.onSpinWait();
    }
    return granted;
  }

  private void check(Mix mix, long nanos, boolean counts) {
    long[] turns = new long[mix.team.size()];
    long total = 0;
    long writes = 0;
    long worstWait = 0;
    for (int rank = 0; rank < turns.length; rank++) {
      long theirs = DONE + (long) rank * LINE;
      turns[rank] = window.get(theirs + TURNS);
      total += turns[rank];
      writes += window.get(theirs + WRITES);
      worstWait = Math.max(worstWait, window.get(theirs + WORST_WAIT));
    }
    if (window.get(ENTERED) != writes || window.get(LEFT) != writes) {
      throw new AssertionError(
          "%s: counted %d and %d of %d writes"
              .formatted(mix.name(), window.get(ENTERED), window.get(LEFT), writes));
    }
    if (counts) {
      mix.rounds.add(new double[] {total * 1e9 / nanos, worstWait / 1e6, Figures.jain(turns)});
    }
  }

  /** Rank 0 prints, of all ranks. */
  private void report(Mix mix) {
    for (int rank = 1; rank < mix.team.size(); rank++) {
      byte[] theirs = teams.everybody().singleWrite(rank, () -> Histograms.encoded(mix.times));
      if (world.rank() == 0) {
        mix.times.add(Histograms.decoded(ByteBuffer.wrap(theirs)));
      }
    }
    if (world.rank() == 0) {
      double[] times = {
        time(mix, 50), time(mix, 99), time(mix, 99.9), time(mix, 100),
      };
      BenchRanks.result("mix", mix.name(), Tables.joined(times));
      for (double[] round : mix.rounds) {
        BenchRanks.result("mix", mix.name(), Tables.joined(round));
      }
    }
  }

  /** Nanoseconds that so many percent of the turns took at most. */
  private static double time(Mix mix, double percent) {
    return (double) mix.times.getValueAtPercentile(percent);
  }
}
