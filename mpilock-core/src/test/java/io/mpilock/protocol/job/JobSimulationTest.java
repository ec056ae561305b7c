package io.mpilock.protocol.job;

import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The job's lock in many random orders of events. Each run of the test begins at another seed; the
 * message of a failure says how to repeat it, {@code -Dmpilock.simulation.trace=true} shows it.
 */
@Timeout(300)
class JobSimulationTest {
  private static final int RUNS = Integer.getInteger("mpilock.simulation.runs", 1_000);
  private static final long FIRST_SEED =
      Long.getLong("mpilock.simulation.seed", ThreadLocalRandom.current().nextInt());

  @Test
  void noOrderOfEventsBreaksExclusionOrOrderOrLosesAWakeUp() {
    run(false);
  }

  @Test
  void noOrderOfEventsLetsAnybodyInAfterAWriterDied() {
    run(true);
  }

  private static void run(boolean deaths) {
    for (long seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
      try {
        new JobSimulation(seed, deaths).run(100);
      } catch (Throwable e) {
        throw new AssertionError(
            "-Dmpilock.simulation.runs=1 -Dmpilock.simulation.seed=" + seed + ": " + e.getMessage(),
            e);
      }
    }
  }
}
