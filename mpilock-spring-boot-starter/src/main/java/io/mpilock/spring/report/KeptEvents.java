/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The events of an account as they were at a moment.
 *
 * @param most how many of the last are wanted
 * @param last the last, and some before them
 * @param worst those that waited longest
 */
record KeptEvents(int most, LastEvents last, WorstWaits worst) {

  /** Gives the last events by their ends and those that waited longest, each once, by begin. */
  List<LockEvent> read(Reader reader) {
    List<LockEvent> ring = new ArrayList<>();
    last.forEach((kind, begin, wait, hold, thread) ->
        ring.add(reader.event(kind, begin, wait, hold, thread)));
    ring.sort(Comparator.comparingLong(LockEvent::endNanos));
    Set<LockEvent> kept = new HashSet<>(ring.subList(Math.max(0, ring.size() - most), ring.size()));
    worst.forEach((kind, begin, wait, hold, thread) ->
        kept.add(reader.event(kind, begin, wait, hold, thread)));
    return kept.stream().sorted(Comparator.comparingLong(LockEvent::beginNanos)).toList();
  }

  /** Makes an event of what was noted. */
  @FunctionalInterface
  interface Reader {
    /** As {@link NoteSink#take}. */
    LockEvent event(long kind, long beginNanos, long waitNanos, long holdNanos, String thread);
  }
}
