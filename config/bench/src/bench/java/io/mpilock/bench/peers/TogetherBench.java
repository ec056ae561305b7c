/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench.peers;

import io.mpilock.WindowController;
import io.mpilock.bench.BenchRanks;
import io.mpilock.bench.Figures;
import io.mpilock.bench.Histograms;
import io.mpilock.transport.NodeWindow;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;

/**
 * As many clients as there are ranks at one lock, each for itself alone, in rounds that go through
 * all locks. Inside is a counter that is not atomic: a lost count is a lock that does not exclude,
 * and fails.
 */
public final class TogetherBench {
  private static final int DIGITS = 3;

  private final PeerRanks ranks;
  private final WindowController controller;
  private final ExecutorService threads;
  private final Map<String, Measured> all = new LinkedHashMap<>();

  private TogetherBench(PeerRanks ranks, ExecutorService threads) {
    this.ranks = ranks;
    this.threads = threads;
    controller = ranks.controller();
    for (Peer peer : ranks.peers()) {
      all.put(peer.name(), new Measured());
    }
  }

  /** What is measured of one lock; on rank 0 of all clients. */
  private static final class Measured {
    private final List<Double> rates = new ArrayList<>();
    private final Histogram times = new Histogram(DIGITS);
    private double leastFair = 1;
  }

  /** What one client did in a round, and when it was done. */
  private record Turns(long number, long end, Histogram times) {}

  /**
   * Measures. Prints for each lock: the nanoseconds that half and 99 % of the turns took at most,
   * and the longest one; Jain's index of the least fair round; then the turns in a second of each
   * round.
   *
   * @param args the number of rounds and the milliseconds of each
   * @throws Exception if it fails
   */
  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    long nanos = Long.parseLong(args[1]) * 1_000_000;
    try (PeerRanks ranks = PeerRanks.open();
        ExecutorService threads = Executors.newCachedThreadPool()) {
      TogetherBench bench = new TogetherBench(ranks, threads);
      for (int round = -2; round < rounds; round++) { // two to warm up
        for (Peer peer : ranks.peers()) {
          bench.round(peer, nanos, round >= 0);
        }
      }
      if (ranks.world().rank() == 0) {
        bench.all.forEach((name, measured) ->
            BenchRanks.result(
                "together",
                name,
                String.format(
                        Locale.ROOT,
                        "%d %d %d %.4f ",
                        measured.times.getValueAtPercentile(50),
                        measured.times.getValueAtPercentile(99),
                        measured.times.getMaxValue(),
                        measured.leastFair)
                    + measured.rates.stream()
                        .map(rate -> String.format(Locale.ROOT, "%.1f", rate))
                        .collect(Collectors.joining(" "))));
      }
    }
  }

  private void round(Peer peer, long nanos, boolean counts) throws Exception {
    int size = controller.size();
    NodeWindow window = BenchRanks.lonelyWindow();
    ranks.meet();
    if (controller.rank() == 0) {
      window.set(PeerRanks.COUNTER_WORD, 0);
    }
    int clients =
        switch (peer.reach()) {
          case RANKS -> 1;
          case THREADS -> controller.rank() == 0 ? size : 0;
        };
    long start = BenchRanks.startTogether(controller);
    List<Callable<Turns>> work =
        Collections.nCopies(clients, () -> work(peer, window, start, nanos));
    List<Turns> done = new ArrayList<>();
    for (Future<Turns> turns : threads.invokeAll(work)) {
      done.add(turns.get());
    }
    ranks.meet();
    List<Turns> everybody = new ArrayList<>();
    for (int rank = 0; rank < size; rank++) {
      byte[][] theirs =
          controller
              .resource("gather")
              .singleWrite(
                  rank, () -> done.stream().map(TogetherBench::encoded).toArray(byte[][]::new));
      for (byte[] turns : theirs) {
        everybody.add(decoded(turns));
      }
    }
    long[] numbers = everybody.stream().mapToLong(Turns::number).toArray();
    long counted = window.get(PeerRanks.COUNTER_WORD);
    long total = Arrays.stream(numbers).sum();
    if (counted != total) {
      throw new AssertionError(
          peer.name() + " does not exclude: counted " + counted + " of " + total);
    }
    Measured measured = all.get(peer.name());
    if (counts && measured != null) {
      long end = everybody.stream().mapToLong(Turns::end).max().orElseThrow();
      measured.rates.add(total * 1e9 / (end - start));
      measured.leastFair = Math.min(measured.leastFair, Figures.jain(numbers));
      everybody.forEach(turns -> measured.times.add(turns.times()));
    }
  }

  private static Turns work(Peer peer, NodeWindow window, long start, long nanos) throws Exception {
    Runnable inside =
        () -> window.set(PeerRanks.COUNTER_WORD, window.get(PeerRanks.COUNTER_WORD) + 1);
    Histogram times = new Histogram(DIGITS);
    long number = 0;
    long last = System.nanoTime();
    do {
      peer.exclusive().times(1, inside);
      long now = System.nanoTime();
      times.recordValue(now - last);
      last = now;
      number++;
    } while (last - start < nanos);
    return new Turns(number, last, times);
  }

  private static byte[] encoded(Turns turns) {
    byte[] times = Histograms.encoded(turns.times());
    return ByteBuffer.allocate(2 * Long.BYTES + times.length)
        .putLong(turns.number())
        .putLong(turns.end())
        .put(times)
        .array();
  }

  private static Turns decoded(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new Turns(buffer.getLong(), buffer.getLong(), Histograms.decoded(buffer.slice()));
  }
}
