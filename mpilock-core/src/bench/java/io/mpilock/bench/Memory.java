/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What this process takes of the machine's memory, in bytes, as Linux counts it. */
final class Memory {
  private static final Path SELF = Path.of("/proc/self");
  private static final long KIBIBYTE = 1024;

  private Memory() {}

  /**
   * What it takes of the Java heap, and of memory that is shared: windows, and what MPI shares.
   *
   * @param heap live objects
   * @param resident shared pages that this process has touched
   * @param proportional the same, each page divided by the processes that have touched it
   */
  record Use(long heap, long resident, long proportional) {
    @Override
    public String toString() {
      return Tables.joined((double) heap, (double) resident, (double) proportional);
    }
  }

  /** After a collection. */
  static Use now() {
    long heap = heap();
    long resident = 0;
    long proportional = 0;
    boolean shared = false;
    for (String line : lines("smaps")) {
      if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
        shared = line.split(" ", 3)[1].endsWith("s");
      } else if (shared && line.startsWith("Rss:")) {
        resident += kibibytes(line);
      } else if (shared && line.startsWith("Pss:")) {
        proportional += kibibytes(line);
      }
    }
    return new Use(heap, resident * KIBIBYTE, proportional * KIBIBYTE);
  }

  /** Resident pages of all kinds. */
  static long resident() {
    return status("VmRSS:");
  }

  /** Resident pages that are shared. */
  static long residentShared() {
    return status("RssShmem:");
  }

  /** The most resident pages since {@link #forgetPeak}. */
  static long peak() {
    return status("VmHWM:");
  }

  /** Begins to look for the peak anew. */
  static void forgetPeak() {
    try {
      Files.writeString(SELF.resolve("clear_refs"), "5");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long heap() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  private static long status(String key) {
    String line =
        lines("status").stream().filter(each -> each.startsWith(key)).findFirst().orElseThrow();
    return kibibytes(line) * KIBIBYTE;
  }

  private static long kibibytes(String line) {
    return Long.parseLong(line.replaceAll("\\D", ""));
  }

  private static List<String> lines(String file) {
    try {
      return Files.readAllLines(SELF.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
