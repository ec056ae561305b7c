/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Finds who waited for whom: for each wait, how much of it lies in the holds of each rank that it
 * had to wait for. By the clocks of the ranks' hosts, so between hosts it is as good as those
 * agree.
 *
 * <p>The holds of a rank are merged into disjoint spans with a running sum, so that a wait costs
 * two binary searches for each rank, however many holds it spans.
 */
final class Overlaps {

  /** The longest waits that are looked at, so that a large job's report does not take long. */
  private static final int MOST_WAITS = 100_000;

  private Overlaps() {}

  /** Pairs of ranks with what the one waited for the other, the worst first. */
  static List<WaitedFor> of(Collection<RankRecord> ranks) {
    Map<String, List<RankEvent>> waits = longestWaits(ranks);
    List<WaitedFor> pairs = new ArrayList<>();
    waits.forEach((resource, own) -> {
      for (RankRecord holder : ranks) {
        Spans writes = Spans.of(holder, resource, false);
        Spans all = Spans.of(holder, resource, true);
        if (!all.isEmpty()) {
          pairs.addAll(waitsFor(holder.rank(), resource, own, writes, all));
        }
      }
    });
    pairs.sort(
        Comparator.comparingLong(WaitedFor::nanos)
            .reversed()
            .thenComparingInt(WaitedFor::waiter)
            .thenComparingInt(WaitedFor::holder));
    return pairs;
  }

  private static Map<String, List<RankEvent>> longestWaits(Collection<RankRecord> ranks) {
    return RankEvent.of(ranks)
        .filter(at -> at.event().contended() && at.event().waitNanos() > 0)
        .sorted(Comparator.comparingLong((RankEvent wait) -> wait.event().waitNanos()).reversed())
        .limit(MOST_WAITS)
        .collect(
            Collectors.groupingBy(
                wait -> wait.event().resource(), TreeMap::new, Collectors.toList()));
  }

  private static Collection<WaitedFor> waitsFor(
      int holder, String resource, List<RankEvent> waits, Spans writes, Spans all) {
    Map<Integer, WaitedFor> byWaiter = new TreeMap<>();
    for (RankEvent wait : waits) {
      LockEvent event = wait.event();
      Spans holds = event.use().waitsFor(LockUse.READ) ? all : writes;
      long nanos = holds.within(event.beginNanos(), event.grantNanos());
      if (nanos > 0) {
        byWaiter.merge(
            wait.rank(),
            new WaitedFor(wait.rank(), holder, resource, nanos, 1),
            (a, b) ->
                new WaitedFor(
                    a.waiter(), holder, resource, a.nanos() + b.nanos(), a.times() + b.times()));
      }
    }
    return byWaiter.values();
  }

  /** Disjoint spans of time in order, with the time in all that lie before each. */
  private static final class Spans {
    private final long[] begins;
    private final long[] ends;
    private final long[] before;

    private Spans(long[] begins, long[] ends) {
      this.begins = begins;
      this.ends = ends;
      this.before = new long[begins.length];
      for (int i = 1; i < begins.length; i++) {
        before[i] = before[i - 1] + ends[i - 1] - begins[i - 1];
      }
    }

    static Spans of(RankRecord rank, String resource, boolean reads) {
      List<LockEvent> holds =
          rank.events().stream()
              .filter(event -> event.holdNanos() > 0 && event.resource().equals(resource))
              .filter(event -> reads || event.use() != LockUse.READ)
              .sorted(Comparator.comparingLong(LockEvent::grantNanos))
              .toList();
      long[] begins = new long[holds.size()];
      long[] ends = new long[holds.size()];
      int size = 0;
      for (LockEvent hold : holds) {
        if (size > 0 && hold.grantNanos() <= ends[size - 1]) {
          ends[size - 1] = Math.max(ends[size - 1], hold.endNanos());
        } else {
          begins[size] = hold.grantNanos();
          ends[size] = hold.endNanos();
          size++;
        }
      }
      return new Spans(Arrays.copyOf(begins, size), Arrays.copyOf(ends, size));
    }

    boolean isEmpty() {
      return begins.length == 0;
    }

    long within(long from, long to) {
      return until(to) - until(from);
    }

    /** The time in all spans before a point. */
    private long until(long point) {
      int found = Arrays.binarySearch(begins, point);
      int last = found >= 0 ? found : -found - 2; // the last that begins at or before the point
      return last < 0 ? 0 : before[last] + Math.min(point, ends[last]) - begins[last];
    }
  }
}
