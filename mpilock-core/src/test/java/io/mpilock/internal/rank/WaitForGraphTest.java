/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.rank.WaitForGraph.Cycle;
import io.mpilock.internal.window.WaitRecord;
import io.mpilock.internal.window.WaitRecord.Held;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The search for cycles, beside a judge that lets everybody go on who can. */
class WaitForGraphTest {
  private static final int PLANS = 1_000_000;

  private static WaitRecord waiting(
      int number, long wants, boolean writes, boolean timed, List<Held> holds) {
    return new WaitRecord(
        number,
        number + 1,
        number,
        "t",
        wants,
        writes,
        timed,
        1000 + number,
        holds,
        WaitRecord.HERE);
  }

  /**
   * A state that real locks can come to: what is held is held by one writer or by readers, and who
   * waits has a reason to.
   */
  private static List<WaitRecord> randomState(Random random) {
    int threads = 2 + random.nextInt(5);
    int resources = 1 + random.nextInt(4);
    Map<Long, Integer> writer = new HashMap<>();
    Map<Long, List<Integer>> readers = new HashMap<>();
    List<List<Held>> holds = new ArrayList<>();
    for (int thread = 0; thread < threads; thread++) {
      List<Held> held = new ArrayList<>();
      for (long resource = 1; resource <= resources; resource++) {
        if (random.nextInt(3) == 0 && !writer.containsKey(resource)) {
          boolean writes = random.nextBoolean() && !readers.containsKey(resource);
          if (writes) {
            writer.put(resource, thread);
          } else {
            readers.computeIfAbsent(resource, _ -> new ArrayList<>()).add(thread);
          }
          held.add(new Held(resource, writes));
        }
      }
      holds.add(held);
    }
    List<WaitRecord> waits = new ArrayList<>();
    for (int thread = 0; thread < threads; thread++) {
      long wants = 1L + random.nextInt(resources);
      boolean holdsIt = holds.get(thread).stream().anyMatch(held -> held.resource() == wants);
      if (random.nextInt(5) > 0 && !holdsIt) {
        waits.add(
            waiting(
                thread,
                wants,
                random.nextBoolean(),
                random.nextInt(6) == 0,
                List.copyOf(holds.get(thread))));
      }
    }
    return waits;
  }

  /**
   * Who waits for ever: all others come to their end, one after the other, however often it takes.
   * Threads that do not wait, and those whose waits are timed, have come to theirs. Who waits to
   * read waits for those who write, and for those who wait to write.
   */
  private static List<WaitRecord> forEver(List<WaitRecord> waits) {
    List<WaitRecord> stuck = new ArrayList<>(waits.stream().filter(wait -> !wait.timed()).toList());
    boolean goesOn = true;
    while (goesOn) {
      goesOn = false;
      for (WaitRecord wait : List.copyOf(stuck)) {
        boolean blocked =
            stuck.stream()
                .anyMatch(other ->
                    !other.equals(wait)
                        && (isHeldBy(other, wait.wants(), wait.writes())
                            || (!wait.writes()
                                && other.writes()
                                && other.wants() == wait.wants()
                                && !isAskedInTime(waits, wait.wants()))));
        if (!blocked) {
          stuck.remove(wait);
          goesOn = true;
        }
      }
    }
    return stuck;
  }

  /** Whether a wait to write ends by itself: readers may be let in then, before other writers. */
  private static boolean isAskedInTime(List<WaitRecord> waits, long resource) {
    return waits.stream()
        .anyMatch(wait -> wait.writes() && wait.timed() && wait.wants() == resource);
  }

  private static boolean isHeldBy(WaitRecord other, long resource, boolean any) {
    return other.holds().stream()
        .anyMatch(held -> held.resource() == resource && (any || held.writes()));
  }

  @Test
  void aCircleBesideTheWayOfACallIsNoTrap() {
    WaitRecord writer = waiting(1, 2, true, false, List.of(new Held(1, true)));
    WaitRecord reader = waiting(2, 1, true, false, List.of(new Held(2, false)));
    WaitRecord call = waiting(3, WaitRecord.CALL, false, true, List.of(new Held(2, false)));
    for (List<WaitRecord> waits :
        List.of(List.of(reader, writer, call), List.of(call, writer, reader))) {
      Cycle cycle =
          Objects.requireNonNull(
              new WaitForGraph(waits).cycleThroughCall(call, each -> each.equals(reader)));
      assertThat(cycle.waits()).containsExactly(call, reader, writer);
    }
  }

  @Test
  void aCircleIsTheSameWhoeverElseComesToWait() {
    WaitRecord one = waiting(1, 2, false, false, List.of(new Held(1, true)));
    WaitRecord other = waiting(2, 1, true, false, List.of(new Held(2, true)));
    WaitRecord early = waiting(3, 2, true, false, List.of());
    WaitRecord late = waiting(4, 2, true, true, List.of());
    Cycle first =
        Objects.requireNonNull(new WaitForGraph(List.of(one, other, early)).cycleThrough(one));
    assertThat(first.lasting()).isTrue();
    assertThat(new WaitForGraph(List.of(late, one, other)).cycleThrough(one))
        .matches(first::isSameAs);
    assertThat(new WaitForGraph(List.of(one, other), false).cycleThrough(one))
        .matches(first::isSameAs);
  }

  @Test
  void aCircleBetweenReadersIsTheSameWhoeverComesToWriteBehindAnother() {
    WaitRecord one = waiting(1, 2, false, false, List.of(new Held(1, true)));
    WaitRecord other = waiting(2, 1, true, false, List.of(new Held(2, false)));
    WaitRecord early = waiting(3, 2, true, false, List.of());
    WaitRecord late = waiting(4, 2, true, false, List.of());
    Cycle first =
        Objects.requireNonNull(new WaitForGraph(List.of(one, other, early)).cycleThrough(one));
    for (List<WaitRecord> waits :
        List.of(List.of(one, other, early, late), List.of(late, early, other, one))) {
      assertThat(new WaitForGraph(waits).cycleThrough(one)).matches(first::isSameAs);
    }
    assertThat(new WaitForGraph(List.of(one, other, late)).cycleThrough(one))
        .as("for another reason")
        .matches(cycle -> !first.isSameAs(cycle));
  }

  @Test
  void itFindsADeadlockWhereThereIsOneAndNoneElsewhere() {
    Random random = new Random(23);
    int deadlocks = 0;
    for (int plan = 0; plan < PLANS; plan++) {
      List<WaitRecord> waits = randomState(random);
      List<WaitRecord> stuck = forEver(waits);
      WaitForGraph graph = new WaitForGraph(waits);
      boolean found = false;
      for (WaitRecord wait : waits) {
        Cycle cycle = graph.cycleThrough(wait);
        if (cycle != null && cycle.lasting()) {
          found = true;
          assertThat(stuck).as("%s", waits).containsAll(cycle.waits());
          assertThat(cycle.waits()).contains(wait).doesNotHaveDuplicates();
        }
      }
      assertThat(found).as("%s: %s", waits, stuck).isEqualTo(!stuck.isEmpty());
      deadlocks += found ? 1 : 0;
    }
    assertThat(deadlocks).isBetween(PLANS / 100, PLANS);
  }

  @Test
  void whenEachLatestOfACircleIsGivenUpNobodyIsStuck() {
    Random random = new Random(29);
    for (int plan = 0; plan < PLANS / 10; plan++) {
      List<WaitRecord> waits = randomState(random);
      while (!forEver(waits).isEmpty()) {
        WaitForGraph graph = new WaitForGraph(waits);
        List<WaitRecord> victims = new ArrayList<>();
        for (WaitRecord wait : waits) {
          Cycle cycle = graph.cycleThrough(wait);
          if (cycle != null && cycle.lasting() && cycle.latest().equals(wait)) {
            victims.add(wait);
          }
        }
        assertThat(victims).as("%s", waits).isNotEmpty();
        waits.removeAll(victims); // they release all that they hold
      }
    }
  }
}
