/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Measures what reading an input allocates: a length that is only declared must cost nothing. */
public final class Bounded {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Bounded() {}

  /** Something that reads an input. */
  @FunctionalInterface
  public interface Reading {
    /**
     * Reads it.
     *
     * @throws Exception what the caller of {@link #run} does not expect
     */
    void run() throws Exception;
  }

  /**
   * Reads an input, and fails if this thread allocated more than it may.
   *
   * <p>The first reading may load classes, which counts as this thread's. So one that takes too
   * much reads again, and only the least of three readings counts.
   *
   * @param most the most bytes that it may allocate
   * @param reading reads the input; is repeatable
   */
  public static void run(long most, Reading reading) throws Exception {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 3 && least > most; i++) {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      reading.run();
      least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
    }
    if (least > most) {
      throw new AssertionError("an input that may take " + most + " bytes of memory took " + least);
    }
  }
}
