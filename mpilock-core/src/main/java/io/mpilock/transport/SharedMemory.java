/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * The memory that the processes of a host share: where it is, how much of it is left, and how one
 * makes sure to have it. For transports.
 *
 * <p>A mapped file has memory only where something was written. Without room the first write to a
 * page is a SIGBUS, which ends the JVM; so windows are written once, in a way that fails instead.
 *
 * @since 0.1.0
 */
public final class SharedMemory {

  /** Where MPI libraries and {@code mpj} put it on Linux. */
  private static final Path MEMORY = Path.of("/dev/shm");

  private static final Path ZERO = Path.of("/dev/zero");
  private static final Path MAPPINGS = Path.of("/proc/self/maps");

  /** What others may still need, MPI among them, is at least as much as is taken. */
  private static final int PARTS = 2;

  private SharedMemory() {}

  /**
   * Tells where shared memory is.
   *
   * @return in memory where the system offers that, else among the temporary files
   */
  public static Path directory() {
    return Files.isDirectory(MEMORY) && Files.isWritable(MEMORY)
        ? MEMORY
        : Path.of(System.getProperty("java.io.tmpdir"));
  }

  /**
   * Tells how much is free now.
   *
   * @return bytes
   * @throws IOException if that cannot be found out
   */
  public static long free() throws IOException {
    return Files.getFileStore(directory()).getUsableSpace();
  }

  /**
   * Tells how large a window suits what is free now: half of that, after what was promised to files
   * that this process has mapped and not taken yet, as MPI's segments. To be called on one process
   * of a host, for all.
   *
   * @param ranks how many ranks share the window
   * @param least the fewest words that a rank adds
   * @param most the most words that a rank adds
   * @return how many words each rank adds, from {@code least} to {@code most}; at {@code least}
   *     there need not be room for it
   */
  public static long wordsPerRank(int ranks, long least, long most) {
    try {
      long words = (free() - promised()) / Long.BYTES / PARTS / ranks;
      return Math.clamp(words, least, Math.max(least, most));
    } catch (IOException e) {
      return Math.max(least, most);
    }
  }

  /**
   * What is mapped and not taken. How much of a file is taken is not known, only how much of all;
   * so this is too little where others have taken much, which is where there is more to be had.
   */
  private static long promised() throws IOException {
    long taken =
        Files.getFileStore(directory()).getTotalSpace()
            - Files.getFileStore(directory()).getUnallocatedSpace();
    return Math.max(
        0, mapped(directory(), Files.readString(MAPPINGS, StandardCharsets.ISO_8859_1)) - taken);
  }

  /** The sizes of the files of a directory that are mapped to be shared, each once. */
  static long mapped(Path directory, String mappings) {
    Map<String, Long> files = new HashMap<>();
    for (String line : mappings.lines().toList()) {
      // from-to rwxs offset device inode path
      String[] fields = line.split(" +", 6);
      if (fields.length == 6 && fields[1].endsWith("s") && fields[5].startsWith(directory + "/")) {
        String[] range = fields[0].split("-", 2);
        long bytes = Long.parseUnsignedLong(range[1], 16) - Long.parseUnsignedLong(range[0], 16);
        files.merge(fields[3] + " " + fields[4], bytes, Long::sum);
      }
    }
    return files.values().stream().mapToLong(Long::longValue).sum();
  }

  /**
   * Writes zeroes to shared memory, so that it is there from now on whatever becomes of the rest.
   * Done by a read of the kernel's into it: where the processor's own write would end the process,
   * the kernel returns an error. Not to be interrupted.
   *
   * @param memory mapped memory, up to its limit
   * @throws IOException if there is no room for it
   */
  public static void reserve(ByteBuffer memory) throws IOException {
    if (!Files.isReadable(ZERO)) {
      return; // no such system: that there is room was looked at
    }
    try (FileChannel zeroes = FileChannel.open(ZERO, StandardOpenOption.READ)) {
      while (memory.hasRemaining() && zeroes.read(memory) > 0) {
        // to the end
      }
    }
  }
}
