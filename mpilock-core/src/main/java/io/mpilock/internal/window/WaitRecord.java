/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import java.util.List;

/**
 * A thread that waits for a lock, and what it holds meanwhile: a vertex of the wait-for graph.
 *
 * @param rank the thread's rank in the job
 * @param number of the ranks's such waits, so that rank and number are one wait with one list of
 *     holds
 * @param thread the thread's id
 * @param name the start of the thread's name
 * @param wants the resource that it waits for, by its lock line; or {@link #CALL}
 * @param writes whether it waits to write, else to read
 * @param timed whether the wait ends by itself
 * @param since when it began, in milliseconds of the epoch
 * @param holds what it holds
 * @param heard if it is on another node, the last of what this node told ({@code WaitExchange})
 *     that that one had heard when it said so; else {@link #HERE}
 */
public record WaitRecord(
    int rank,
    long number,
    long thread,
    String name,
    long wants,
    boolean writes,
    boolean timed,
    long since,
    List<Held> holds,
    long heard) {

  /** Stands for no resource: other ranks are waited for, in a collective call. */
  public static final long CALL = 0;

  /** Is later than anything that was told. */
  public static final long HERE = Long.MAX_VALUE;

  /**
   * A resource that a thread holds.
   *
   * @param resource its lock line
   * @param writes whether it writes it, else reads
   */
  public record Held(long resource, boolean writes) {}

  public boolean isInCall() {
    return wants == CALL;
  }

  public boolean isSameAs(WaitRecord other) {
    return rank == other.rank && number == other.number;
  }

  /** Whether this request was made after another; the same answer on all ranks. */
  public boolean isLaterThan(WaitRecord other) {
    return since != other.since
        ? since > other.since
        : rank != other.rank ? rank > other.rank : number > other.number;
  }
}
