/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.InjectingLoader;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Silent;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
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
  /** In the short form every so many steps, and others with each kind of ranks. */
  private static final int STRIDE = Proof.Size.SHORT ? 7 : 1;

  /** A wait has thousands of steps that are alike: from here on ever fewer of them. */
  private static final int ALIKE = 500;

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
          failures.size() < InjectionRuns.TOLD;
          at += Math.max(STRIDE, at < ALIKE ? 1 : at / 20)) {
        Throwable failure = InjectionRuns.failure(at);
        try {
          if (!run(name, fairness, twoNodes, at, failure)) {
            break;
          }
        } catch (Throwable wrong) {
          failures.add(
              "step " + at + ", " + fairness + ": " + wrong + InjectionRuns.where(failure));
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
      int[] all = InjectionRuns.placesOf(places, oneOf(name, fairness, twoNodes));
      assertThat(all).hasSizeGreaterThan(10);
      for (int i = 0;
          i < all.length && failures.size() < InjectionRuns.TOLD;
          i += twoNodes ? 1 : STRIDE) {
        int place = all[i];
        Throwable failure = InjectionRuns.failure(count);
        try {
          run(name, fairness, twoNodes, -place, failure);
        } catch (Throwable wrong) {
          failures.add(
              "place " + place + ", " + fairness + ": " + wrong + InjectionRuns.where(failure));
        }
        count++;
      }
    }
    System.out.println(name + ": " + count + " places, " + failures.size() + " failures");
    assertThat(failures).isEmpty();
  }

  private static InjectionRuns.Run oneOf(String name, Fairness fairness, boolean twoNodes) {
    return (at, failure) -> run.invoke(null, name, fairness.name(), twoNodes, at, failure);
  }

  private static boolean run(
      String name, Fairness fairness, boolean twoNodes, long at, Throwable failure)
      throws Throwable {
    return InjectionRuns.run(oneOf(name, fairness, twoNodes), at, failure);
  }
}
