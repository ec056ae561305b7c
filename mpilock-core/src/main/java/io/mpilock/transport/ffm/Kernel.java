/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Under which kernel a process runs, and which process ids it sees.
 *
 * @param boot the id of the kernel's boot; empty where a system tells none
 * @param ids the namespace of process ids; empty if /proc is not that of this process
 */
record Kernel(String boot, String ids) {
  private static final int LONGEST = 60;

  static Kernel ofThisProcess() {
    return new Kernel(bootOfSelf(), idsOfSelf());
  }

  private static String bootOfSelf() {
    try {
      return shortened(Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip());
    } catch (IOException e) {
      return "";
    }
  }

  private static String idsOfSelf() {
    try {
      String self = Files.readSymbolicLink(Path.of("/proc/self")).toString();
      return self.equals(Long.toString(ProcessHandle.current().pid()))
          ? shortened(Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString())
          : "";
    } catch (IOException | UnsupportedOperationException e) {
      return "";
    }
  }

  private static String shortened(String text) {
    return text.length() <= LONGEST ? text : "";
  }

  /** Writes it; {@link #get} reads it. */
  void put(ByteBuffer target) {
    byte[] text = (boot + "\n" + ids).getBytes(StandardCharsets.UTF_8);
    target.put(text, 0, Math.min(text.length, target.remaining()));
  }

  /** Reads what {@link #put} wrote into zeroes; of anything else, something that is no place. */
  static Kernel get(ByteBuffer source) {
    String[] parts =
        StandardCharsets.UTF_8.decode(source).toString().split("\0", 2)[0].split("\n", -1);
    return parts.length == 2 ? new Kernel(parts[0], parts[1]) : new Kernel("", "");
  }
}
