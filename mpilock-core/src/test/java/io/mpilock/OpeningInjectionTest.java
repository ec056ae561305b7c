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

/**
 * An opening that is cut short is told (docs/promises.md, 10 and 16): something is thrown at each
 * place of one rank's {@code sync}, the transport's own included. The other ranks fail soon and
 * name it, or have a controller that works without it; no close hangs, and a second {@code sync}
 * works or is refused on all ranks.
 */
@Proof
@ExtendWith(Silent.class)
class OpeningInjectionTest {
  private static final List<Supplier<Throwable>> KINDS =
      List.of(
          () -> new Error("injected"),
          StackOverflowError::new,
          OutOfMemoryError::new,
          () -> new InternalError("injected"),
          () -> new RuntimeException("injected"));

  private static final int STRIDE = Proof.Size.SHORT ? 5 : 1;

  private static final int TOLD = Integer.getInteger("mpilock.injection.failures", 5);

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
    BitSet _ = (BitSet) places.invoke(null);
    for (int i = 0; i < 5; i++) {
      assertThat(run(nodeOfRank, faulty, Long.MAX_VALUE, new Error())).isFalse();
    }
    int[] all = ((BitSet) places.invoke(null)).stream().toArray();
    assertThat(all).hasSizeGreaterThan(200);
    List<String> failures = new ArrayList<>();
    int thrown = 0;
    int count = 0;
    for (int i = faulty; i < all.length && failures.size() < TOLD; i += STRIDE) {
      Throwable failure = KINDS.get(count % KINDS.size()).get();
      try {
        thrown += run(nodeOfRank, faulty, -all[i], failure) ? 1 : 0;
      } catch (Throwable wrong) {
        failures.add("place " + all[i] + ": " + told(wrong) + where(failure));
        System.out.println(failures.getLast());
      }
      count++;
    }
    System.out.println(
        nodeOfRank
            + ", rank "
            + faulty
            + ": "
            + count
            + " places, "
            + thrown
            + " thrown, "
            + failures.size()
            + " failures");
    assertThat(failures).isEmpty();
    assertThat(thrown).isGreaterThan(count / 2);
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

  private static boolean run(String nodeOfRank, int faulty, long at, Throwable failure)
      throws Throwable {
    try {
      return (boolean) run.invoke(null, nodeOfRank, faulty, at, failure);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
