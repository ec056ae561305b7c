/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.TestInfo;

/**
 * Repeats a simulation with another seed each time, and says how to repeat the run that fails.
 *
 * <p>Every test draws a base seed and prints it; the seeds of its runs follow from that. A run that
 * fails is done once more with its trace on, so the message has its last steps, and the command
 * that does just this run again.
 *
 * <pre>
 *   -Dmpilock.simulation.seed=S         one run, with this seed
 *   -Dmpilock.simulation.base=B         all runs that follow from this base seed
 *   -Dmpilock.simulation.runs=N         N runs of a test that counts runs
 *   -Dmpilock.simulation.operations=N   N operations of a test that counts operations
 *   -Dmpilock.simulation.trace=true     prints every step
 * </pre>
 */
public final class Runs {
  private static final String PREFIX = "mpilock.simulation.";

  /** One run: all that happens in it follows from the seed. */
  @FunctionalInterface
  public interface Simulated {
    /**
     * Runs.
     *
     * @param seed decides everything
     * @param trace where its steps go
     * @return how many operations were done
     * @throws Exception if something is wrong, as an {@link AssertionError} does
     */
    long run(long seed, Trace trace) throws Exception;
  }

  private final String test;
  private final String replay;
  private final @Nullable Long onlySeed = Long.getLong(PREFIX + "seed");
  private final long base = Long.getLong(PREFIX + "base", ThreadLocalRandom.current().nextLong());

  private Runs(TestInfo info) {
    String name = info.getTestClass().orElseThrow().getSimpleName();
    String method = info.getTestMethod().orElseThrow().getName();
    test = name + "." + method;
    replay =
        "mvn -B -pl mpilock-core test -Dsurefire.failIfNoSpecifiedTests=false '-Dtest=%s#%s' -D%sseed="
            .formatted(name, method, PREFIX);
  }

  /**
   * The runs of a test.
   *
   * @param info names the test, for the command that repeats a run
   * @return with a fresh base seed
   */
  public static Runs of(TestInfo info) {
    return new Runs(info);
  }

  /**
   * Runs that often.
   *
   * @param count unless the command line says otherwise, or wants the short form
   * @param simulated one run
   */
  public void times(int count, Simulated simulated) {
    go(Integer.getInteger(PREFIX + "runs", (int) Proof.Size.of(count)), Long.MAX_VALUE, simulated);
  }

  /**
   * Runs until that many operations were done.
   *
   * @param count unless the command line says otherwise, or wants the short form
   * @param simulated one run
   */
  public void operations(long count, Simulated simulated) {
    go(Integer.MAX_VALUE, Long.getLong(PREFIX + "operations", Proof.Size.of(count)), simulated);
  }

  private void go(int runs, long operations, Simulated simulated) {
    Long only = onlySeed;
    if (only != null) {
      once(only, simulated);
      return;
    }
    System.out.printf("%s: base seed %d%n", test, base);
    long done = 0;
    int run = 0;
    while (run < runs && done < operations) {
      done += once(seed(base, run++), simulated);
    }
    System.out.printf("%s: %d operations in %d runs%n", test, done, run);
  }

  /**
   * The seed of a run: neighbours have nothing in common.
   *
   * <p>Source: the mixing function of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
   * Generators" (OOPSLA 2014).
   *
   * @param base the base seed
   * @param run the number of the run
   * @return its seed
   */
  public static long seed(long base, long run) {
    long z = base + (run + 1) * 0x9e3779b97f4a7c15L;
    z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
    z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
    return z ^ z >>> 31;
  }

  private long once(long seed, Simulated simulated) {
    try {
      return simulated.run(seed, Trace.off());
    } catch (Exception | Error e) {
      throw new AssertionError(
          "%s%nSeed %d. It is repeated by%n  %s%d%nIts last steps:%n%s"
              .formatted(e.getMessage(), seed, replay, seed, lastSteps(seed, simulated)),
          e);
    }
  }

  private static String lastSteps(long seed, Simulated simulated) {
    Trace trace = Trace.on();
    try {
      simulated.run(seed, trace);
      return "(it did not fail again: something else than the seed decides)";
    } catch (Exception | Error e) {
      return trace + "\n" + e.getMessage();
    }
  }
}
