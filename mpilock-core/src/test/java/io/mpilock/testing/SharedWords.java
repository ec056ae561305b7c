/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Plain 64-bit words in a file that all ranks map, with no ordering or atomicity of their own: what
 * a lock has to protect. A read-modify-write that two ranks do at once loses an update.
 */
public final class SharedWords {
  private final LongBuffer words;

  private SharedWords(LongBuffer words) {
    this.words = words;
  }

  /** Maps a file of zeroes, made by whoever comes first. */
  public static SharedWords open(Path file, int count) throws IOException {
    Files.createDirectories(file.getParent());
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      return new SharedWords(
          channel
              .map(FileChannel.MapMode.READ_WRITE, 0, (long) count * Long.BYTES)
              .order(ByteOrder.nativeOrder())
              .asLongBuffer());
    }
  }

  public long get(int index) {
    return words.get(index);
  }

  public void set(int index, long value) {
    words.put(index, value);
  }

  /** Not atomic, on purpose. */
  public long increment(int index) {
    long next = words.get(index) + 1;
    words.put(index, next);
    return next;
  }
}
