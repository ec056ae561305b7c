/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Supplier;

/** Throws at one place in the code after the other, and tells what went wrong. */
final class InjectionRuns {
  /** How many failures a case tells of at most. */
  static final int TOLD = Integer.getInteger("mpilock.injection.failures", 5);

  private static final List<Supplier<Throwable>> KINDS =
      List.of(
          () -> new Error("injected"),
          StackOverflowError::new,
          OutOfMemoryError::new,
          () -> new InternalError("injected"),
          () -> new RuntimeException("injected"));

  /** One run of a scenario that another class loader has. */
  interface Run {
    /**
     * Runs it.
     *
     * @param at the step to throw at, or the place, as {@code Injection.arm} has it
     * @return whether it came there
     */
    Object of(long at, Throwable failure) throws ReflectiveOperationException;
  }

  /**
   * What came of a case.
   *
   * @param places how many were tried
   * @param thrown at how many of them it was thrown
   * @param failures what went wrong
   */
  record Outcome(int places, int thrown, List<String> failures) {}

  private InjectionRuns() {}

  /** Gives what to throw: of each kind in turn. */
  static Throwable failure(long number) {
    return KINDS.get((int) (number % KINDS.size())).get();
  }

  static boolean run(Run run, long at, Throwable failure) throws Throwable {
    try {
      return (boolean) run.of(at, failure);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  /** Where a case comes to, in some runs. */
  static int[] placesOf(Method places, Run run) throws Throwable {
    BitSet _ = (BitSet) places.invoke(null);
    for (int i = 0; i < 5; i++) {
      assertThat(run(run, Long.MAX_VALUE, new Error())).isFalse();
    }
    return ((BitSet) places.invoke(null)).stream().toArray();
  }

  /** Throws at every so many of some places, from one of them on. */
  static Outcome throwAt(int[] places, int first, int stride, String what, Run run) {
    List<String> failures = new ArrayList<>();
    int thrown = 0;
    int count = 0;
    for (int i = first; i < places.length && failures.size() < TOLD; i += stride) {
      Throwable failure = failure(count);
      try {
        thrown += run(run, -places[i], failure) ? 1 : 0;
      } catch (Throwable wrong) {
        failures.add("place " + places[i] + ": " + told(wrong) + where(failure));
        System.out.println(failures.getLast());
      }
      count++;
    }
    System.out.println(
        what + ": " + count + " places, " + thrown + " thrown, " + failures.size() + " failures");
    return new Outcome(count, thrown, failures);
  }

  private static String told(Throwable wrong) {
    StringBuilder text = new StringBuilder().append(wrong);
    for (Throwable cause = wrong.getCause(); cause != null; cause = cause.getCause()) {
      text.append("\n  by ").append(cause);
    }
    return text.toString();
  }

  /** Where in mpilock something was thrown. */
  static String where(Throwable failure) {
    StringBuilder at = new StringBuilder("\n  ").append(failure).append(", thrown");
    for (StackTraceElement frame : failure.getStackTrace()) {
      if (frame.getClassName().startsWith("io.mpilock.")
          && !frame.getClassName().startsWith("io.mpilock.testing.")) {
        at.append("\n    at ").append(frame);
      }
    }
    return at.append('\n').toString();
  }
}
