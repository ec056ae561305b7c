/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import java.util.Arrays;

/**
 * How the units of a {@link RankWork} are cut into runs. Large runs come first, since each run
 * costs something; they shrink towards the end, since the last one decides when all are done.
 *
 * @since 0.1.0
 */
public enum WorkSchedule {
  /**
   * Each run is a rank's share of what is left: guided self-scheduling. C. D. Polychronopoulos and
   * D. J. Kuck: <a href="https://doi.org/10.1109/TC.1987.5009495">Guided Self-Scheduling: A
   * Practical Scheduling Scheme for Parallel Supercomputers</a>, IEEE Transactions on Computers
   * C-36 (1987). The first runs are large: good where all units cost about the same.
   */
  GUIDED {
    @Override
    long run(long left, int ranks, long index, long last) {
      return Math.ceilDiv(left, ranks);
    }
  },

  /**
   * As many runs as there are ranks are of one size, and together half of what is left: factoring.
   * S. F. Hummel, E. Schonberg and L. E. Flynn: <a
   * href="https://doi.org/10.1145/135226.135232">Factoring: A Method for Scheduling Parallel
   * Loops</a>, Communications of the ACM 35 (1992), in the form FAC2. Good where the cost of the
   * units differs, also without knowing how much.
   */
  FACTORING {
    @Override
    long run(long left, int ranks, long index, long last) {
      return index % ranks == 0 ? Math.ceilDiv(left, 2L * ranks) : last;
    }
  };

  private static final int FIRST_CAPACITY = 64;

  /** The size of the next run, at least 1. */
  abstract long run(long left, int ranks, long index, long last);

  /**
   * Cuts units into runs. What comes out depends on nothing else, so each rank can work out a run
   * from its number, without a master: A. Eleliemy and F. M. Ciorba: <a
   * href="https://arxiv.org/abs/1901.02773">Dynamic Loop Scheduling Using MPI Passive-Target Remote
   * Memory Access</a>, PDP 2019.
   *
   * @param units how many, not negative
   * @param ranks for how many
   * @param smallest the size of the smallest run, but for the last one
   * @return where each run begins, in order, and the number of units
   */
  long[] cut(long units, int ranks, long smallest) {
    long[] bounds = new long[FIRST_CAPACITY];
    int count = 0;
    long done = 0;
    long last = 0;
    while (done < units) {
      if (count + 1 == bounds.length) {
        bounds = Arrays.copyOf(bounds, 2 * bounds.length);
      }
      bounds[count] = done;
      last = Math.max(run(units - done, ranks, count, last), smallest);
      done += Math.min(last, units - done);
      count++;
    }
    bounds[count] = units;
    return Arrays.copyOf(bounds, count + 1);
  }
}
