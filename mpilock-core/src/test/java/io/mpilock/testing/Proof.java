/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;

/**
 * Marks a test class that looks at many states, interleavings, seeds or minutes of what other tests
 * look at once: a model, Lincheck, jcstress, a simulation, fuzzing, a soak, leaks. It needs more
 * time than the first lane has ({@code config/verify.sh}), so {@code config/verify.sh --full} and,
 * in its short form, {@code .ci/run} run it. All other test classes are in the first lane.
 *
 * <p>{@link Size} makes the short form.
 */
@Tag("proof")
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
public @interface Proof {

  /** How large a proof is: its size as it is written, or a short form of it. */
  final class Size {
    /** {@code -Dmpilock.proofs=short}. */
    public static final boolean SHORT = "short".equals(System.getProperty("mpilock.proofs"));

    private static final int SHARE = 5;

    private Size() {}

    /**
     * A number of runs, operations or the like.
     *
     * @param full how many are usual
     * @return that, or a fifth in the short form
     */
    public static long of(long full) {
      return SHORT ? Math.max(1, full / SHARE) : full;
    }
  }
}
