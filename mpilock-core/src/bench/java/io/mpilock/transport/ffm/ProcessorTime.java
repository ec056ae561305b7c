/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** This process's processor time to the nanosecond; the JDK has it in steps of 10 ms. */
public final class ProcessorTime {
  private static final int CLOCK_PROCESS_CPUTIME_ID = 2;

  private final MethodHandle getTime;
  private final MemorySegment time = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG, 2);

  /** Finds the C library's function. */
  public ProcessorTime() {
    Linker linker = Linker.nativeLinker();
    getTime =
        linker.downcallHandle(
            linker.defaultLookup().find("clock_gettime").orElseThrow(),
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
  }

  /**
   * Reads the clock. Not for several threads.
   *
   * @return nanoseconds of all threads since the start of the process
   */
  public long nanos() {
    try {
      if ((int) getTime.invokeExact(CLOCK_PROCESS_CPUTIME_ID, time) != 0) {
        throw new IllegalStateException("clock_gettime failed");
      }
      return time.getAtIndex(ValueLayout.JAVA_LONG, 0) * 1_000_000_000
          + time.getAtIndex(ValueLayout.JAVA_LONG, 1);
    } catch (Throwable e) {
      throw Downcalls.failed("clock_gettime", e);
    }
  }
}
