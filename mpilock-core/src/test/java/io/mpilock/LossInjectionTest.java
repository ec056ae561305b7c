/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.InjectingLoader;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Silent;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What no caller's thread does: something is thrown at each place of a node's agent, and of the
 * recovery of what a dead rank left. Each rank gets the lock or is told; no close hangs.
 */
@Proof
@ExtendWith(Silent.class)
class LossInjectionTest {
  private static final List<Supplier<Throwable>> KINDS =
      List.of(
          () -> new Error("injected"),
          StackOverflowError::new,
          OutOfMemoryError::new,
          () -> new InternalError("injected"),
          () -> new RuntimeException("injected"));

  private static final int STRIDE = Proof.Size.SHORT ? 7 : 1;

  private static final int TOLD = Integer.getInteger("mpilock.injection.failures", 5);

  private static Method agent;
  private static Method recovery;
  private static Method places;

  /** One run: whether it came to the place. */
  private interface Run {
    Object of(long at, Throwable failure) throws ReflectiveOperationException;
  }

  @BeforeAll
  static void load() throws ReflectiveOperationException {
    Class<?> scenario =
        new InjectingLoader(LossScenario.class).loadClass(LossScenario.class.getName());
    agent = scenario.getMethod("agent", String.class, long.class, Throwable.class);
    recovery =
        scenario.getMethod("recovery", String.class, String.class, long.class, Throwable.class);
    places = scenario.getMethod("places");
  }

  @ParameterizedTest
  @ValueSource(strings = {"sync", "use", "close"})
  void whereverItIsThrownAtAnAgentNobodyWaitsForEver(String phase) throws Throwable {
    throwEverywhere("agent in " + phase, (at, failure) -> agent.invoke(null, phase, at, failure));
  }

  @ParameterizedTest
  @CsvSource({"000,read", "000,write", "001,read", "001,write"})
  void whereverARecoveryIsCutShortAnotherGetsTheLock(String nodeOfRank, String held)
      throws Throwable {
    throwEverywhere(
        "recovery of a " + held + ", " + nodeOfRank,
        (at, failure) -> recovery.invoke(null, nodeOfRank, held, at, failure));
  }

  private static void throwEverywhere(String what, Run run) throws Throwable {
    BitSet _ = (BitSet) places.invoke(null);
    for (int i = 0; i < 5; i++) {
      assertThat(run(run, Long.MAX_VALUE, new Error())).isFalse();
    }
    int[] all = ((BitSet) places.invoke(null)).stream().toArray();
    assertThat(all).hasSizeGreaterThan(50);
    List<String> failures = new ArrayList<>();
    int count = 0;
    int thrown = 0;
    for (int i = 0; i < all.length && failures.size() < TOLD; i += STRIDE) {
      Throwable failure = KINDS.get(count % KINDS.size()).get();
      try {
        thrown += run(run, -all[i], failure) ? 1 : 0;
      } catch (Throwable wrong) {
        failures.add("place " + all[i] + ": " + told(wrong) + where(failure));
        System.out.println(failures.getLast());
      }
      count++;
    }
    System.out.println(
        what + ": " + count + " places, " + thrown + " thrown, " + failures.size() + " failures");
    assertThat(failures).isEmpty();
    assertThat(thrown).isGreaterThan(count / 3);
  }

  private static boolean run(Run run, long at, Throwable failure) throws Throwable {
    try {
      return (boolean) run.of(at, failure);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static String told(Throwable wrong) {
    StringBuilder text = new StringBuilder().append(wrong);
    for (Throwable cause = wrong.getCause(); cause != null; cause = cause.getCause()) {
      text.append("\n  by ").append(cause);
    }
    return text.toString();
  }

  private static String where(Throwable failure) {
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
