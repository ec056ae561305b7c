/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.ClusterSimulation.Trouble;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Runs;
import io.mpilock.testing.Silent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Whole jobs with their real agents, from sync to close, in many orders of events and with every
 * kind of loss.
 */
@ExtendWith(Silent.class)
@Proof
class AgentSimulationTest {
  private static final int RUNS = 25;

  @Test
  void everyOperationOfAJobWithoutTroubleSucceeds(TestInfo info) {
    run(info, Trouble.NOTHING);
  }

  @Test
  void interruptsLoseNobodyElsesOperation(TestInfo info) {
    run(info, Trouble.INTERRUPTS);
  }

  @Test
  void aStallShorterThanTheTimeOutLosesNothing(TestInfo info) {
    run(info, Trouble.STALL);
  }

  @Test
  void theDeathOfARankIsToldOnEveryNodeAndShutsNobodyOut(TestInfo info) {
    run(info, Trouble.DEATH);
  }

  @Test
  void theDeathOfAnAgentIsToldOnEveryNode(TestInfo info) {
    run(info, Trouble.DEATH_OF_AN_AGENT);
  }

  @Test
  void theLossOfAHostIsToldOnEveryNode(TestInfo info) {
    run(info, Trouble.HOST_LOST);
  }

  @Test
  void aHostThatIsCutOffAndTheOthersTellEachOtherLost(TestInfo info) {
    run(info, Trouble.HOST_CUT_OFF);
  }

  @Test
  void aConnectionThatOnlyEndsLosesNothing(TestInfo info) {
    run(info, Trouble.CONNECTIONS_END);
  }

  private static void run(TestInfo info, Trouble trouble) {
    Runs.of(info).times(RUNS, (seed, trace) -> new ClusterSimulation(seed, trouble, trace).run());
  }
}
