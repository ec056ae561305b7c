/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * What a window is made of, as this process sees it.
 *
 * @param release gives the memory back: the MPI_Win that it is, or the mapping of a file;
 *     collective on the {@link MpiThread}
 * @param node the ranks that it is shared by
 * @param control the address of the line before the words, where the ranks that are done are
 *     counted
 * @param words how many words there are
 */
record WindowMemory(Runnable release, MpiGroup node, long control, long words) {

  /** Two cache lines, which the processor fetches together; MPI promises less. */
  static final long ALIGNMENT = 128;

  private static final VarHandle WORD = JAVA_LONG.varHandle();

  /** The address of the first word, aligned to 128 bytes. */
  long address() {
    return control + ALIGNMENT;
  }

  /** Counts a rank that touches the words no more. Pairs with {@link #isIdle}. */
  void countDone() {
    var _ = (long) WORD.getAndAdd(controlLine(), 0L, 1L);
  }

  /** Tells whether every rank is done, so that the words can be used again. */
  boolean isIdle() {
    return (long) WORD.getVolatile(controlLine(), 0L) == node.size();
  }

  /** Begins a new use; on one rank, before the others hear of it. */
  void resetDone() {
    WORD.setVolatile(controlLine(), 0L, 0L);
  }

  private MemorySegment controlLine() {
    return MemorySegment.ofAddress(control).reinterpret(ALIGNMENT);
  }
}
