/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import static io.mpilock.internal.job.Verdict.DIED;
import static io.mpilock.internal.job.Verdict.GONE_ON;

import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import io.mpilock.transport.NodeWindow;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The last collective call of a controller: its close. */
final class CloseCall {
  private final RankContext node;
  private final NodeWindow window;
  private final Bell bell;
  private final CallSlots slots;
  private final CallReport reports;

  CloseCall(RankContext node, Bell bell, CallSlots slots, CallReport reports) {
    this.node = node;
    this.window = node.window();
    this.bell = bell;
    this.slots = slots;
    this.reports = reports;
  }

  /**
   * Tells the others that this rank closes, and waits until each of them does too, or makes another
   * collective call, or is in the close of another controller, or is gone, or the time is over.
   *
   * @return what was wrong, or null
   */
  @Nullable String close(long call, long nanos) {
    node.life(RankContext.CLOSING);
    node.ringCollective();
    Waiter waiter =
        new Waiter(
            node,
            "",
            node.nanoTime(),
            nanos,
            new Waiter.Watch() {
              @Override
              public void check() {
                node.findDead();
              }

              @Override
              public String describe(long waitedNanos) {
                return "%s has waited %s in close for %s."
                    .formatted(
                        node.who(node.me()), RankContext.seconds(waitedNanos), missing(call));
              }
            });
    while (!isLastOrMistaken(call)) {
      if (!waiter.pauseInClose(bell, () -> isLastOrMistaken(call))) {
        if (!waiter.wasInterrupted() && nanos > 0) {
          node.log(
              System.Logger.Level.INFO,
              "Rank %d closed before %s; the locks go on without it."
                  .formatted(node.myJobRank(), missing(call)));
        }
        break;
      }
    }
    int code = slots.decided(call);
    return code == 0 || code == DIED || code == GONE_ON || CallNames.onlyCloses(reports.told(call))
        ? null
        : reports.report(call, code, node.myJobRank(), reports.told(call));
  }

  boolean isLastOrMistaken(long call) {
    if (slots.decided(call) != 0) {
      return true;
    }
    for (int rank = 0; rank < node.ranks(); rank++) {
      if (rank != node.me() && !isThrough(rank)) {
        return false;
      }
    }
    return node.agent() < 0 || window.get(Layout.JOB_THROUGH) != 0 || node.brokenBy() >= 0;
  }

  boolean isThrough(int rank) {
    return node.life(rank) >= RankContext.CLOSING
        || node.communicator().isLeaving(node.jobRank(rank));
  }

  /** Tells whether every rank of this node is in some close, or gone. */
  public boolean areAllThrough() {
    return IntStream.range(0, node.ranks()).allMatch(this::isThrough);
  }

  String missing(long call) {
    StringBuilder missing = new StringBuilder();
    for (int rank = 0; rank < node.ranks(); rank++) {
      if (rank != node.me() && !isThrough(rank)) {
        missing.append(missing.isEmpty() ? "" : ", ").append(node.who(rank));
      }
    }
    return missing.isEmpty()
        ? node.agent() < 0 ? "call " + call : "ranks of other nodes"
        : missing.toString();
  }
}
