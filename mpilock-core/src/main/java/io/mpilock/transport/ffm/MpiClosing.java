/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * Which processes of this node are inside some close, and which stay away from MPI's end: a line
 * for each, in a small window of the world. Gone with the runtime; then nobody is leaving any more.
 */
final class MpiClosing {
  static final long WORDS_PER_RANK = WindowMemory.ALIGNMENT / Long.BYTES;

  // In a rank's line, behind the count of its closes.
  private static final long AWAY = Long.BYTES;
  private static final long HERE = 2 * Long.BYTES;

  // In the first line: of the node.
  private static final long ELSEWHERE = 3 * Long.BYTES;
  private static final long TOLD = 4 * Long.BYTES;

  private static final VarHandle WORD = JAVA_LONG.varHandle();

  private final Arena arena = Arena.ofShared();
  private final MpiGroup node;
  private final MemorySegment lines;

  MpiClosing(WindowMemory memory) {
    node = memory.node();
    lines =
        MemorySegment.ofAddress(memory.address())
            .reinterpret(memory.words() * Long.BYTES, arena, null);
  }

  void count(int change) {
    if (arena.scope().isAlive()) {
      var _ = (long) WORD.getAndAdd(lines, line(node.rank()), (long) change);
    }
  }

  /** Tells of a rank of the world; one of another node is never seen leaving. */
  boolean isLeaving(int worldRank) {
    for (int rank = 0; rank < node.size(); rank++) {
      if (node.worldRank(rank) == worldRank && arena.scope().isAlive()) {
        return (long) WORD.getVolatile(lines, line(rank)) > 0;
      }
    }
    return false;
  }

  /** Says that this process takes no part in MPI's end, though it may live on: it has failed. */
  void stayAway() {
    if (arena.scope().isAlive()) {
      WORD.setVolatile(lines, line(node.rank()) + AWAY, 1L);
    }
  }

  /**
   * Tells whether a rank of the world stays away from MPI's end: of another node's as far as its
   * node has told.
   */
  boolean isStayingAway(int worldRank) {
    if (elsewhere() == (worldRank + 1L) << 1) {
      return true;
    }
    for (int rank = 0; rank < node.size(); rank++) {
      if (node.worldRank(rank) == worldRank && arena.scope().isAlive()) {
        return (long) WORD.getVolatile(lines, line(rank) + AWAY) != 0;
      }
    }
    return false;
  }

  /** Says that this process waits for MPI's end. */
  void arrive() {
    if (arena.scope().isAlive()) {
      WORD.setVolatile(lines, line(node.rank()) + HERE, 1L);
    }
  }

  /** The ranks of this node, as ranks of the world, that have not come to MPI's end. */
  List<Integer> missing() {
    List<Integer> missing = new ArrayList<>();
    for (int rank = 0; rank < node.size() && arena.scope().isAlive(); rank++) {
      if ((long) WORD.getVolatile(lines, line(rank) + HERE) == 0) {
        missing.add(node.worldRank(rank));
      }
    }
    return missing;
  }

  /** Shows the ranks of this node a rank of another one that will not come to MPI's end. */
  void showElsewhere(int worldRank, boolean ended) {
    if (arena.scope().isAlive()) { // one of them is enough: the end cannot be without any
      WORD.compareAndSet(lines, ELSEWHERE, 0L, (worldRank + 1L) << 1 | (ended ? 1 : 0));
    }
  }

  private long elsewhere() {
    return arena.scope().isAlive() ? (long) WORD.getVolatile(lines, ELSEWHERE) : 0;
  }

  /** The rank of another node that has ended, by what was shown; -1 if none. */
  int endedElsewhere() {
    long shown = elsewhere();
    return (shown & 1) == 0 ? -1 : (int) (shown >> 1) - 1;
  }

  /** True for one rank of this node, which is to tell other nodes what all of this one see. */
  boolean mayTell() {
    return arena.scope().isAlive() && WORD.compareAndSet(lines, TOLD, 0L, 1L);
  }

  void end() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private static long line(int rank) {
    return rank * WindowMemory.ALIGNMENT;
  }
}
