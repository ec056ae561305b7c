/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import io.mpilock.transport.NodeWindow;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** A thread's id and the start of its name, as words that other ranks can read. Diagnosis only. */
public final class ThreadId {
  private static final int NAME_BYTES = Layout.NAME_WORDS * Long.BYTES;

  private final long id;
  private final long name0;
  private final long name1;
  private final long name2;

  public ThreadId(Thread thread) {
    id = thread.threadId();
    String name = thread.getName();
    ByteBuffer bytes = bytes(name.isEmpty() ? "unnamed" : name);
    name0 = bytes.getLong(0);
    name1 = bytes.getLong(Long.BYTES);
    name2 = bytes.getLong(2 * Long.BYTES);
  }

  /** The id alone. */
  public long value() {
    return id;
  }

  /** Tells whether this thread's id stands there. */
  public boolean stands(NodeWindow window, long index) {
    return window.get(index) == id;
  }

  /**
   * Writes id and name, unless they stand there already. The id comes last: who sees it where there
   * was none sees the whole name.
   */
  public void put(NodeWindow window, long index) {
    if (!stands(window, index)) {
      window.setRelease(index + 1, name0);
      window.setRelease(index + 2, name1);
      window.setRelease(index + 3, name2);
      window.setRelease(index, id);
    }
  }

  /** As much of a name as there is room for, in whole characters. */
  private static ByteBuffer bytes(String name) {
    ByteBuffer bytes = ByteBuffer.allocate(NAME_BYTES);
    StandardCharsets.UTF_8.newEncoder().encode(java.nio.CharBuffer.wrap(name), bytes, true);
    return bytes;
  }

  /** Writes a name alone. */
  public static void putName(NodeWindow window, long index, String name) {
    ByteBuffer bytes = bytes(name);
    for (int i = 0; i < Layout.NAME_WORDS; i++) {
      window.setRelease(index + i, bytes.getLong(i * Long.BYTES));
    }
  }

  /** Reads the name that {@link #put} wrote; may mix two threads if one is being written now. */
  public static String name(NodeWindow window, long index) {
    return nameAlone(window, index + 1);
  }

  /** Reads the name that {@link #putName} wrote. */
  public static String nameAlone(NodeWindow window, long index) {
    ByteBuffer bytes = ByteBuffer.allocate(NAME_BYTES);
    for (int i = 0; i < Layout.NAME_WORDS; i++) {
      bytes.putLong(window.get(index + i));
    }
    return new String(bytes.array(), StandardCharsets.UTF_8).replace("\0", "");
  }
}
