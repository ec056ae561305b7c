/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.test;

/** What {@link RankContextRunner} runs on each rank. */
@FunctionalInterface
public interface RankConsumer {

  /**
   * Runs one rank.
   *
   * @param rank this rank, with its context
   * @throws Throwable if the rank fails
   */
  void accept(TestRank rank) throws Throwable;
}
