/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.HdrHistogram.Histogram;

/** Takes histograms from rank to rank. */
public final class Histograms {
  private Histograms() {}

  /**
   * Writes one.
   *
   * @param histogram what one rank has
   * @return its bytes
   */
  public static byte[] encoded(Histogram histogram) {
    ByteBuffer buffer = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
    histogram.encodeIntoByteBuffer(buffer);
    return Arrays.copyOf(buffer.array(), buffer.position());
  }

  /**
   * Reads one.
   *
   * @param bytes from {@link #encoded}
   * @return the histogram
   */
  public static Histogram decoded(ByteBuffer bytes) {
    return Histogram.decodeFromByteBuffer(bytes, 0);
  }
}
