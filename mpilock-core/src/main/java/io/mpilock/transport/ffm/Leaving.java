package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Which processes of this node are inside some close, and which stay away from MPI's end: a line
 * for each, in a small window of the world. Gone with the runtime; then nobody is leaving any more.
 */
final class Leaving {
  static final long WORDS_PER_RANK = WindowMemory.ALIGNMENT / Long.BYTES;

  private static final VarHandle WORD = JAVA_LONG.varHandle();

  private final Arena arena = Arena.ofShared();
  private final Group node;
  private final MemorySegment lines;

  Leaving(WindowMemory memory) {
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
      WORD.setVolatile(lines, line(node.rank()) + Long.BYTES, 1L);
    }
  }

  /** Tells whether a rank of the world stays away from MPI's end; as {@link #isLeaving}. */
  boolean isStayingAway(int worldRank) {
    for (int rank = 0; rank < node.size(); rank++) {
      if (node.worldRank(rank) == worldRank && arena.scope().isAlive()) {
        return (long) WORD.getVolatile(lines, line(rank) + Long.BYTES) != 0;
      }
    }
    return false;
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
