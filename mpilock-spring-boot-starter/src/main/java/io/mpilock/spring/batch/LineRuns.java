/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Where the runs of lines of a text file begin and end. A line ends as {@link
 * java.io.BufferedReader} sees it: by a line feed, a carriage return, or both. The bytes of these
 * are taken for nothing else, which is so in UTF-8 and all encodings that extend ASCII.
 */
final class LineRuns {
  private static final int BUFFER_BYTES = 1 << 16;
  private static final long[] NONE = {};

  private LineRuns() {}

  /**
   * Finds the runs of all ranks. Reads the file twice, since only the number of lines tells where
   * they begin.
   *
   * @param header how many header lines there are at the beginning
   * @return for each rank its slice of the lines, counted from 0 behind the header, and of the
   *     bytes
   */
  static Run[] find(Path file, int header, int size) throws IOException {
    long rows = count(file, header);
    long[] lines = new long[size + 1];
    for (int rank = 0; rank < size; rank++) {
      lines[rank] = RankSlice.of(rank, size, rows).first();
    }
    lines[size] = rows;
    long[] offsets = offsets(file, header, lines);
    return IntStream.range(0, size)
        .mapToObj(rank ->
            new Run(
                RankSlice.of(rank, size, rows), new RankSlice(offsets[rank], offsets[rank + 1])))
        .toArray(Run[]::new);
  }

  /** Counts the lines behind the header. */
  static long count(Path file, int header) throws IOException {
    return Math.max(0, scan(file, NONE, NONE) - header);
  }

  /**
   * Finds where lines begin.
   *
   * @param lines their numbers behind the header, in ascending order
   * @return the bytes; the end of the file for those beyond it
   */
  static long[] offsets(Path file, int header, long[] lines) throws IOException {
    long[] offsets = new long[lines.length];
    long _ = scan(file, Arrays.stream(lines).map(line -> header + line).toArray(), offsets);
    return offsets;
  }

  /** The same lines, counted and as bytes. */
  record Run(RankSlice lines, RankSlice bytes) {}

  /**
   * Finds where lines begin.
   *
   * @param wanted lines, counted from 0, in ascending order
   * @param offsets gets the byte at which each begins; the end of the file for those beyond it
   * @return the number of lines, unless all that were wanted have been found before the end
   */
  private static long scan(Path file, long[] wanted, long[] offsets) throws IOException {
    byte[] buffer = new byte[BUFFER_BYTES];
    long position = 0;
    long lines = 0;
    int found = 0;
    boolean atBegin = true;
    boolean afterReturn = false;
    try (InputStream in = Files.newInputStream(file)) {
      int count;
      while ((count = in.read(buffer)) > 0) {
        for (int i = 0; i < count; i++, position++) {
          byte current = buffer[i];
          if (afterReturn) {
            afterReturn = false;
            if (current == '\n') {
              continue; // both end one line
            }
          }
          if (atBegin) {
            while (found < wanted.length && wanted[found] == lines) {
              offsets[found++] = position;
            }
            if (wanted.length > 0 && found == wanted.length) {
              return lines;
            }
            lines++;
          }
          afterReturn = current == '\r';
          atBegin = afterReturn || current == '\n';
        }
      }
    }
    while (found < wanted.length) {
      offsets[found++] = position;
    }
    return lines;
  }
}
