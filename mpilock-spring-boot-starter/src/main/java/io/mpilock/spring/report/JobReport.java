/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the locks of a job came to.
 *
 * @param size the number of ranks of the job
 * @param master the rank that reports
 * @param transport the transport, for people
 * @param ranks the figures of those ranks that are known, by rank
 * @param missing the ranks whose figures are not known, with the reason
 * @param modes the figures of all ranks together, by resource and mode
 * @param pairs who waited for whom, the worst first
 */
record JobReport(
    int size,
    int master,
    String transport,
    List<RankRecord> ranks,
    SortedMap<Integer, String> missing,
    List<ModeRecord> modes,
    List<WaitedFor> pairs) {

  static JobReport of(int size, int master, String transport, Gathered gathered) {
    Collection<RankRecord> ranks = gathered.ranks().values();
    return new JobReport(
        size,
        master,
        transport,
        List.copyOf(ranks),
        gathered.missing(),
        merge(ranks),
        Overlaps.of(ranks));
  }

  private static List<ModeRecord> merge(Collection<RankRecord> ranks) {
    SortedMap<String, SortedMap<LockUse, ModeRecord>> merged = new TreeMap<>();
    ranks.stream()
        .flatMap(rank -> rank.modes().stream())
        .forEach(mode ->
            merged
                .computeIfAbsent(mode.resource(), name -> new TreeMap<>())
                .merge(mode.use(), mode, ModeRecord::plus));
    List<ModeRecord> modes = new ArrayList<>();
    merged.values().forEach(uses -> modes.addAll(uses.values()));
    return modes;
  }

  long recorded() {
    return ranks.stream().mapToLong(RankRecord::recorded).sum();
  }

  long kept() {
    return ranks.stream().mapToLong(rank -> rank.events().size()).sum();
  }

  long beginNanos() {
    return ranks.stream().mapToLong(RankRecord::beginNanos).min().orElse(0);
  }

  long endNanos() {
    return ranks.stream().mapToLong(RankRecord::endNanos).max().orElse(0);
  }

  /** The events that took longest, if there are more, by their begin. */
  List<RankEvent> longestEvents(int most) {
    return RankEvent.of(ranks)
        .sorted(
            Comparator.comparingLong(
                    (RankEvent at) -> at.event().waitNanos() + at.event().holdNanos())
                .reversed())
        .limit(most)
        .sorted(
            Comparator.comparingLong((RankEvent at) -> at.event().beginNanos())
                .thenComparingInt(RankEvent::rank))
        .toList();
  }

  /** The longest waits of all ranks, the longest first. */
  List<RankEvent> worstWaits(int most) {
    return RankEvent.of(ranks)
        .filter(at -> at.event().waitNanos() > 0)
        .sorted(
            Comparator.comparingLong((RankEvent wait) -> wait.event().waitNanos())
                .reversed()
                .thenComparingInt(RankEvent::rank))
        .limit(most)
        .toList();
  }
}
