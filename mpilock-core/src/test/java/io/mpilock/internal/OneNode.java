/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.testing.BareCommunicator;
import io.mpilock.transport.Member;
import io.mpilock.transport.NodeWindow;

/** Ranks of one node over a window that a test gives, all alive. */
public record OneNode(int rank, int size, NodeWindow window) implements BareCommunicator {
  private static final Member[] MEMBERS = {inNodeZero(0), inNodeZero(1), inNodeZero(2)};

  private static Member inNodeZero(int rank) {
    return new Member(rank, 0, "host", 1);
  }

  @Override
  public NodeWindow allocate(long wordsPerRank) {
    return window.view();
  }

  @Override
  public Member member(int rank) {
    return MEMBERS[rank];
  }
}
