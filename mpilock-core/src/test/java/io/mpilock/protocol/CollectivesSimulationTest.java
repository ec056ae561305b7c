package io.mpilock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.MpilockException;
import io.mpilock.testing.Proof;
import io.mpilock.testing.Runs;
import io.mpilock.testing.Silent;
import io.mpilock.testing.Trace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Single writes and close under many interleavings, with deaths and interrupts at any access. */
@Timeout(1800)
@ExtendWith(Silent.class)
@Proof
class CollectivesSimulationTest {
  private static final int RUNS = 1_500;

  private enum Trouble {
    NONE,
    DEATH,
    INTERRUPT,
    DISAGREEMENT
  }

  @Test
  void allRanksGetWhatWasSharedAndNoWakeUpIsLost(TestInfo info) {
    go(info, Trouble.NONE);
  }

  @Test
  void aDeathAtAnyMomentLeavesNobodyWaiting(TestInfo info) {
    go(info, Trouble.DEATH);
  }

  @Test
  void anInterruptAtAnyMomentLeavesNobodyWaiting(TestInfo info) {
    go(info, Trouble.INTERRUPT);
  }

  @Test
  void ranksThatDisagreeAllFail(TestInfo info) {
    go(info, Trouble.DISAGREEMENT);
  }

  private static void go(TestInfo info, Trouble trouble) {
    Runs.of(info).times(RUNS, (seed, trace) -> new Run(seed, trouble).go(trace));
  }

  private record Call(int writer, int size, byte fill, boolean fails, int dissenter) {
    byte[] data() {
      byte[] data = new byte[size];
      Arrays.fill(data, fill);
      return data;
    }
  }

  private static final class Run {
    private final Trouble trouble;
    private final Simulation simulation;
    private final int ranks;
    private final List<Call> calls = new ArrayList<>();
    private final int[] failures;
    private final int[] ended;
    private int inside = -1;

    Run(long seed, Trouble trouble) {
      Random random = new Random(~seed);
      this.trouble = trouble;
      this.ranks = 2 + random.nextInt(2);
      this.ended = new int[ranks];
      int words = (int) Layout.directory(ranks, ranks) + 64 * Layout.LINE;
      this.simulation = new Simulation(seed, ranks, words, trouble == Trouble.DEATH);
      simulation.word(Layout.DIRECTORY_END, Layout.directory(ranks, ranks));
      int count = 1 + random.nextInt(4);
      this.failures = new int[count];
      for (int i = 0; i < count; i++) {
        boolean large = random.nextInt(5) == 0;
        boolean disagree = trouble == Trouble.DISAGREEMENT && random.nextBoolean();
        calls.add(
            new Call(
                random.nextInt(ranks),
                large ? Layout.CHUNK_BYTES * 5 : random.nextInt(20),
                (byte) random.nextInt(),
                random.nextInt(5) == 0,
                disagree ? random.nextInt(ranks) : -1));
      }
      CoreSettings settings = Simulation.settings(random.nextBoolean(), 0, random.nextBoolean());
      for (int rank = 0; rank < ranks; rank++) {
        Node node = simulation.node(rank, settings);
        simulation.word(Layout.slot(rank) + Layout.LIFE, Node.OPEN);
        simulation.actor(rank, "rank " + rank, () -> work(node));
      }
      int victim = random.nextInt(ranks);
      int step = 1 + random.nextInt(600);
      if (trouble == Trouble.DEATH) {
        simulation.killAt(step, victim, () -> {});
      } else if (trouble == Trouble.INTERRUPT) {
        simulation.interruptAt(step, victim);
      }
    }

    long go(Trace trace) throws Exception {
      simulation.tracing(trace).run();
      for (int rank = 0; rank < ranks; rank++) {
        if (!simulation.isDead(rank)) {
          assertThat(ended[rank]).as("calls that ended on rank %d", rank).isEqualTo(calls.size());
        }
      }
      for (int i = 0; i < calls.size(); i++) {
        Call call = calls.get(i);
        if (trouble == Trouble.NONE) {
          assertThat(failures[i]).as("failures of call %d", i).isEqualTo(call.fails ? ranks : 0);
        } else if (trouble == Trouble.DISAGREEMENT && call.dissenter >= 0) {
          assertThat(failures[i]).as("failures of call %d", i).isEqualTo(ranks);
        }
      }
      return calls.size();
    }

    private void work(Node node) {
      Directory directory = new Directory(node);
      Collectives collectives = new Collectives(node, directory::nameAt);
      ProcessLock lock = new ProcessLock("r", node, home(directory, "r"));
      ProcessLock other = new ProcessLock("other", node, home(directory, "other"));
      for (int i = 0; i < calls.size(); i++) {
        Call call = calls.get(i);
        try {
          byte[] got =
              once(
                  node, collectives, call.dissenter == node.me() && ranks > 1 ? other : lock, call);
          assertThat(Arrays.equals(got, call.data())).as("got what was shared").isTrue();
        } catch (MpilockException | ArithmeticException e) {
          failures[i]++;
          Thread.interrupted();
        }
        ended[node.me()]++;
      }
      node.markClosed();
      Thread.interrupted();
      collectives.close(Patience.FOREVER);
      node.life(Node.LEFT);
      collectives.ring();
    }

    /** Naming can be interrupted, too, and is simply done again. */
    private static long home(Directory directory, String name) {
      while (true) {
        try {
          return directory.home(name);
        } catch (LockInterruptedException e) {
          Thread.interrupted();
        }
      }
    }

    private byte[] once(Node node, Collectives collectives, ProcessLock lock, Call call) {
      FencedSection section =
          collectives.singleWrite(
              lock, call.writer, Patience.FOREVER, (writer, nanos, bytes, failure) -> {});
      if (!section.isWriter()) {
        try {
          return (byte[]) Objects.requireNonNull(section.collect());
        } finally {
          section.close();
        }
      }
      assertThat(inside).as("two writers").isEqualTo(-1);
      inside = node.me();
      try {
        simulation.step();
        inside = -1;
        if (call.fails) {
          throw new ArithmeticException("on purpose");
        }
        section.share(call.data());
      } catch (Throwable e) {
        inside = -1;
        section.fail(e);
        section.close();
        throw e;
      }
      section.close();
      return call.data();
    }
  }
}
