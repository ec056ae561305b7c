/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.mpilock.transport.Communicator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which processes of this node are inside some close, which stay away from MPI's end, and which
 * groups are out of step, since an opening was cut short: a few lines for each, in a small window
 * of the world. Gone with the runtime; then nobody is leaving any more.
 */
final class MpiClosing {
  private static final long BYTES_PER_RANK = 8 * WindowMemory.ALIGNMENT;

  static final long WORDS_PER_RANK = BYTES_PER_RANK / Long.BYTES;

  // In a rank's line, behind the count of its closes.
  private static final long AWAY = Long.BYTES;
  private static final long HERE = 2 * Long.BYTES;

  // In the first line: of the node.
  private static final long ELSEWHERE = 3 * Long.BYTES;
  private static final long TOLD = 4 * Long.BYTES;

  // In a rank's line again: groups that it has told of as out of step, and for each the rank of the
  // world + 1 that does not come. Such a group stays so. More than there is room for: all groups.
  private static final int CUT_SHORT_GROUPS = 40;
  private static final long CUT_SHORT = 5 * Long.BYTES;
  private static final long ALL_GROUPS = -1;

  /** How many bytes, and these: why, of the first of these groups. */
  private static final long REASON = CUT_SHORT + 2 * CUT_SHORT_GROUPS * Long.BYTES;

  private static final long REASON_BYTES = BYTES_PER_RANK - REASON - Long.BYTES;

  private static final VarHandle WORD = JAVA_LONG.varHandle();

  private final Arena arena = Arena.ofShared();
  private final MpiGroup node;
  private final MemorySegment lines;

  MpiClosing(WindowMemory memory) {
    node = memory.node();
    lines =
        MemorySegment.ofAddress(memory.address())
            .reinterpret(memory.words() * Long.BYTES, arena, null);
    long mine = line(node.rank());
    if (mine + BYTES_PER_RANK > Communicator.ZEROED_WORDS * Long.BYTES) {
      var _ = lines.asSlice(mine, BYTES_PER_RANK).fill((byte) 0);
    }
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

  /** A rank that does not come to the collective calls of a group: of the world; and why. */
  record CutShort(int worldRank, String reason) {}

  /**
   * Says that a group is out of step for ever, since a rank does not come.
   *
   * @param group its id, not 0
   * @param worldRank who does not come
   */
  synchronized void cutShort(long group, int worldRank, String reason) {
    if (!arena.scope().isAlive()) {
      return;
    }
    long mine = line(node.rank());
    for (int i = 0; i < CUT_SHORT_GROUPS; i++) {
      long at = mine + CUT_SHORT + 2L * i * Long.BYTES;
      long there = (long) WORD.getVolatile(lines, at);
      if (there == group || there == ALL_GROUPS) {
        return;
      }
      if (there == 0) {
        boolean last = i == CUT_SHORT_GROUPS - 1;
        WORD.setVolatile(lines, at + Long.BYTES, worldRank + 1L);
        if (i == 0) {
          byte[] text = reason.getBytes(StandardCharsets.UTF_8);
          int length = (int) Math.min(text.length, REASON_BYTES);
          MemorySegment.copy(
              text, 0, lines, ValueLayout.JAVA_BYTE, mine + REASON + Long.BYTES, length);
          WORD.setVolatile(lines, mine + REASON, (long) length);
        }
        WORD.setVolatile(lines, at, last ? ALL_GROUPS : group); // behind what belongs to it
        return;
      }
    }
  }

  /** Tells whether a group is out of step, as far as a rank of this node has said so. */
  @Nullable CutShort cutShort(long group) {
    for (int rank = 0; rank < node.size() && arena.scope().isAlive(); rank++) {
      long its = line(rank);
      for (int i = 0; i < CUT_SHORT_GROUPS; i++) {
        long at = its + CUT_SHORT + 2L * i * Long.BYTES;
        long told = (long) WORD.getVolatile(lines, at);
        if (told == 0) {
          break;
        }
        if (told == group || told == ALL_GROUPS) {
          int who = (int) (long) WORD.getVolatile(lines, at + Long.BYTES) - 1;
          return new CutShort(who, i == 0 ? reason(its) : "");
        }
      }
    }
    return null;
  }

  private String reason(long its) {
    byte[] text =
        new byte[(int) Math.clamp((long) WORD.getVolatile(lines, its + REASON), 0, REASON_BYTES)];
    MemorySegment.copy(
        lines, ValueLayout.JAVA_BYTE, its + REASON + Long.BYTES, text, 0, text.length);
    return new String(text, StandardCharsets.UTF_8);
  }

  void end() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private static long line(int rank) {
    return rank * BYTES_PER_RANK;
  }
}
