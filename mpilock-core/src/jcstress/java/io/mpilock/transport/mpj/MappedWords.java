/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.WindowFile;
import java.io.IOException;

/** The words of {@code mpj}: its window over a file that this JVM maps. */
public final class MappedWords {
  private MappedWords() {}

  /** Gives zeroed words that live as long as the JVM, of a file that has no name any more. */
  public static NodeWindow of(long words) throws IOException {
    try (WindowFile file = WindowFile.create(words * Long.BYTES, true)) {
      return new MappedWindow(file.path().toString(), words);
    }
  }
}
