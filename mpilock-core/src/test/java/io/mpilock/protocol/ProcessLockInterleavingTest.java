package io.mpilock.protocol;

import static io.mpilock.protocol.InterleavedRanks.Step.READ;
import static io.mpilock.protocol.InterleavedRanks.Step.WRITE;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.protocol.InterleavedRanks.Fault;
import io.mpilock.protocol.InterleavedRanks.Part;
import io.mpilock.protocol.InterleavedRanks.Step;
import java.util.List;
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
 * <p>{@code -Dmpilock.interleavings=long} tries more of them.
 */
class ProcessLockInterleavingTest {
  static final boolean LONG = "long".equals(System.getProperty("mpilock.interleavings"));
  static final int RUNS = Integer.getInteger("mpilock.interleavings.runs", LONG ? 3_000 : 120);
  private static final int ATTEMPTS = 5;

  /** With longer loops than by default: a new entry of the directory is 96 words to clear. */
  private static final LincheckSettings SETTINGS = settings();

  private static LincheckSettings settings() {
    LincheckSettings usual = new LincheckSettings();
    return new LincheckSettings(
        usual.getAnalyzeStdLib(),
        usual.getLoopIterationsBeforeThreadSwitch(),
        20 * usual.getLoopBound(),
        usual.getRecursionBound());
  }

  private static final String FOUND = "The following interleaving leads to the error";

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
    assertThatThrownBy(() -> explore(20 * RUNS, faulty))
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
  void writersOfTwoRanksTakeTurns() {
    check(ranks(false, 2, part(0, WRITE), part(1, WRITE)));
    check(ranks(true, 0, part(0, WRITE), part(1, WRITE)));
  }

  @Test
  void aLeaseIsClosedByItsThreadOnly() {
    check(new InterleavedProcess.ForeignClose());
  }

  @Test
  void listenersMayComeAndGo() {
    check(new InterleavedProcess.Listening());
  }

  // The teeth: what is wrong on purpose must be found.

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void aPlantedFaultIsFound(Fault fault) {
    List<Part> parts =
        switch (fault) {
          case NO_SECOND_LOOK -> List.of(part(0, READ), part(1, WRITE));
          case NO_TURNS -> List.of(part(1, WRITE), part(0, WRITE), part(0, WRITE));
          default -> List.of(part(0, WRITE), part(0, WRITE));
        };
    InterleavedRanks faulty = new InterleavedRanks(parts, false, 0, fault);
    checkFound(faulty);
  }
}
