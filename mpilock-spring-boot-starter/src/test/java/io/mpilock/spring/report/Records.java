/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;

/** Ranks' figures made by hand. */
final class Records {
  static final long EPOCH = 1_790_000_000_000_000_000L;

  private Records() {}

  static LockEvent event(String resource, LockUse use, long begin, long wait, long hold) {
    return new LockEvent(
        resource, use, LockOutcome.GRANTED, wait > 0, "main", EPOCH + begin, wait, hold);
  }

  static RankRecord rank(int rank, LockEvent... events) {
    SortedMap<String, SortedMap<LockUse, ModeRecord>> modes = new TreeMap<>();
    for (LockEvent event : events) {
      Histogram waits = Histograms.plain();
      Histograms.record(waits, event.waitNanos());
      Histogram holds = Histograms.plain();
      Histograms.record(holds, event.holdNanos());
      modes
          .computeIfAbsent(event.resource(), name -> new TreeMap<>())
          .merge(
              event.use(),
              new ModeRecord(
                  event.resource(),
                  event.use(),
                  event.contended() ? 1 : 0,
                  0,
                  0,
                  event.waitNanos(),
                  event.holdNanos(),
                  waits,
                  holds),
              ModeRecord::plus);
    }
    return new RankRecord(
        rank,
        "node" + rank / 2,
        100 + rank,
        EPOCH,
        EPOCH + 1_000_000_000,
        events.length,
        modes.values().stream().flatMap(uses -> uses.values().stream()).toList(),
        List.of(events));
  }

  static JobReport report(int size, RankRecord... ranks) {
    SortedMap<Integer, RankRecord> known = new TreeMap<>();
    for (RankRecord rank : ranks) {
      known.put(rank.rank(), rank);
    }
    SortedMap<Integer, String> missing = new TreeMap<>();
    for (int rank = 0; rank < size; rank++) {
      if (!known.containsKey(rank)) {
        missing.put(rank, "it died");
      }
    }
    return JobReport.of(size, 0, "local", new Gathered(known, missing));
  }
}
