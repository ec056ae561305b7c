/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.util.ArrayDeque;
import java.util.Deque;

/** The last steps of a simulated run, for people. Costs nothing while it is off. */
public final class Trace {
  private static final boolean PRINT = Boolean.getBoolean("mpilock.simulation.trace");
  private static final int KEPT = 60;

  private final boolean on;
  private final Deque<String> last = new ArrayDeque<>();

  private Trace(boolean on) {
    this.on = on;
  }

  /**
   * For a run that nobody looks at, unless {@code -Dmpilock.simulation.trace=true} has every step
   * printed.
   *
   * @return a trace that keeps nothing
   */
  public static Trace off() {
    return new Trace(PRINT);
  }

  /**
   * For a run that is known to fail.
   *
   * @return a trace that keeps the last steps
   */
  public static Trace on() {
    return new Trace(true);
  }

  /**
   * Whether steps are kept: to be asked before a line is made.
   *
   * @return false if {@link #add} is a waste
   */
  public boolean isOn() {
    return on;
  }

  /**
   * Keeps a step.
   *
   * @param step its number
   * @param what happens
   */
  public void add(long step, String what) {
    String line = "%7d  %s".formatted(step, what);
    if (PRINT) {
      System.out.println(line);
    }
    last.add(line);
    if (last.size() > KEPT) {
      last.remove();
    }
  }

  @Override
  public String toString() {
    return String.join("\n", last);
  }
}
