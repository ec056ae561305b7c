/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.LockPlans.Stage;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Runs;
import io.mpilock.testing.Silent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Random plans of locks in locks: each cycle is ended by its latest request, and nothing else. */
@Timeout(3600)
@ExtendWith(Silent.class)
@Proof
class LockPlansTest {

  /** Of which the short form has a fifth. */
  private static final int MANY = Proof.Size.SHORT ? 20_000 : 250_000;

  private static final int SOME = Proof.Size.SHORT ? 250 : 1_000;

  @Test
  void eachCircleOnANodeIsEndedOnce(TestInfo info) {
    run(info, Stage.ONE_NODE, MANY);
  }

  @Test
  void aRankThatStandsStillMakesNoCircle(TestInfo info) {
    run(info, Stage.STANDSTILL, MANY);
  }

  @Test
  void eachCircleOverNodesIsEndedOnce(TestInfo info) {
    run(info, Stage.NODES, SOME);
  }

  @Test
  void aNodeThatStandsStillMakesNoCircle(TestInfo info) {
    run(info, Stage.NODES_STANDSTILL, SOME);
  }

  private static void run(TestInfo info, Stage stage, int plans) {
    Runs.of(info).times(plans, (seed, trace) -> new LockPlans(seed, stage, trace).run());
  }
}
