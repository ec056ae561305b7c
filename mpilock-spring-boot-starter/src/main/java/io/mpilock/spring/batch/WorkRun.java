/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

/**
 * A run of units, as a reader is made for it.
 *
 * @param units from the first one to the one after the last
 * @param bytes where it is in a file; empty if it is in none
 */
record WorkRun(RankSlice units, RankSlice bytes) {

  /** The run of a number. */
  static WorkRun of(WorkPlan plan, long[] cut, int run) {
    RankSlice units = new RankSlice(cut[run], cut[run + 1]).plus(plan.input().first());
    if (!plan.bytes().isEmpty() && plan.bytes().size() != cut.length) {
      throw new IllegalStateException(
          "The plan of a work has %d places in a file for %d runs."
              .formatted(plan.bytes().size(), cut.length - 1));
    }
    RankSlice bytes =
        plan.bytes().isEmpty()
            ? new RankSlice(0, 0)
            : new RankSlice(plan.bytes().get(run), plan.bytes().get(run + 1));
    return new WorkRun(units, bytes);
  }
}
