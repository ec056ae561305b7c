/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.window.CoreSettings;
import io.mpilock.testing.BareCommunicator;
import io.mpilock.transport.Member;
import java.time.Duration;
import java.util.Set;

/** One of two ranks of a node in a stress test; its window is given elsewhere. */
record StressRank(int rank) implements BareCommunicator {
  static final CoreSettings SETTINGS =
      new CoreSettings(
          0,
          false,
          Set.of(),
          0,
          false,
          true,
          Duration.ofDays(1),
          Duration.ofSeconds(30),
          Duration.ofSeconds(4),
          1,
          (value, out) -> {},
          in -> null,
          (resource, report) -> {});

  @Override
  public int size() {
    return Slice.RANKS;
  }

  @Override
  public Member member(int rank) {
    return new Member(rank, 0, "host", 1);
  }
}
