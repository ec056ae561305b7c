/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.internal.Simulation;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The names in the window, of one node and of a node of several. */
@Timeout(20)
class DirectoryTest {
  private static final int RANKS = 2;

  private Simulation simulation = simulation(0, 40);
  private long start = Layout.directory(RANKS, RANKS);

  private static Simulation simulation(int elsewhere, int lines) {
    int members = elsewhere == 0 ? RANKS : RANKS + 1;
    long start = Layout.directory(members, RANKS + elsewhere);
    Simulation simulation =
        new Simulation(1, RANKS, elsewhere, (int) start + lines * Layout.LINE, false);
    simulation.word(Layout.DIRECTORY_END, start);
    for (int member = 0; member < members; member++) {
      simulation.word(Layout.slot(member) + Layout.LIFE, RankContext.OPEN);
    }
    return simulation;
  }

  private Directory directory(int rank) {
    return new Directory(simulation.node(rank, Simulation.settings(false, 0, false)));
  }

  @Test
  void aNameHasTheSameLinesOnAllRanksWhoeverNamedItFirst() {
    Directory one = directory(0);
    Directory other = directory(1);
    long a = one.use("a");
    long b = other.use("größer \uD83D\uDD12");
    assertThat(other.use("a")).isEqualTo(a);
    assertThat(one.use("größer \uD83D\uDD12")).isEqualTo(b);
    assertThat(a).isEqualTo(start + Layout.nameLines(1));
    assertThat(b - a)
        .isEqualTo(Layout.entryWords(1, RANKS) - Layout.nameLines(1) + Layout.nameLines(14));
    assertThat(one.lockLines()).containsExactlyInAnyOrder(a, b);
    assertThat(directory(0).lockLines()).containsExactlyInAnyOrder(a, b);
    assertThat(simulation.word(Layout.DIRECTORY_LOCK)).isZero();
  }

  @Test
  void aNameIsFoundByItsLines() {
    Directory one = directory(0);
    Directory other = directory(1);
    assertThat(other.known("orders")).isNull();
    long lockLine = one.use("orders");
    assertThat(other.name(lockLine)).isEqualTo("orders");
    assertThat(directory(1).nameAt(lockLine)).isEqualTo("resource 'orders'");
    assertThat(other.known("orders")).isEqualTo(lockLine);
    assertThat(other.name(lockLine + 1)).isNull();
    assertThat(other.nameAt(lockLine + 1)).isEqualTo("an unknown resource");
  }

  @Test
  void whatIsNamedMeanwhileIsNotNamedTwice() {
    Directory one = directory(0);
    long lockLine = directory(1).use("a"); // behind the first one's back
    assertThat(one.known("a")).isEqualTo(lockLine);
    assertThat(directory(0).use("a")).isEqualTo(lockLine);
  }

  @Test
  void ranksThatNameAtTheSameTimeGetTheSameLines() throws Exception {
    for (long seed = 0; seed < 100; seed++) {
      Simulation together = new Simulation(seed, RANKS, (int) start + 40 * Layout.LINE, false);
      together.word(Layout.DIRECTORY_END, start);
      List<Map<String, Long>> homes = List.of(new HashMap<>(), new HashMap<>());
      for (int rank = 0; rank < RANKS; rank++) {
        together.word(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
        Map<String, Long> mine = homes.get(rank);
        RankContext node = together.node(rank, Simulation.settings(false, 0, false));
        List<String> names = rank == 0 ? List.of("a", "b", "c") : List.of("c", "b", "d");
        together.actor(
            rank,
            "rank " + rank,
            () -> {
              Directory directory = new Directory(node);
              names.forEach(name -> mine.put(name, directory.use(name)));
            });
      }
      together.run();
      assertThat(homes.get(1).get("b")).isEqualTo(homes.get(0).get("b"));
      assertThat(homes.get(1).get("c")).isEqualTo(homes.get(0).get("c"));
      Directory later = new Directory(together.node(0, Simulation.settings(false, 0, false)));
      assertThat(later.lockLines()).doesNotHaveDuplicates().hasSize(4);
      for (Map<String, Long> mine : homes) {
        mine.forEach((name, lockLine) -> assertThat(later.name(lockLine)).isEqualTo(name));
      }
      assertThat(together.word(Layout.DIRECTORY_LOCK)).isZero();
    }
  }

  @Test
  void theLinesOfANameAreClearedBeforeItIsSeen() {
    for (int i = 0; i < 30 * Layout.LINE; i++) {
      simulation.word(start + i, -1);
    }
    long lockLine = directory(0).use("a");
    long uses = lockLine + Layout.LINE + Layout.USES;
    assertThat(simulation.word(uses)).isEqualTo(1);
    simulation.word(uses, 0);
    for (int i = 0; i < Layout.LINE + RANKS * Layout.RANK_WORDS; i++) {
      assertThat(simulation.word(lockLine + i)).as("word %d", i).isZero();
    }
    assertThat(simulation.word(lockLine + Layout.LINE + RANKS * Layout.RANK_WORDS)).isEqualTo(-1);
  }

  @Test
  void onANodeOfSeveralANewNameIsTheAgentsAndItsTokenIsStale() {
    simulation = simulation(1, 40);
    start = Layout.directory(RANKS + 1, RANKS + 1);
    Directory directory = directory(0);
    long lockLine = directory.use("a");
    assertThat(lockLine).isEqualTo(start + Layout.nameLines(1));
    long state = simulation.word(lockLine + Layout.STATE);
    assertThat(LockWords.owner(state)).isEqualTo(RANKS + 1);
    assertThat(LockWords.pending(state)).isEqualTo(1);
    assertThat(LockWords.sequence(state)).isZero();
    assertThat(simulation.word(lockLine + Layout.TOKEN)).isEqualTo(LockWords.STALE);
    assertThat(directory.use("b") - lockLine).isEqualTo(Layout.entryWords(1, RANKS + 1));
  }

  @Test
  void aNameThatFitsExactlyIsTakenAndOneMoreIsRefusedAndLeavesTheLockFree() {
    int lines = (int) Layout.entryWords(1, RANKS) / Layout.LINE;
    simulation = simulation(0, 2 * lines);
    Directory directory = directory(0);
    directory.use("a");
    directory.use("b");
    assertThat(directory.use("c")).isNegative();
    assertThat(simulation.word(Layout.DIRECTORY_LOCK)).isZero();
    assertThat(directory.known("c")).isNull();
    assertThat(directory.use("b")).isEqualTo(directory.known("b"));
  }

  @Test
  void theLockOfARankThatDiedWhileItAppendedIsTakenOver() {
    simulation.word(Layout.DIRECTORY_LOCK, 2); // rank 1
    simulation.kill(1);
    assertThat(directory(0).use("a")).isEqualTo(start + Layout.nameLines(1));
    assertThat(simulation.word(Layout.DIRECTORY_LOCK)).isZero();
  }

  @Test
  void whoWaitsForAProcessThatStandsStillWhileItNamesIsToldAndCanBeInterrupted() throws Exception {
    for (boolean closes : new boolean[] {true, false}) {
      Simulation still = new Simulation(1, RANKS, (int) start + 40 * Layout.LINE, true);
      still.word(Layout.DIRECTORY_END, start);
      still.word(Layout.DIRECTORY_LOCK, 2); // rank 1
      List<String> reports = new ArrayList<>();
      CoreSettings settings =
          Simulation.settings(
              false, 0, false, Duration.ofSeconds(30), (resource, report) -> reports.add(report));
      for (int rank = 0; rank < RANKS; rank++) {
        still.word(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
      }
      RankContext node = still.node(0, settings);
      Directory directory = new Directory(node);
      still.actor(
          0,
          "waits",
          () ->
              assertThatThrownBy(() -> directory.use("a"))
                  .isInstanceOf(
                      closes ? ControllerClosedException.class : LockInterruptedException.class));
      still.actor(
          0,
          "looks",
          () -> {
            while (reports.isEmpty()) {
              node.rest(1);
            }
            assertThat(directory.known("a")).as("is not kept waiting").isNull();
            if (closes) {
              node.markClosed();
            } else {
              still.interrupt(0);
            }
          });
      still.run();
      assertThat(reports.getFirst())
          .contains("has waited", "to name resource 'a', while rank 1 (", "names one");
      assertThat(still.word(Layout.DIRECTORY_LOCK)).isEqualTo(2);
    }
  }

  @Test
  void aRankThatIsGoneNamesNothing() {
    RankContext node = simulation.node(0, Simulation.settings(false, 0, false));
    node.markClosed();
    node.go(RankContext.DEAD);
    assertThatThrownBy(() -> new Directory(node).use("a"))
        .isInstanceOf(ControllerClosedException.class);
    assertThat(simulation.word(Layout.DIRECTORY_END)).isEqualTo(start);
  }

  @Test
  void theLongestNameIsTaken() {
    String longest = "ä".repeat(Directory.MAX_NAME);
    long lockLine = directory(0).use(longest);
    assertThat(directory(1).name(lockLine)).isEqualTo(longest);
  }

  @Test
  void anInvalidNameIsRefusedWithTheReason() {
    assertThatThrownBy(() -> Directory.check(" ")).hasMessageContaining("is blank");
    assertThatThrownBy(() -> Directory.check("x".repeat(256)))
        .hasMessageContaining("has 256 characters, and the longest has 255")
        .hasMessageContaining("'" + "x".repeat(40) + "… (256 characters)'");
    assertThatThrownBy(() -> Directory.check("ab\tc")).hasMessageContaining("U+0009 at index 2");
    assertThatThrownBy(() -> Directory.check("\ud800")).hasMessageContaining("unpaired surrogate");
    assertThatThrownBy(() -> directory(0).use("\u007f"))
        .isInstanceOf(IllegalArgumentException.class);
    Directory.check("x");
    Directory.check("x".repeat(255));
  }

  // Names that give their place back.

  /** Room for two names, and both are taken. */
  private Directory full() {
    simulation = simulation(0, 2 * (int) Layout.entryWords(1, RANKS) / Layout.LINE);
    Directory directory = directory(0);
    directory.use("a");
    directory.use("b");
    return directory;
  }

  @Test
  void aNameThatNobodyUsesGivesItsPlaceToTheNext() {
    Directory directory = full();
    Directory other = directory(1);
    long lockLine = start + Layout.nameLines(1);
    assertThat(other.known("a")).isEqualTo(lockLine);
    simulation.word(lockLine + Layout.TOKEN, 7);
    directory.leave(lockLine);
    assertThat(other.use("c")).isEqualTo(lockLine);
    assertThat(directory.name(lockLine)).isEqualTo("c");
    assertThat(directory.known("a")).isNull();
    assertThat(directory.lockLines()).hasSize(2);
    assertThat(simulation.word(lockLine + Layout.TOKEN)).as("above the last one's").isEqualTo(8);
    assertThat(simulation.word(Layout.RECLAIMED)).isEqualTo(1);
    assertThat(directory.use("d")).as("a new one, while the others are used").isNegative();
    other.leave(lockLine);
    assertThat(directory.use("a")).isEqualTo(lockLine);
    assertThat(simulation.word(lockLine + Layout.TOKEN)).isEqualTo(9);
  }

  @Test
  void whatIsUsedOnAnyRankOrTwiceStays() {
    Directory directory = full();
    Directory other = directory(1);
    long lockLine = directory.use("a");
    assertThat(other.use("a")).isEqualTo(lockLine);
    directory.leave(lockLine);
    assertThat(other.use("c")).isNegative();
    directory.leave(lockLine);
    assertThat(other.use("c")).isNegative();
    other.leave(lockLine);
    assertThat(other.use("c")).isEqualTo(lockLine);
  }

  @Test
  void whatARankUsedThatIsGoneIsFree() {
    Directory directory = full();
    long lockLine = directory(1).use("a");
    directory.leave(lockLine);
    assertThat(directory.use("c")).isNegative();
    simulation.kill(1);
    assertThat(directory.use("c")).as("nobody has noticed").isNegative();
    assertThat(simulation.node(0, Simulation.settings(false, 0, false)).isGone(1)).isTrue();
    assertThat(directory.use("c")).isEqualTo(lockLine);
  }

  @ParameterizedTest
  @MethodSource("somebodyIsThere")
  void whatSomebodyHoldsOrAsksForOrIsPoisonedStays(int word, long value) {
    Directory directory = full();
    long lockLine = directory.use("a");
    directory.leave(lockLine);
    directory.leave(lockLine);
    simulation.word(lockLine + word, value);
    assertThat(directory.use("c")).isNegative();
    simulation.word(lockLine + word, 0);
    assertThat(directory.use("c")).isEqualTo(lockLine);
  }

  @Test
  void whatWasPoisonedOnceOrMendedByARankThatIsGoneIsFreeWhenThatIsOver() {
    Directory directory = full();
    long lockLine = directory.use("a");
    directory.leave(lockLine);
    directory.leave(lockLine);
    simulation.word(lockLine + Layout.POISONED_BY, 2);
    simulation.word(lockLine + Layout.RECOVERER, 2);
    simulation.word(Layout.slot(1) + Layout.LIFE, RankContext.DEAD);
    assertThat(directory.use("c")).isEqualTo(lockLine);
    assertThat(simulation.word(lockLine + Layout.POISONED_BY)).isZero();
    assertThat(simulation.word(lockLine + Layout.RECOVERER)).isZero();
  }

  static Stream<Arguments> somebodyIsThere() {
    int line = Layout.LINE + Layout.RANK_WORDS; // of rank 1
    return Stream.of(
        arguments(Layout.STATE, 2),
        arguments(Layout.STATE, LockWords.ONE_PENDING),
        arguments(Layout.STATE, LockWords.POISONED),
        arguments(Layout.RECOVERER, 1),
        arguments(Layout.ATTENTION, 1),
        arguments(Layout.CLEAR, 1),
        arguments(Layout.TRIES, 1),
        arguments(line + Layout.READS, LockWords.ONE_HOLD),
        arguments(line + Layout.READS, LockWords.ONE_WAITING),
        arguments(line + Layout.REQUEST, LockWords.request(1, LockWords.WAITING)),
        arguments(line + Layout.REQUEST, LockWords.request(1, LockWords.ABANDONED)));
  }

  @Test
  void aShortNameTakesALongOnesPlaceIfThereIsNoOther() {
    simulation = simulation(0, (int) Layout.entryWords(500, RANKS) / Layout.LINE);
    Directory directory = directory(0);
    long lockLine = directory.use("x".repeat(250));
    long longer = Layout.nameLines(250);
    directory.leave(lockLine);
    assertThat(directory.use("a")).isEqualTo(lockLine);
    assertThat(lockLine).isEqualTo(start + longer);
    assertThat(directory(1).name(lockLine)).isEqualTo("a");
    directory.leave(lockLine);
    assertThat(directory.use("y".repeat(250))).isEqualTo(lockLine);
    assertThat(directory(1).name(lockLine)).isEqualTo("y".repeat(250));
  }

  @Test
  void whoHasMissedMoreChangesThanAreKnownLooksAtAll() {
    Directory directory = full();
    Directory late = directory(1);
    assertThat(late.lockLines()).hasSize(2);
    long second = directory.use("b");
    directory.leave(second);
    directory.leave(second);
    for (int i = 0; i < 3 * Layout.CHANGES; i++) {
      long lockLine = directory.use("r" + i);
      assertThat(lockLine).isPositive();
      if (i % 500 == 0) {
        assertThat(late.name(lockLine)).isEqualTo("r" + i);
        assertThat(late.lockLines()).hasSize(2);
        assertThat(late.known("b")).isNull();
      }
      directory.leave(lockLine);
    }
    assertThat(directory(0).lockLines()).hasSize(2);
  }

  @Test
  void withFewNamesNobodyLooksForThoseThatAreNotNeeded() {
    simulation = simulation(0, 8 * (Directory.FEW + 1) * (int) Layout.entryWords(4, RANKS) / 16);
    Directory directory = directory(0);
    for (int i = 0; i < Directory.FEW; i++) {
      directory.leave(directory.use("r" + i));
    }
    assertThat(directory.lockLines()).hasSize(Directory.FEW);
    assertThat(directory.namesUse().names()).isEqualTo(Directory.FEW);
    assertThat(directory.namesUse().usedWords()).as("needed").isZero();
    directory.use("more");
    assertThat(directory.lockLines()).hasSize(1);
    assertThat(directory.namesUse())
        .isEqualTo(
            new DirectoryUse(
                1,
                Directory.FEW,
                Layout.entryWords(4, RANKS),
                simulation.node(0, Simulation.settings(false, 0, false)).window().words() - start));
  }
}
