/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.testing.Trace;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * One run of ranks that share more names than their window has room for. Each uses some for a
 * while, locks them, leaves them, also while it holds one, and comes back to them; one may die at
 * any step, and one may begin anew with what it knows of the directory.
 *
 * <p>It shows that two ranks never have the same name's write, that nobody's words are another
 * name's while they are in use, that tokens of a name only grow, and that an optimistic read sees
 * each write, whether the name was given back in between or not.
 */
final class NamesSimulation {
  private static final int RANKS = 3;
  private static final int ROOM = 3;
  private static final int TURNS = 12;

  /** One of them does not fit where the others do. */
  private static final List<String> NAMES = List.of("a", "b", "c", "d", "e", "long".repeat(40));

  private final Simulation simulation;
  private final Random random;
  private final Map<String, Integer> writing = new HashMap<>();
  private final Map<String, Long> tokens = new HashMap<>();
  private final Map<String, Integer> writes = new HashMap<>();
  private final Map<String, Set<Integer>> reading = new HashMap<>();
  private int dead = -1;
  private final RankContext[] nodes = new RankContext[RANKS];
  private long operations;

  /** What a rank has of a name. */
  private record Use(String name, long lockLine, long mark) {}

  /** What an optimistic read began with, and how many writes there had been. */
  private record Stamp(String name, long stamp, int writes) {}

  NamesSimulation(long seed, boolean deaths, Trace trace) {
    long start = Layout.directory(RANKS, RANKS);
    int words = (int) (start + ROOM * Layout.entryWords(200, RANKS));
    simulation = new Simulation(seed, RANKS, words, true).tracing(trace);
    random = simulation.random();
    simulation.word(Layout.DIRECTORY_END, start);
    for (int rank = 0; rank < RANKS; rank++) {
      simulation.word(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
      nodes[rank] = simulation.node(rank, Simulation.settings(false, 0, true));
    }
    for (int rank = 0; rank < RANKS; rank++) {
      Rank one = new Rank(rank);
      simulation.actor(rank, "rank " + rank, one::run);
    }
    if (deaths) {
      boolean changing = random.nextBoolean(); // whoever changes the directory then
      int any = random.nextInt(RANKS);
      for (int i = 0; i < (changing ? 20 : 1); i++) {
        simulation.at(
            random.nextInt(1500),
            () -> die(changing ? (int) simulation.word(Layout.DIRECTORY_LOCK) - 1 : any));
      }
    }
  }

  private Set<Integer> readers(String name) {
    return reading.computeIfAbsent(name, key -> new TreeSet<>());
  }

  private void die(int rank) {
    if (rank >= 0 && dead < 0) {
      dead = rank;
      writing.values().removeIf(writer -> writer == rank);
      reading.values().forEach(readers -> readers.remove(rank));
      simulation.kill(rank);
    }
  }

  long run() throws InterruptedException {
    simulation.run();
    Directory last = new Directory(node());
    List<Long> lockLines = last.lockLines();
    assertThat(lockLines).doesNotHaveDuplicates();
    assertThat(lockLines.stream().map(last::name)).doesNotHaveDuplicates().doesNotContainNull();
    return operations;
  }

  private RankContext node() {
    for (int rank = 0; rank < RANKS; rank++) {
      if (!simulation.isDead(rank)) {
        return nodes[rank];
      }
    }
    throw new AssertionError("all are dead");
  }

  private final class Rank {
    private final int me;
    private final RankContext node;
    private final List<Use> uses = new ArrayList<>();
    private @Nullable Stamp stamp;

    /** What it holds though it has left that name. */
    private @Nullable String held;

    private boolean heldToWrite;
    private Directory directory;
    private long marks;

    Rank(int me) {
      this.me = me;
      this.node = nodes[me];
      this.directory = new Directory(node);
    }

    void run() {
      for (int turn = 0; turn < TURNS; turn++) {
        if (uses.size() < 2) {
          use(NAMES.get(random.nextInt(NAMES.size())));
        }
        if (!uses.isEmpty()) {
          Use use = uses.get(random.nextInt(uses.size()));
          touch(use);
          if (uses.contains(use) && random.nextInt(3) != 0) {
            leave(use);
          }
        }
        if (random.nextInt(8) == 0) {
          directory = new Directory(node); // as one that comes late
        }
        operations++;
      }
      List.copyOf(uses).forEach(this::leave);
      while (held != null) {
        use(held);
        List.copyOf(uses).forEach(this::leave);
      }
    }

    private void use(String name) {
      if (uses.stream().anyMatch(use -> use.name().equals(name))) {
        return;
      }
      long lockLine = directory.use(name);
      if (lockLine < 0) {
        return;
      }
      Use use = new Use(name, lockLine, me + 1L + RANKS * ++marks);
      simulation.word(mark(lockLine), use.mark());
      uses.add(use);
      if (name.equals(held)) {
        NodeLock lock = new NodeLock(node, lockLine, me);
        held = null;
        if (heldToWrite) {
          endWrite(use, lock);
        } else {
          endRead(use, lock);
        }
      }
    }

    /** A word of this rank that nothing else uses here. */
    private long mark(long lockLine) {
      return lockLine + Layout.LINE + (long) me * Layout.RANK_WORDS + Layout.KEPT_FOR;
    }

    private void leave(Use use) {
      check(use);
      simulation.word(mark(use.lockLine()), 0);
      uses.remove(use);
      directory.leave(use.lockLine());
    }

    private void check(Use use) {
      assertThat(simulation.word(mark(use.lockLine())))
          .as("%s of rank %d", use, me)
          .isEqualTo(use.mark());
      assertThat(directory.name(use.lockLine())).isEqualTo(use.name());
    }

    private void touch(Use use) {
      NodeLock lock = new NodeLock(node, use.lockLine(), me);
      switch (random.nextInt(4)) {
        case 0 -> read(use, lock);
        case 1 -> optimisticRead(use, lock);
        default -> write(use, lock);
      }
      if (uses.contains(use)) {
        check(use);
      }
    }

    private void read(Use use, NodeLock lock) {
      if (lock.tryRead()) {
        assertThat(writing).doesNotContainKey(use.name());
        readers(use.name()).add(me);
        if (isKept(use, false)) {
          return;
        }
        simulation.step();
        endRead(use, lock);
      } else {
        lock.recover();
      }
    }

    private void write(Use use, NodeLock lock) {
      if (!lock.tryOwn()) {
        lock.recover();
        return;
      }
      if (lock.isUnread()) {
        assertThat(writing.put(use.name(), me)).isNull();
        assertThat(readers(use.name())).isEmpty();
        long token = lock.beginWrite();
        Long before = tokens.put(use.name(), token);
        assertThat(before == null || before < token).as("%s after %s", token, before).isTrue();
        writes.merge(use.name(), 1, Integer::sum);
        if (isKept(use, true)) {
          return;
        }
        simulation.step();
        endWrite(use, lock);
      } else {
        lock.releaseOwnership();
      }
    }

    private void endRead(Use use, NodeLock lock) {
      assertThat(writing).doesNotContainKey(use.name());
      assertThat(readers(use.name()).remove(me)).isTrue();
      lock.releaseRead();
    }

    private void endWrite(Use use, NodeLock lock) {
      assertThat(writing.remove(use.name())).isEqualTo(me);
      lock.releaseOwnership();
    }

    /** Now and then it lets the name go, and holds it. */
    private boolean isKept(Use use, boolean write) {
      if (held != null || random.nextInt(6) != 0) {
        return false;
      }
      held = use.name();
      heldToWrite = write;
      leave(use);
      return true;
    }

    /** Ends the last one, if it was of that name; and begins another one. */
    private void optimisticRead(Use use, NodeLock lock) {
      Stamp old = stamp;
      if (old != null && old.name().equals(use.name()) && lock.validate(old.stamp())) {
        assertThat(writes.getOrDefault(use.name(), 0)).isEqualTo(old.writes());
      }
      int before = writes.getOrDefault(use.name(), 0);
      long begun = lock.optimisticStamp();
      int after = writes.getOrDefault(use.name(), 0);
      stamp = begun < 0 || after != before ? null : new Stamp(use.name(), begun, before);
    }
  }
}
