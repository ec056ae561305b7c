/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.condition;

import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.aot.AbstractAotProcessor;
import org.springframework.core.env.Environment;

/** This process's rank according to the environment. */
final class ThisRank {
  private static final String RANK = "mpilock.rank";
  private static final String SIZE = "mpilock.size";
  private static final String MASTER = "mpilock.master";

  private final Binder binder;
  private final int rank;

  /**
   * Looks it up.
   *
   * @throws IllegalStateException if the environment does not tell it, or the application is
   *     processed ahead of time: the rank of the machine that builds it would be everybody's
   */
  ThisRank(Environment environment) {
    if (environment.getProperty(AbstractAotProcessor.AOT_PROCESSING, Boolean.class, false)) {
      throw new IllegalStateException(
          "A condition on the rank cannot be decided ahead of time, for all ranks at once. Ask"
              + " LockTemplate.isMaster() or rank() at run time instead of using"
              + " @ConditionalOnMaster and @ConditionalOnRank, or do not process the application"
              + " ahead of time.");
    }
    this.binder = Binder.get(environment);
    this.rank =
        binder
            .bind(RANK, Integer.class)
            .orElseThrow(() ->
                new IllegalStateException(
                    "The rank of this process is not known: "
                        + RANK
                        + " is not in the environment. SpringApplication sets it. Set it yourself in"
                        + " a context that is started without SpringApplication."));
    checkIsOfJob(rank, RANK);
  }

  int rank() {
    return rank;
  }

  int master() {
    int master = binder.bind(MASTER, Integer.class).orElse(0);
    checkIsOfJob(master, MASTER);
    return master;
  }

  /**
   * Checks that there is such a rank, as far as it can be known.
   *
   * @param who names it in the message
   * @throws IllegalStateException if there is not
   */
  void checkIsOfJob(int candidate, String who) {
    int size = binder.bind(SIZE, Integer.class).orElse(Integer.MAX_VALUE);
    if (candidate < 0 || candidate >= size) {
      throw new IllegalStateException(
          size == Integer.MAX_VALUE
              ? "%s is %d, but ranks are not negative.".formatted(who, candidate)
              : "%s is %d, but this job has %d rank(s), numbered 0 to %d."
                  .formatted(who, candidate, size, size - 1));
    }
  }
}
