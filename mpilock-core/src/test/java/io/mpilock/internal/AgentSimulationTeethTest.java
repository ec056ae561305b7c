/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.ClusterSimulation.Trouble;
import io.mpilock.internal.agent.Agent;
import io.mpilock.internal.agent.NodeWatch;
import io.mpilock.testing.Mutant;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Silent;
import io.mpilock.testing.Trace;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Faults planted in the source of the agent, each of which the simulation must see. */
@ExtendWith(Silent.class)
@Proof
class AgentSimulationTeethTest {
  private static final long MOST_OPERATIONS = 400_000;

  /** A run with one trouble or another, as the seed says. */
  static final class AnyTrouble implements LongUnaryOperator {
    @Override
    public long applyAsLong(long seed) {
      Trouble[] troubles = {
        Trouble.NOTHING, Trouble.DEATH, Trouble.CONNECTIONS_END, Trouble.HOST_LOST
      };
      Trouble trouble = troubles[(int) Math.floorMod(seed, (long) troubles.length)];
      try {
        return new ClusterSimulation(seed, trouble, Trace.off()).run();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** Faults that only connections that end can show are looked for among these. */
  static final class ConnectionsEnd implements LongUnaryOperator {
    @Override
    public long applyAsLong(long seed) {
      try {
        return new ClusterSimulation(seed, Trouble.CONNECTIONS_END, Trace.off()).run();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  enum Fault {
    HEARS_NO_HEARTBEAT(NodeWatch.class, "    lastHeard[from] = node.nanoTime();", ""),
    ENDS_WHILE_RANKS_USE_IT(
        Agent.class, "open += node.life(member) == RankContext.OPEN ? 1 : 0;", ""),
    NOTICES_NO_SILENCE(NodeWatch.class, "now - lastHeard[other] > mostSilence", "false"),
    NOTICES_NO_END(NodeWatch.class, "|| hasEnded(other, now)", ""),
    BELIEVES_ANY_END(NodeWatch.class, "now - suspectSince[other] > CUT_OFF_NANOS", "true"),
    DOES_NOT_ANSWER(NodeWatch.class, "if (message.asks()) {", "if (false) {", ConnectionsEnd.class);

    private final Class<?> type;
    private final String right;
    private final String wrong;
    private final Class<? extends LongUnaryOperator> simulation;

    Fault(Class<?> type, String right, String wrong) {
      this(type, right, wrong, AnyTrouble.class);
    }

    Fault(
        Class<?> type, String right, String wrong, Class<? extends LongUnaryOperator> simulation) {
      this.type = type;
      this.right = right;
      this.wrong = wrong;
      this.simulation = simulation;
    }
  }

  @ParameterizedTest
  @EnumSource
  void thePlantedFaultIsSeen(Fault fault) throws Exception {
    Mutant.of(fault.type, fault.right, fault.wrong)
        .assertSeen(fault, fault.simulation, MOST_OPERATIONS);
  }
}
