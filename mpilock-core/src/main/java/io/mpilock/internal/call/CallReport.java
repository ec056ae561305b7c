/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import static io.mpilock.internal.job.Verdict.CLOSE;
import static io.mpilock.internal.job.Verdict.DIED;
import static io.mpilock.internal.job.Verdict.DIFFER;
import static io.mpilock.internal.job.Verdict.INTERRUPTED;
import static io.mpilock.internal.job.Verdict.LEFT;
import static io.mpilock.internal.job.Verdict.REFUSED;
import static io.mpilock.internal.job.Verdict.TIMED_OUT;

import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.NodeWindow;
import java.util.function.LongFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Tells in words what the ranks called, and why a call failed. */
final class CallReport {
  private final RankContext node;
  private final NodeWindow window;
  private final CallSlots slots;
  private final LongFunction<String> resourceName;

  CallReport(RankContext node, CallSlots slots, LongFunction<String> resourceName) {
    this.node = node;
    this.window = node.window();
    this.slots = slots;
    this.resourceName = resourceName;
  }

  String report(long call, int code, int rank, String summary) {
    String why =
        switch (code) {
          case DIFFER -> CallNames.reason(summary, "the ranks disagree");
          case REFUSED -> "rank " + rank + " refused it";
          case TIMED_OUT -> "rank " + rank + " had waited for its time-out";
          case INTERRUPTED -> "rank " + rank + " was interrupted";
          case LEFT -> "rank " + rank + " is closing";
          case DIED -> "rank " + rank + " died";
          default -> "other ranks gave it up and went on";
        };
    StringBuilder text =
        new StringBuilder("Collective call ").append(call).append(" failed, since ").append(why);
    return text.append(": ")
        .append(summary)
        .append(". Every rank must make the same collective calls in the same order.")
        .toString();
  }

  /** What all ranks called, once it is decided. */
  String told(long call) {
    return node.agent() < 0 ? summary(call) : node.text(Layout.report(node.members(), call));
  }

  /** Tells what each rank of this node called. */
  public String summary(long call) {
    return IntStream.range(0, node.ranks())
        .mapToObj(rank -> "rank " + node.jobRank(rank) + " " + called(rank, call))
        .collect(Collectors.joining("; "));
  }

  String called(int rank, long call) {
    long slot = Layout.callSlot(rank, call);
    if (slots.slotMark(rank, call) >>> 8 != call) {
      long life = node.life(rank);
      return life == RankContext.DEAD
          ? "died"
          : life >= RankContext.CLOSING
              ? "called close"
              : slots.slotMark(rank, call) >>> 8 > call
                  ? "gave up and went on"
                  : "has called nothing";
    }
    if (window.get(slot + Layout.KIND) == CLOSE) {
      return "called close";
    }
    long refusal = window.get(slot + Layout.REFUSAL);
    String called =
        CallNames.called(
            window.get(slot + Layout.KIND),
            resourceName.apply(window.get(slot + Layout.RESOURCE)),
            (int) window.get(slot + Layout.WRITER));
    if (CallSlots.what(refusal) == CallSlots.KEEPS_WRITE) {
      return "%s while its transaction keeps the write of %s, which mpilock.resources.NAME.until=body would end with its body"
          .formatted(called, resourceName.apply(refusal >>> CallSlots.REFUSAL_BITS));
    }
    return called
        + (refusal == CallSlots.HOLDS_READ
            ? " while holding a read of it"
            : refusal == CallSlots.HOLDS_WRITE
                ? " while holding its write"
                : refusal == CallSlots.NO_SUCH_RANK
                    ? ", which is no rank"
                    : refusal == CallSlots.FAILED
                        ? ", and failed in the call"
                        : CallSlots.what(refusal) == CallSlots.GAVE_UP ? ", and gave up" : "");
  }
}
