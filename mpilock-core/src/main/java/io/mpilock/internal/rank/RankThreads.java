/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.internal.window.RankContext;

/** What the locks of one rank have in common: its context, and what its threads hold and keep. */
public final class RankThreads {
  private final RankContext node;
  private final ThreadHolds holds = new ThreadHolds();
  private final KeptWrites kept = new KeptWrites();

  public RankThreads(RankContext node) {
    this.node = node;
  }

  /** The context of the rank. */
  public RankContext node() {
    return node;
  }

  /** What each thread holds. */
  public ThreadHolds holds() {
    return holds;
  }

  /** The writes that threads keep beyond the code that took them. */
  public KeptWrites kept() {
    return kept;
  }
}
