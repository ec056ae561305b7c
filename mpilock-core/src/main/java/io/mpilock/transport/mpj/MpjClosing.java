/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.util.List;

/**
 * Which processes of this node are inside some close: a line for each, in a small window of the
 * world. Once it has ended nobody is leaving any more.
 */
final class MpjClosing {
  private static final long WORDS_PER_RANK = 16; // two cache lines, which are fetched together

  private final List<Integer> node;
  private final MappedWindow lines;
  private final int self;
  private boolean ended;

  /** Collective. */
  MpjClosing(MappedWindowAllocator allocator) {
    node = allocator.node();
    self = node.indexOf(allocator.rank());
    lines = allocator.allocate(WORDS_PER_RANK, WORDS_PER_RANK);
  }

  synchronized void count(int change) {
    if (!ended) {
      lines.getAndAdd(self * WORDS_PER_RANK, change);
    }
  }

  /** Tells of a rank of the world; one of another node is never seen leaving. */
  synchronized boolean isLeaving(int worldRank) {
    int place = node.indexOf(worldRank);
    return place >= 0 && !ended && lines.get(place * WORDS_PER_RANK) > 0;
  }

  synchronized void end() {
    ended = true;
    lines.free();
  }
}
