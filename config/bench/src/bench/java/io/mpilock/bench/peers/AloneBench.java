/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench.peers;

import io.mpilock.bench.BenchRanks;
import io.mpilock.bench.peers.Peer.Entering;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;

/**
 * One client of a lock that nobody else wants, on rank 0, in rounds that go through all locks; the
 * other ranks wait without a core. Each round has a loop that is timed as a whole, and one of which
 * each turn is timed.
 */
public final class AloneBench {
  /** One object, and so one class, or the locks' loops would call it and not contain it. */
  private static final Runnable INSIDE = AloneBench::inside;

  private final int rounds;
  private final long roundNanos;
  private final long warmUpNanos;

  private AloneBench(int rounds, long roundNanos, long warmUpNanos) {
    this.rounds = rounds;
    this.roundNanos = roundNanos;
    this.warmUpNanos = warmUpNanos;
  }

  /** What is measured of one form of one lock. */
  private static final class Measured {
    private final Entering entering;
    private final List<Double> nanos = new ArrayList<>();
    private final Histogram times = new Histogram(3);
    private int count = 1;

    Measured(Entering entering) {
      this.entering = entering;
    }

    /** Also finds how many turns a round has. */
    void warmUp(long warmUpNanos, long roundNanos) throws Exception {
      long start = System.nanoTime();
      long took;
      long now;
      do {
        long before = System.nanoTime();
        entering.times(count, INSIDE);
        now = System.nanoTime();
        took = Math.max(1, now - before);
        if (took < roundNanos / 8 && count < 1 << 28) {
          count *= 2;
        }
        time(roundNanos / 8);
      } while (now - start < warmUpNanos);
      times.reset();
      count = (int) Math.clamp((double) count * roundNanos / took, 1, 1 << 30);
    }

    void round(long roundNanos) throws Exception {
      long start = System.nanoTime();
      entering.times(count, INSIDE);
      nanos.add((System.nanoTime() - start) / (double) count);
      time(roundNanos);
    }

    private void time(long atLeast) throws Exception {
      long start = System.nanoTime();
      long before = start;
      while (before - start < atLeast) {
        before = System.nanoTime();
        entering.times(1, INSIDE);
        times.recordValue(System.nanoTime() - before);
      }
    }

    @Override
    public String toString() {
      return String.format(
              Locale.ROOT,
              "%d %d %d %d ",
              times.getValueAtPercentile(50),
              times.getValueAtPercentile(99),
              times.getValueAtPercentile(99.9),
              times.getMaxValue())
          + nanos.stream()
              .map(figure -> String.format(Locale.ROOT, "%.2f", figure))
              .collect(Collectors.joining(" "));
    }
  }

  private static void inside() {
    BenchRanks.touch(1);
  }

  /**
   * Measures. Prints for each lock and form: the nanoseconds that half, 99 % and 99.9 % of the
   * turns took at most, and the longest one; then those of a turn in each round.
   *
   * @param args the number of rounds, the milliseconds of each, and those to warm up
   * @throws Exception if it fails
   */
  public static void main(String[] args) throws Exception {
    try (PeerRanks ranks = PeerRanks.open()) {
      if (ranks.world().rank() == 0) {
        new AloneBench(
                Integer.parseInt(args[0]),
                Long.parseLong(args[1]) * 1_000_000,
                Long.parseLong(args[2]) * 1_000_000)
            .measure(ranks.peers());
      }
    }
  }

  private void measure(List<Peer> peers) throws Exception {
    Map<String, Measured> all = new LinkedHashMap<>();
    Peer nothing = LocalPeers.nothing();
    all.put(nothing.name(), new Measured(nothing.exclusive())); // its loop may be compiled away
    for (Peer peer : peers) {
      all.put(peer.name() + PeersBench.EXCLUSIVE, new Measured(peer.exclusive()));
      if (peer.shared() != null) {
        all.put(peer.name() + PeersBench.SHARED, new Measured(peer.shared()));
      }
    }
    for (Measured measured : all.values()) {
      measured.warmUp(warmUpNanos, roundNanos);
    }
    for (int round = 0; round < rounds; round++) {
      for (Measured measured : all.values()) {
        measured.round(roundNanos);
      }
    }
    all.forEach((name, measured) -> BenchRanks.result("alone", name, measured.toString()));
  }
}
