/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.Collection;
import java.util.stream.Stream;

/** An event with the rank that it is of. */
record RankEvent(int rank, LockEvent event) {

  /** The events that some ranks have kept, rank by rank. */
  static Stream<RankEvent> of(Collection<RankRecord> ranks) {
    return ranks.stream()
        .flatMap(rank -> rank.events().stream().map(event -> new RankEvent(rank.rank(), event)));
  }
}
