/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.LockPlans.Stage;
import io.mpilock.internal.agent.WaitExchange;
import io.mpilock.internal.rank.DeadlockDetector;
import io.mpilock.internal.rank.WaitForGraph;
import io.mpilock.internal.window.WaitRecord;
import io.mpilock.internal.window.WaitTable;
import io.mpilock.testing.Mutant;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Silent;
import io.mpilock.testing.Trace;
import java.util.function.LongUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Faults planted in the search for cycles, each of which random plans must show. */
@ExtendWith(Silent.class)
@Proof
class LockPlansTeethTest {
  private static final long MOST_PLANS = 100_000;
  private static final long MOST_PLANS_OVER_NODES = 8_000;

  /** On one node. */
  static final class OneNode implements LongUnaryOperator {
    @Override
    public long applyAsLong(long seed) {
      return plan(seed, Stage.ONE_NODE);
    }
  }

  /** With ranks that stand still. */
  static final class Standstill implements LongUnaryOperator {
    @Override
    public long applyAsLong(long seed) {
      return plan(seed, Stage.STANDSTILL);
    }
  }

  /** Over nodes. */
  static final class Nodes implements LongUnaryOperator {
    @Override
    public long applyAsLong(long seed) {
      return plan(seed, Stage.NODES_STANDSTILL);
    }
  }

  private static long plan(long seed, Stage stage) {
    try {
      new LockPlans(seed, stage, Trace.off()).run();
      return 1;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  enum Fault {
    LOOKS_ONCE(DeadlockDetector.class, "!cycle.isSameAs(seen)", "false", Nodes.class),
    GIVES_UP_THE_EARLIEST(WaitRecord.class, "? since > other.since", "? since < other.since"),
    EACH_GIVES_UP(
        DeadlockDetector.class, "(awaited == null && !cycle.latest().isSameAs(mine))", "false"),
    SHOWS_A_WAIT_THAT_IS_OVER(
        WaitTable.class, "window.set(record(node.me(), slot) + Layout.WAIT_VERSION, 0);", ""),
    TIMED_LASTS(WaitTable.class, "(wait.timed() ? 2 : 0)", "0"),
    READS_AND_WRITES_MIXED_UP(
        WaitTable.class, "(wait.writes() ? 1 : 0)", "(wait.writes() ? 0 : 1)"),
    READERS_KEEP_OUT_READERS(
        WaitForGraph.class,
        "return writer != null && !(lasting && writer.timed());",
        "return true;"),
    TOLD_IS_NEVER_GIVEN_UP(DeadlockDetector.class, "|| cycle.isSameAs(told)", "|| told != null"),
    SEES_NO_READER_LET_IN(
        WaitTable.class, "return batch >= 0\n", "return false\n", Standstill.class),
    HEARS_ONLY_ONCE(
        WaitExchange.class,
        "told.put(from, waits);",
        "told.putIfAbsent(from, waits);",
        Nodes.class),
    TELLS_NO_END(
        WaitExchange.class,
        "if (waits.isEmpty() && silent) {",
        "if (waits.isEmpty()) {",
        Nodes.class);

    private final Class<?> type;
    private final String right;
    private final String wrong;
    private final Class<? extends LongUnaryOperator> plans;

    Fault(Class<?> type, String right, String wrong) {
      this(type, right, wrong, OneNode.class);
    }

    Fault(Class<?> type, String right, String wrong, Class<? extends LongUnaryOperator> plans) {
      this.type = type;
      this.right = right;
      this.wrong = wrong;
      this.plans = plans;
    }
  }

  /** One takes a minute. */
  static Stream<Fault> faults() {
    return Stream.of(Fault.values())
        .filter(fault -> !Proof.Size.SHORT || fault != Fault.LOOKS_ONCE);
  }

  @ParameterizedTest
  @MethodSource("faults")
  void thePlantedFaultIsSeen(Fault fault) throws Exception {
    long most = fault.plans == Nodes.class ? MOST_PLANS_OVER_NODES : MOST_PLANS;
    Mutant.of(fault.type, fault.right, fault.wrong).assertSeen(fault, fault.plans, most);
  }
}
