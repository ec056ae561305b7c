/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static io.mpilock.internal.InterleavedRanks.Step.DOWNGRADE;
import static io.mpilock.internal.InterleavedRanks.Step.INTERRUPT;
import static io.mpilock.internal.InterleavedRanks.Step.NESTED_READ;
import static io.mpilock.internal.InterleavedRanks.Step.READ;
import static io.mpilock.internal.InterleavedRanks.Step.TIMED_READ;
import static io.mpilock.internal.InterleavedRanks.Step.TIMED_WRITE;
import static io.mpilock.internal.InterleavedRanks.Step.TRY_WRITE;
import static io.mpilock.internal.InterleavedRanks.Step.UPGRADE;
import static io.mpilock.internal.InterleavedRanks.Step.WRITE;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.internal.InterleavedClose.Other;
import io.mpilock.internal.InterleavedRanks.Fault;
import io.mpilock.internal.InterleavedRanks.Part;
import io.mpilock.internal.InterleavedRanks.Step;
import io.mpilock.testing.Proof;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jetbrains.lincheck.Lincheck;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.LincheckSettings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The levels of a rank and of a node together, under Lincheck: threads of one rank and of another
 * run one at a time, and change at accesses to shared memory, monitors and parking, in many ways.
 * Checked are the steps of a {@linkplain SequentialLock sequential lock}, and that nobody waits for
 * ever.
 *
 * <p>{@code -Dmpilock.interleavings=long} tries more of them; {@code
 * -Dmpilock.interleavings.seed=N} other scripts.
 */
@Proof
class RankLockInterleavingTest {
  static final boolean LONG = "long".equals(System.getProperty("mpilock.interleavings"));
  static final int RUNS =
      Integer.getInteger("mpilock.interleavings.runs", LONG ? 3_000 : (int) Proof.Size.of(120));
  private static final int ATTEMPTS = 5;
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  /** In which a planted fault must be found; most are in the first few. */
  private static final int MOST_RUNS = LONG ? 60_000 : 2_400;

  /** With longer loops than by default: a new entry of the directory is 96 words to clear. */
  private static final LincheckSettings SETTINGS = settings();

  private static LincheckSettings settings() {
    // Formats once before: the JDK's tables of locales are long loops, taken for a live-lock.
    LOG.log(System.Logger.Level.TRACE, "Thread '%s' of rank %d".formatted("warm-up", 0));
    LincheckSettings usual = new LincheckSettings();
    return new LincheckSettings(
        usual.getAnalyzeStdLib(),
        usual.getLoopIterationsBeforeThreadSwitch(),
        20 * usual.getLoopBound(),
        usual.getRecursionBound());
  }

  private static final String FOUND = "The following interleaving leads to the error";
  private static final int SCRIPTS = LONG ? 60 : Proof.Size.SHORT ? 1 : 3;
  private static final long SEED = Long.getLong("mpilock.interleavings.seed", 1);

  private static Part part(int rank, Step... steps) {
    return new Part(rank, List.of(steps));
  }

  private static InterleavedRanks ranks(boolean phaseFair, int handoverLimit, Part... parts) {
    return new InterleavedRanks(List.of(parts), phaseFair, handoverLimit, Fault.NONE);
  }

  private static void check(Runnable threads) {
    try {
      explore(RUNS, threads);
    } catch (LincheckAssertionError e) {
      throw new AssertionError("An interleaving breaks " + threads, e);
    }
  }

  private static void checkFound(Runnable faulty) {
    assertThatThrownBy(() -> explore(MOST_RUNS, faulty))
        .isInstanceOf(LincheckAssertionError.class)
        .hasMessageContaining(FOUND);
  }

  /**
   * Tries interleavings. Lincheck gives one run a time limit of its own, which a busy machine may
   * exceed while the classes are prepared, in the first run; it then tells of no interleaving.
   */
  private static void explore(int runs, Runnable threads) {
    for (int attempt = 1; ; attempt++) {
      try {
        Lincheck.runConcurrentTestInternal$lincheck(runs, SETTINGS, threads);
        return;
      } catch (LincheckAssertionError e) {
        if (attempt == ATTEMPTS || String.valueOf(e.getMessage()).contains(FOUND)) {
          throw e;
        }
      }
    }
  }

  @Test
  void threadsOfARankTakeTurnsWithAnotherRank() {
    check(ranks(false, 1, part(0, WRITE, WRITE), part(0, WRITE), part(1, WRITE)));
  }

  @Test
  void upgradesTellOfEachOther() {
    check(ranks(false, 0, part(0, UPGRADE), part(0, UPGRADE), part(1, UPGRADE)));
  }

  @Test
  void requestsThatGiveUpLeaveNoTrace() {
    check(ranks(false, 1, part(0, TIMED_WRITE, INTERRUPT), part(0, WRITE), part(1, TIMED_READ)));
  }

  @Test
  void waitingReadersAreLetInOrGiveUp() {
    check(ranks(true, 0, part(0, DOWNGRADE, INTERRUPT), part(1, READ), part(1, TIMED_READ)));
  }

  @Test
  void nestedHoldsKeepOthersOut() {
    check(ranks(false, 0, part(0, DOWNGRADE), part(0, NESTED_READ), part(1, WRITE, TRY_WRITE)));
  }

  @Test
  void noRandomScriptBreaksTheLock() {
    Random random = new Random(SEED);
    List<Step> steps = Arrays.asList(Step.values());
    for (int script = 0; script < SCRIPTS; script++) {
      List<Part> parts = new ArrayList<>();
      for (int i = 2 + random.nextInt(2); i > 0; i--) {
        List<Step> mine = new ArrayList<>();
        for (int j = 1 + random.nextInt(2); j > 0; j--) {
          mine.add(steps.get(random.nextInt(steps.size())));
        }
        parts.add(new Part(parts.isEmpty() ? 0 : random.nextInt(2), mine));
      }
      check(new InterleavedRanks(parts, random.nextBoolean(), random.nextInt(3), Fault.NONE));
    }
  }

  @Test
  void aLeaseIsClosedByItsThreadOnly() {
    check(new InterleavedRankLock.ForeignClose());
  }

  @ParameterizedTest
  @EnumSource
  void aCloseEndsWhileThreadsHoldAndWait(Other other) {
    check(new InterleavedClose(false, other, false));
    check(new InterleavedClose(true, other, false));
  }

  @Test
  void aNameIsOneResourceForAllThreads() {
    check(new InterleavedRankLock.Naming(false));
  }

  @Test
  void listenersMayComeAndGo() {
    check(new InterleavedRankLock.Listening());
  }

  // The teeth: what is wrong on purpose must be found.

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void aPlantedFaultIsFound(Fault fault) {
    List<Part> parts =
        switch (fault) {
          case NO_SECOND_LOOK, TORN_ADD -> List.of(part(0, READ), part(1, WRITE));
          case NO_TURNS -> List.of(part(1, WRITE), part(0, WRITE), part(0, WRITE));
          default -> List.of(part(0, WRITE), part(0, WRITE));
        };
    InterleavedRanks faulty = new InterleavedRanks(parts, false, 0, fault);
    checkFound(faulty);
  }

  @Test
  void aDirectoryWithoutALockIsFound() {
    checkFound(new InterleavedRankLock.Naming(true));
  }

  @Test
  void aCloseThatWaitingThreadsDoNotSeeIsFound() {
    checkFound(new InterleavedClose(false, Other.HOLDS, true));
  }
}
