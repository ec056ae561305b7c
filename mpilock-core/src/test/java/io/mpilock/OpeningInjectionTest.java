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

/**
 * An opening that is cut short is told (docs/promises.md, 10 and 16): something is thrown at each
 * place of one rank's {@code sync}, the transport's own included. The other ranks fail soon and
 * name it, or have a controller that works without it; no close hangs, and a second {@code sync}
 * works or is refused on all ranks.
 */
@Proof
@ExtendWith(Silent.class)
class OpeningInjectionTest {
  private static final int STRIDE = Proof.Size.SHORT ? 5 : 1;

  private static Method run;
  private static Method places;

  @BeforeAll
  static void load() throws ReflectiveOperationException {
    Class<?> scenario =
        new InjectingLoader(OpeningScenario.class, "io.mpilock.transport.local")
            .loadClass(OpeningScenario.class.getName());
    run = scenario.getMethod("run", String.class, int.class, long.class, Throwable.class);
    places = scenario.getMethod("places");
  }

  @ParameterizedTest
  @CsvSource({"001,0", "000,0", "000,1", "001,1", "001,2", "011,1", "011,2"})
  void whereverItIsThrownTheOthersAreTold(String nodeOfRank, int faulty) throws Throwable {
    InjectionRuns.Run one = (at, failure) -> run.invoke(null, nodeOfRank, faulty, at, failure);
    int[] all = InjectionRuns.placesOf(places, one);
    assertThat(all).hasSizeGreaterThan(200);
    InjectionRuns.Outcome outcome =
        InjectionRuns.throwAt(all, faulty, STRIDE, nodeOfRank + ", rank " + faulty, one);
    assertThat(outcome.failures()).isEmpty();
    assertThat(outcome.thrown()).isGreaterThan(outcome.places() / 2);
  }
}
