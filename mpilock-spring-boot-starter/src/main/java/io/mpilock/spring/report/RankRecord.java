/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.List;

/**
 * What one rank has recorded.
 *
 * @param rank the rank
 * @param host the name of its host
 * @param pid its process id
 * @param beginNanos when it began to record, in nanoseconds since 1970 by its host's clock
 * @param endNanos when it ended to
 * @param recorded how many events there were
 * @param modes the figures of all of them
 * @param events the last of them, and those that waited longest, by their begin
 */
record RankRecord(
    int rank,
    String host,
    long pid,
    long beginNanos,
    long endNanos,
    long recorded,
    List<ModeRecord> modes,
    List<LockEvent> events) {

  RankRecord {
    modes = List.copyOf(modes);
    events = List.copyOf(events);
  }

  long waitNanos() {
    return modes.stream().mapToLong(ModeRecord::waitNanos).sum();
  }

  long holdNanos() {
    return modes.stream().mapToLong(ModeRecord::holdNanos).sum();
  }

  long granted() {
    return modes.stream().mapToLong(ModeRecord::granted).sum();
  }
}
