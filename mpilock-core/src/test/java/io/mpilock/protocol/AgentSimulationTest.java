package io.mpilock.protocol;

import io.mpilock.protocol.ClusterSimulation.Trouble;
import io.mpilock.testing.Mutant;
import io.mpilock.testing.Runs;
import io.mpilock.testing.Silent;
import io.mpilock.testing.Trace;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whole jobs with their real agents, from sync to close, in many orders of events and with every
 * kind of loss; and faults planted in the agents, each of which must be seen.
 */
@ExtendWith(Silent.class)
class AgentSimulationTest {
  private static final int RUNS = 25;
  private static final long MOST_OPERATIONS = 100_000;

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

  private static void run(TestInfo info, Trouble trouble) {
    Runs.of(info).times(RUNS, (seed, trace) -> new ClusterSimulation(seed, trouble, trace).run());
  }

  /** A run with one trouble or another, as the seed says. */
  static final class AnyTrouble implements LongUnaryOperator {
    @Override
    public long applyAsLong(long seed) {
      Trouble[] troubles = {Trouble.NOTHING, Trouble.DEATH, Trouble.DEATH, Trouble.HOST_LOST};
      Trouble trouble = troubles[(int) Math.floorMod(seed, (long) troubles.length)];
      try {
        return new ClusterSimulation(seed, trouble, Trace.off()).run();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  enum Fault {
    HEARS_NO_HEARTBEAT(Agent.class, "    lastHeard[from] = node.nanoTime();", ""),
    ENDS_WHILE_RANKS_USE_IT(Agent.class, "open += node.life(member) == Node.OPEN ? 1 : 0;", ""),
    NOTICES_NO_SILENCE(Agent.class, "now - lastHeard[other] > patience", "false");

    private final Class<?> type;
    private final String right;
    private final String wrong;

    Fault(Class<?> type, String right, String wrong) {
      this.type = type;
      this.right = right;
      this.wrong = wrong;
    }
  }

  @ParameterizedTest
  @EnumSource
  void thePlantedFaultIsSeen(Fault fault) throws Exception {
    Mutant.of(fault.type, fault.right, fault.wrong)
        .assertSeen(fault, AnyTrouble.class, MOST_OPERATIONS);
  }
}
