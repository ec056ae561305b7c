/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command of a process that a test starts: a JVM like this one, for a short life. */
public final class Jvm {
  /** Whether the second compiler works, and nothing is done for a short life. */
  public static final boolean OPTIMISES = Boolean.getBoolean("mpilock.test.optimise");

  private Jvm() {}

  /**
   * Java with the options that suit. More than half of the processor time of a rank that lives for
   * seconds goes to the second compiler, so it does not run, unless with {@code
   * -Dmpilock.test.optimise=true}, as in {@code config/verify.sh --full}.
   *
   * @param options more of them
   * @return the words of the command, to which class path and main class may be added
   */
  public static List<String> command(String... options) {
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.add("-XX:+UseSerialGC");
    if (!OPTIMISES) {
      words.add("-XX:TieredStopAtLevel=1");
    }
    words.addAll(List.of(options));
    return words;
  }
}
