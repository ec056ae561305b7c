/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Measures things that are to be compared: in turn, round after round, so that what disturbs the
 * machine disturbs all of them, and each by its rounds.
 */
public final class Rounds {

  /** Does something a number of times. */
  @FunctionalInterface
  public interface Repeated {
    /** Does it. */
    void times(int count) throws Exception;
  }

  /** What was measured of one thing. */
  public static final class Cost {
    private final double[] rounds;
    private final double bytes;

    private Cost(double[] rounds, double bytes) {
      this.rounds = rounds;
      this.bytes = bytes;
    }

    /**
     * Nanoseconds for one operation.
     *
     * @return those of each round
     */
    public double[] rounds() {
      return rounds.clone();
    }

    /**
     * Bytes that one operation allocated.
     *
     * @return the least of the rounds
     */
    public double bytes() {
      return bytes;
    }

    /** The bytes, then the rounds, as {@link BenchRanks#result} takes them. */
    @Override
    public String toString() {
      return Tables.joined(bytes) + " " + Tables.joined(rounds);
    }
  }

  private final Map<String, Repeated> subjects = new LinkedHashMap<>();

  /** Adds a thing to measure. */
  public Rounds add(String name, Repeated subject) {
    subjects.put(name, subject);
    return this;
  }

  /** Measures all things. */
  public Map<String, Cost> run(int rounds, long roundNanos) throws Exception {
    Map<String, double[]> costs = new LinkedHashMap<>();
    Map<String, Double> bytes = new LinkedHashMap<>();
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    Map<String, Integer> counts = new LinkedHashMap<>();
    for (var subject : subjects.entrySet()) {
      costs.put(subject.getKey(), new double[rounds]);
      for (int i = 0; i < 20; i++) { // also the warm-up
        counts.put(subject.getKey(), calibrate(subject.getValue(), roundNanos));
      }
    }
    for (int round = 0; round < rounds; round++) {
      for (var subject : subjects.entrySet()) {
        int count = counts.getOrDefault(subject.getKey(), 1);
        long allocated = threads.getCurrentThreadAllocatedBytes();
        long start = System.nanoTime();
        subject.getValue().times(count);
        costs.get(subject.getKey())[round] = (System.nanoTime() - start) / (double) count;
        allocated = threads.getCurrentThreadAllocatedBytes() - allocated;
        bytes.merge(subject.getKey(), (double) allocated / count, Math::min);
      }
    }
    Map<String, Cost> result = new LinkedHashMap<>();
    costs.forEach(
        (name, all) -> result.put(name, new Cost(all, bytes.getOrDefault(name, Double.NaN))));
    return result;
  }

  private static int calibrate(Repeated subject, long roundNanos) throws Exception {
    int count = 1;
    while (true) {
      long start = System.nanoTime();
      subject.times(count);
      long took = System.nanoTime() - start;
      if (took > roundNanos / 20 || count > 1 << 26) {
        double wanted = count * ((double) roundNanos / Math.max(1, took));
        return (int) Math.clamp(wanted, 1, 1 << 30);
      }
      count *= 2;
    }
  }
}
