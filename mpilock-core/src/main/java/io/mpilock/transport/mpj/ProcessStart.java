/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/**
 * When a process started, which with its id names it for good. Linux counts it from the boot; a
 * time of day would not be the same to two processes that look, since clocks are set.
 */
final class ProcessStart {
  /** In /proc/PID/stat, counted from the field behind the command's name. */
  private static final int FIELD = 19;

  private ProcessStart() {}

  /** The time in a unit of the system's; 0 if there is no such process. */
  static long of(long pid) {
    Path stat = Path.of("/proc", Long.toString(pid), "stat");
    try {
      String line = new String(Files.readAllBytes(stat), StandardCharsets.ISO_8859_1);
      // The command's name stands in parentheses and may itself contain spaces and parentheses.
      List<String> fields = List.of(line.substring(line.lastIndexOf(')') + 2).split(" ", -1));
      return fields.getFirst().equals("Z") ? 0 : Long.parseLong(fields.get(FIELD));
    } catch (IOException e) {
      return Files.exists(Path.of("/proc/self/stat")) ? 0 : byHandle(pid);
    }
  }

  private static long byHandle(long pid) {
    return ProcessHandle.of(pid)
        .filter(ProcessHandle::isAlive)
        .map(handle -> handle.info().startInstant().map(Instant::toEpochMilli).orElse(1L))
        .orElse(0L);
  }
}
