/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.test;

/**
 * What {@link RankContextRunner} runs on each rank.
 *
 * @since 0.1.0
 */
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
