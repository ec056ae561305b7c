/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import io.mpilock.testing.Mutant;
import io.mpilock.testing.Proof;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Faults planted in the tree of the collective calls, each of which the simulation must see. */
@Proof
class BranchSimulationTeethTest {
  private static final long MOST_OPERATIONS = 100_000;

  static final class AnyJob implements LongUnaryOperator {
    @Override
    public long applyAsLong(long seed) {
      return new BranchSimulationTest.Job(seed).run();
    }
  }

  enum Fault {
    WAITS_FOR_HALF_OF_ITS_CHILDREN(
        CallBranch.class, "== 1 + children.length", "== 1 + children.length / 2"),
    WAITS_NOT_FOR_ITS_OWN_RANKS(CallBranch.class, "== 1 + children.length", "== children.length"),
    FORGETS_A_DIFFERENCE(CallBranch.class, "all = all.and(each);", "all = each;"),
    MIXES_CALLS(CallBranch.class, "report.call() != next || ", ""),
    KEEPS_WHAT_WAS_SAID_OF_AN_EARLIER_CALL(CallBranch.class, "      arrived.clear();\n", ""),
    PASSES_NOTHING_ON(CallBranch.class, "      outbox.send(child, message);\n", ""),
    OBEYS_WITHOUT_PASSING_ON_WHAT_FAILED(
        CallBranch.class,
        "for (int child : children) {",
        "for (int child : message instanceof Message.Ask ? new int[0] : children) {"),
    TELLS_NOBODY_WHO_CLOSES(CallRoot.class, "      toAll.accept(closing);\n", ""),
    DECIDES_AFRESH(CallRoot.class, "    number++;\n", ""),
    GOES_WHEN_THEY_DIFFER(CallRoot.class, "Verdict.mayGo(arrived.kind())", "true");

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
        .assertSeen(fault, AnyJob.class, MOST_OPERATIONS);
  }
}
