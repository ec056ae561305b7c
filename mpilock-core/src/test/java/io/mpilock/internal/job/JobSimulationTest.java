/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import io.mpilock.internal.job.JobSimulation.Trouble;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Runs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** The job's locks in a million operations of random jobs, checked at each step. */
@Proof
class JobSimulationTest {

  @Test
  void noOrderOfEventsBreaksExclusionOrOrderOrLosesAWakeUp(TestInfo info) {
    Runs.of(info)
        .operations(
            1_000_000, (seed, trace) -> new JobSimulation(seed, Trouble.NOTHING, trace).run());
  }

  @Test
  void noOrderOfEventsLetsAnybodyInAfterAWriterDiedOrKeepsWhatADeadRankHeld(TestInfo info) {
    Runs.of(info)
        .operations(600_000, (seed, trace) -> new JobSimulation(seed, Trouble.DEATHS, trace).run());
  }

  @Test
  void noOrderOfEventsGivesTwiceWhatALostNodeHasOrLetsAnybodyWaitForIt(TestInfo info) {
    Runs.of(info)
        .operations(400_000, (seed, trace) -> new JobSimulation(seed, Trouble.LOSS, trace).run());
  }
}
