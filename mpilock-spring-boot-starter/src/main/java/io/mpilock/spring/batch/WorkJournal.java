/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import java.io.IOException;
import java.util.List;

/**
 * Where the ranks of a job keep which units of a {@link RankWork} are done, for a later start of
 * the job: {@link FileWorkJournal} for what is written into files, {@link JdbcWorkJournal} for what
 * is written into a database. A bean of the application's.
 *
 * @since 0.1.0
 */
public abstract sealed class WorkJournal permits FileWorkJournal, JdbcWorkJournal {

  WorkJournal() {}

  /**
   * A work in one start of its job.
   *
   * @param name for people
   * @param key the same on all ranks and in all starts of the job, and no other work's
   * @param attempt the same on all ranks, and no other start's
   */
  record Work(String name, String key, long attempt) {}

  /**
   * How far a run is.
   *
   * @param run its number, from 0
   * @param position how many items of it are done
   * @param complete whether it has no more
   */
  record Progress(int run, long position, boolean complete) {}

  /**
   * What there is to do.
   *
   * @param plan the runs
   * @param open those that were not complete when this start of the job began, in order
   */
  record Begun(WorkPlan plan, List<Progress> open) {}

  /** Makes the plan of a work of which nothing is done yet. */
  @FunctionalInterface
  interface Planner {
    WorkPlan plan() throws IOException;
  }

  /**
   * Begins a work, or joins the other ranks in it. Called by each rank under the write lock of the
   * work, outside of a transaction.
   *
   * @return the same on all ranks
   * @throws IllegalStateException if a later start of the job has begun it since
   */
  abstract Begun begin(Work work, Planner planner) throws IOException;

  /**
   * Checks, in the transaction of a chunk and before it writes anything, that what it has done can
   * be kept with what it writes.
   *
   * @throws IllegalStateException if it cannot
   */
  abstract void check(Work work);

  /**
   * Keeps how far runs are, in the transaction in which it is called, before it is committed.
   *
   * @throws IllegalStateException if a later start of the job has begun the work since
   */
  abstract void record(Work work, List<Progress> runs);

  /** Says why nothing may be kept any more. */
  static IllegalStateException overtaken(Work work) {
    return new IllegalStateException(
        "Another start of the job has begun the work '%s' since: this process may not go on with it. Nothing of this chunk was kept. End what is left of this start of the job."
            .formatted(work.name()));
  }
}
