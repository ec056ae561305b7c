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
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * No Throwable leaks a lock (docs/promises.md, 16): something is thrown at each call and each
 * allocation of what a rank does, one after the other, and another rank gets the lock each time.
 */
@Proof
@ExtendWith(Silent.class)
class ThrowableInjectionTest {
  private static final List<Supplier<Throwable>> KINDS =
      List.of(
          () -> new Error("injected"),
          StackOverflowError::new,
          OutOfMemoryError::new,
          () -> new InternalError("injected"),
          () -> new RuntimeException("injected"));

  /** In the short form every so many steps, and others with each kind of ranks. */
  private static final int STRIDE = Proof.Size.SHORT ? 7 : 1;

  /** A wait has thousands of steps that are alike: from here on ever fewer of them. */
  private static final int ALIKE = 500;

  /** How many failures a case tells of at most. */
  private static final int TOLD = Integer.getInteger("mpilock.injection.failures", 5);

  private static final List<Fairness> FAIRNESS = List.of(Fairness.values());

  private static Method run;
  private static Method places;

  @BeforeAll
  static void load() throws ReflectiveOperationException {
    Class<?> scenario =
        new InjectingLoader(InjectionScenario.class).loadClass(InjectionScenario.class.getName());
    run =
        scenario.getMethod(
            "run", String.class, String.class, boolean.class, long.class, Throwable.class);
    places = scenario.getMethod("places");
  }

  static Stream<Arguments> cases() {
    return InjectionScenario.names().stream()
        .flatMap(name ->
            Stream.of(false, true)
                .map(twoNodes ->
                    Arguments.argumentSet(
                        name + (twoNodes ? ", on two nodes" : ""), name, twoNodes)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void whateverIsThrownWhereTheLockIsHeldByWhoCanGiveItBackOrFree(String name, boolean twoNodes)
      throws Throwable {
    List<String> failures = new ArrayList<>();
    long steps = 0;
    for (Fairness fairness : Fairness.values()) {
      // Loads all classes, too.
      assertThat(run(name, fairness, twoNodes, Long.MAX_VALUE, new Error())).isFalse();
      for (long at = 1L + (twoNodes ? STRIDE / 2 : 0);
          failures.size() < TOLD;
          at += Math.max(STRIDE, at < ALIKE ? 1 : at / 20)) {
        Throwable failure = KINDS.get((int) (at % KINDS.size())).get();
        try {
          if (!run(name, fairness, twoNodes, at, failure)) {
            break;
          }
        } catch (Throwable wrong) {
          failures.add("step " + at + ", " + fairness + ": " + wrong + where(failure));
        }
        steps++;
      }
    }
    System.out.println(name + ": " + steps + " steps, " + failures.size() + " failures");
    assertThat(failures).isEmpty();
    assertThat(steps).isGreaterThan(10 / STRIDE);
  }

  /** As above, but by places in the code: how many steps a wait has is not the same each time. */
  @ParameterizedTest
  @MethodSource("cases")
  void whereverItIsThrown(String name, boolean twoNodes) throws Throwable {
    List<String> failures = new ArrayList<>();
    int count = 0;
    for (Fairness fairness : Proof.Size.SHORT ? List.of(Fairness.WRITER_FIRST) : FAIRNESS) {
      int[] places = placesOf(name, fairness, twoNodes).stream().toArray();
      assertThat(places).hasSizeGreaterThan(10);
      for (int i = 0; i < places.length && failures.size() < TOLD; i += twoNodes ? 1 : STRIDE) {
        int place = places[i];
        Throwable failure = KINDS.get(count % KINDS.size()).get();
        try {
          run(name, fairness, twoNodes, -place, failure);
        } catch (Throwable wrong) {
          failures.add("place " + place + ", " + fairness + ": " + wrong + where(failure));
        }
        count++;
      }
    }
    System.out.println(name + ": " + count + " places, " + failures.size() + " failures");
    assertThat(failures).isEmpty();
  }

  /** Where a case comes to, in some runs. */
  private static BitSet placesOf(String name, Fairness fairness, boolean twoNodes)
      throws Throwable {
    BitSet _ = (BitSet) places.invoke(null);
    for (int i = 0; i < 5; i++) {
      assertThat(run(name, fairness, twoNodes, Long.MAX_VALUE, new Error())).isFalse();
    }
    return (BitSet) places.invoke(null);
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

  private static boolean run(
      String name, Fairness fairness, boolean twoNodes, long at, Throwable failure)
      throws Throwable {
    try {
      return (boolean) run.invoke(null, name, fairness.name(), twoNodes, at, failure);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
