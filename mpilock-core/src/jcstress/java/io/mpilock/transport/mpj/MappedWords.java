/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.transport.NodeWindow;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;

/** The words of {@code mpj}: its window over a file that this JVM maps. */
public final class MappedWords {
  private MappedWords() {}

  /**
   * Gives zeroed words that live as long as the JVM.
   *
   * @param directory where the file is made; it has no name any more when this returns
   */
  public static NodeWindow of(Path directory, long words) throws IOException {
    Path path = Files.createTempFile(directory, "words", null);
    try {
      try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
        file.setLength(words * Long.BYTES);
      }
      return new MappedWindow(path, words);
    } finally {
      Files.delete(path);
    }
  }
}
