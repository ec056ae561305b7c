/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.testing.InjectingLoader;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Silent;
import java.lang.reflect.Method;
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
  private static final int STRIDE = Proof.Size.SHORT ? 7 : 1;

  private static Method agent;
  private static Method recovery;
  private static Method places;

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

  private static void throwEverywhere(String what, InjectionRuns.Run run) throws Throwable {
    int[] all = InjectionRuns.placesOf(places, run);
    assertThat(all).hasSizeGreaterThan(50);
    InjectionRuns.Outcome outcome = InjectionRuns.throwAt(all, 0, STRIDE, what, run);
    assertThat(outcome.failures()).isEmpty();
    assertThat(outcome.thrown()).isGreaterThan(outcome.places() / 3);
  }
}
