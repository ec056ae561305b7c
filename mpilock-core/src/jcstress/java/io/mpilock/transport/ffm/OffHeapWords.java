/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.transport.NodeWindow;
import java.lang.foreign.Arena;

/** The words of {@code native} without MPI: its window over memory outside of the heap. */
public final class OffHeapWords {
  private OffHeapWords() {}

  /** Gives zeroed words that live as long as the JVM. */
  @SuppressWarnings(
      "NullAway") // the run time and the group are for the end of a window, which never comes
  public static NodeWindow of(long words) {
    long bytes = WindowMemory.ALIGNMENT + words * Long.BYTES;
    long control = Arena.global().allocate(bytes, WindowMemory.ALIGNMENT).address();
    return NativeWindow.of(null, new WindowMemory(() -> {}, null, control, words), false);
  }
}
