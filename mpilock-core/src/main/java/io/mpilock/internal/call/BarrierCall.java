/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import io.mpilock.internal.window.RankContext;
import org.jspecify.annotations.Nullable;

/** One rank's part in a barrier: that the ranks go together is all that there is. */
final class BarrierCall implements CallPart {
  private final RankContext node;
  private final long start;
  private final CollectiveCalls.Outcome outcome;

  BarrierCall(RankContext node, long start, CollectiveCalls.Outcome outcome) {
    this.node = node;
    this.start = start;
    this.outcome = outcome;
  }

  @Override
  public void begin(long nanos) {
    // Nothing is taken.
  }

  @Override
  public void end(@Nullable Throwable why) {
    // Nobody waits for a rank behind the decision.
  }

  @Override
  public void tellOutcome(@Nullable Throwable failure) {
    try {
      outcome.ended(false, node.nanoTime() - start, 0, failure);
    } catch (Throwable untold) {
      // The call has ended all the same.
    }
  }
}
