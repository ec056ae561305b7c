/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.Simulation;
import io.mpilock.internal.window.WaitRecord.Held;
import io.mpilock.testing.Mutant;
import io.mpilock.testing.Runs;
import io.mpilock.testing.Trace;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A thread's record, written, cleared and written anew while another rank reads it, one access to
 * the window at a time. Whoever reads sees a whole record or none; and one that is seen twice stood
 * there in between.
 */
class WaitTableTest {
  private static final int RUNS = 4_000;
  private static final long MOST_RUNS = 40_000;

  /** One seed's run. */
  static final class Race implements LongUnaryOperator {
    private final Set<WaitRecord> shown = new HashSet<>();

    /** What stands there, or is about to, or to be taken away. */
    private final Set<Long> standing = new HashSet<>();

    /** All that stood there since the reader's last look, or does. */
    private final Set<Long> stood = new HashSet<>();

    private boolean over;

    @Override
    public long applyAsLong(long seed) {
      try {
        return run(seed, Trace.off());
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    long run(long seed, Trace trace) throws InterruptedException {
      shown.clear();
      stood.clear();
      standing.clear();
      over = false;
      Simulation simulation =
          new Simulation(seed, 2, (int) Layout.directory(2, 2), false).tracing(trace);
      CoreSettings settings = Simulation.settings(false, 0, false);
      RankContext owner = simulation.node(0, settings);
      RankContext reader = simulation.node(1, settings);
      owner.life(RankContext.OPEN);
      simulation.actor(0, "owner", () -> own(simulation, owner.waits()));
      simulation.actor(1, "reader", () -> look(reader.waits()));
      simulation.run();
      return 1;
    }

    private void own(Simulation simulation, WaitTable table) {
      for (int wait = 1; wait < 5; wait++) {
        int slot = table.take();
        for (int turn = 0; turn <= wait % 2; turn++) { // the holds may change in a wait
          long mark = 10L * wait + turn;
          List<Held> held = new ArrayList<>();
          for (int i = 0; i <= wait; i++) {
            held.add(new Held(mark, turn == 0));
          }
          ThreadId thread = new ThreadId(Thread.currentThread());
          // Whoever reads it whole may do so before this thread knows that it stands there.
          shown.add(
              new WaitRecord(
                  0,
                  shown.size() + 1L,
                  thread.value(),
                  Thread.currentThread().getName(),
                  mark,
                  turn == 0,
                  turn == 1,
                  mark,
                  held,
                  WaitRecord.HERE));
          long number = shown.size();
          standing.add(number);
          stood.add(number);
          table.show(slot, thread, mark, turn == 0, turn == 1, -1, mark, held);
          standing.removeIf(before -> before != number);
          for (int i = simulation.random().nextInt(60); i > 0; i--) {
            simulation.step();
          }
        }
        table.giveBack(slot);
        standing.clear();
      }
      over = true;
    }

    private void look(WaitTable table) {
      Set<Long> seen = Set.of();
      while (!over) {
        stood.clear();
        stood.addAll(standing);
        Set<Long> between = Set.copyOf(standing);
        Set<Long> now = new HashSet<>();
        for (WaitRecord wait : table.ofRanks()) {
          assertThat(shown).as("what has been shown").contains(wait);
          assertThat(stood).as("what stood there during the look").contains(wait.number());
          now.add(wait.number());
        }
        assertThat(now).as("one thread waits for one thing").hasSizeLessThan(2);
        seen.stream()
            .filter(now::contains)
            .forEach(number -> assertThat(between).as("between the looks").contains(number));
        seen = now;
      }
    }
  }

  enum Fault {
    READS_WHAT_IS_WRITTEN("if (version <= 0) {", "if (version == 0) {"),
    DOES_NOT_LOOK_AGAIN("window.get(record + Layout.WAIT_VERSION) != version", "version == 0"),
    WRITES_UNSEEN("window.set(record + Layout.WAIT_VERSION, -version);", ""),
    KEEPS_THE_VERSION(
        "window.set(record + Layout.WAIT_VERSION, version);",
        "window.set(record + Layout.WAIT_VERSION, 7);"),
    IS_NOT_TAKEN_AWAY("window.set(record(node.me(), slot) + Layout.WAIT_VERSION, 0);", "");

    private final String right;
    private final String wrong;

    Fault(String right, String wrong) {
      this.right = right;
      this.wrong = wrong;
    }
  }

  @Test
  void aRecordIsReadWholeOrNotAtAll(TestInfo info) {
    Runs.of(info).times(RUNS, (seed, trace) -> new Race().run(seed, trace));
  }

  @ParameterizedTest
  @EnumSource
  void thePlantedFaultIsSeen(Fault fault) throws Exception {
    Mutant.of(WaitTable.class, fault.right, fault.wrong).assertSeen(fault, Race.class, MOST_RUNS);
  }
}
