/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.rank.DirectoryEntries;
import io.mpilock.internal.rank.DirectoryLock;
import io.mpilock.testing.Mutant;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Runs;
import io.mpilock.testing.Silent;
import io.mpilock.testing.Trace;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Names that give their place back while others take theirs, and faults planted in that. */
@ExtendWith(Silent.class)
@Proof
class NamesSimulationTest {
  private static final long OPERATIONS = 2_000_000;
  private static final long MOST_OPERATIONS = 3_000_000;

  @Test
  void namesComeAndGo(TestInfo info) {
    Runs.of(info)
        .operations(OPERATIONS, (seed, trace) -> new NamesSimulation(seed, false, trace).run());
  }

  @Test
  void aRankMayDieAtAnyStep(TestInfo info) {
    Runs.of(info)
        .operations(OPERATIONS, (seed, trace) -> new NamesSimulation(seed, true, trace).run());
  }

  /** A run, with a death in every other one. */
  static final class Run implements LongUnaryOperator {
    @Override
    public long applyAsLong(long seed) {
      try {
        return new NamesSimulation(seed, (seed & 1) == 0, Trace.off()).run();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  enum Fault {
    USES_IN_SILENCE(Directory.class, "      entries.use(lockLine, 1);\n", ""),
    FREES_WHAT_IS_USED(
        DirectoryEntries.class, "Layout.USES) != 0 && !gone[rank]", "Layout.USES) < 0"),
    FREES_WHAT_IS_OWNED(DirectoryEntries.class, ": LockWords.isFree(state);", ": true;"),
    FREES_WHAT_IS_READ(DirectoryEntries.class, "LockWords.holds(reads) != 0", "reads < 0"),
    TOKENS_GO_BACK(
        DirectoryEntries.class,
        "Math.max(window.get(Layout.FIRST_TOKEN), token + 1)",
        "window.get(Layout.FIRST_TOKEN)"),
    TELLS_OF_NO_CHANGE(
        Directory.class, "    window.set(Layout.DIRECTORY_CHANGES, changes + 1);\n", ""),
    NAMES_WITHOUT_A_LOOK(
        Directory.class, "    readNew(); // another rank may have named it meanwhile\n", ""),
    TAKES_OVER_WITHOUT_A_WORD(
        DirectoryLock.class,
        "      window.getAndAdd(Layout.DIRECTORY_CHANGES, Layout.CHANGES);\n",
        "");

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
    Mutant.of(fault.type, fault.right, fault.wrong).assertSeen(fault, Run.class, MOST_OPERATIONS);
  }
}
