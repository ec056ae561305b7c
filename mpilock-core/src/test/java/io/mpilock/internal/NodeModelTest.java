/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.mpilock.testing.Proof;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * The models of the node level, checked over all their states by Spin; and that a model with a
 * fault planted in it fails by the very check that is there for it. With {@code
 * -Dmpilock.models=full} larger ones, too.
 */
@Proof
class NodeModelTest {
  private static final boolean FULL = "full".equals(System.getProperty("mpilock.models"));
  private static final String NODE = "node.pml";
  private static final String BELL = "bell.pml";

  @TempDir Path directory;
  private int runs;

  @TestFactory
  Stream<DynamicTest> everyStateIsSound() {
    List<SpinRun> models = new ArrayList<>();
    models.add(SpinRun.of(BELL));
    models.add(node(2, 3, "ORDER"));
    models.add(node(2, 1, "THREADS=3", "TWO_IN_ONE"));
    models.add(node(2, 1, "THREADS=3", "TWO_IN_ONE", "ORDER", "HANDOVERS=0"));
    models.add(node(3, 1, "PHASE_FAIR"));
    models.add(node(2, 2, "CRASH"));
    models.add(node(2, 2, "CRASH", "RELEASE"));
    models.add(node(2, 2, "CRASH", "PHASE_FAIR"));
    models.add(node(2, 2, "CRASH", "PHASE_FAIR", "RELEASE"));
    models.add(node(2, 2, "CRASH", "CLEARS"));
    models.add(node(2, 2, "CRASH", "PHASE_FAIR", "CLEARS"));
    models.add(node(2, 2, "CRASH", "LATE"));
    models.add(node(2, 2, "CRASH", "LATE", "RELEASE"));
    models.add(node(2, 1, "AGENT", "RECALLS=1"));
    if (!Proof.Size.SHORT) {
      models.add(node(3, 2, "ORDER", "PATIENT"));
      models.add(node(3, 1, "ORDER"));
      models.add(node(3, 1, "CRASH"));
      models.add(node(3, 1, "CRASH", "CLEARS"));
    }
    if (FULL) {
      models.add(node(3, 2, "ORDER"));
      models.add(node(3, 3, "PATIENT"));
      models.add(node(2, 2, "THREADS=3", "TWO_IN_ONE"));
      models.add(node(2, 2, "THREADS=3", "TWO_IN_ONE", "ORDER", "HANDOVERS=0", "WRITERS=7"));
      models.add(node(3, 2, "PHASE_FAIR", "ORDER"));
      models.add(node(3, 1, "CRASH", "RELEASE"));
      models.add(node(3, 1, "CRASH", "PHASE_FAIR"));
      models.add(node(2, 3, "CRASH"));
      models.add(node(2, 1, "AGENT", "RECALLS=2"));
    }
    return models.stream().map(model -> test(model.toString(), in -> report(model.holds(in))));
  }

  @TestFactory
  Stream<DynamicTest> everyRunEnds() {
    List<SpinRun> models = new ArrayList<>();
    models.add(node(3, 1));
    models.add(node(2, 2));
    models.add(node(2, 1, "THREADS=3", "TWO_IN_ONE"));
    models.add(node(2, 2, "PHASE_FAIR"));
    models.add(node(2, 2, "CRASH"));
    if (FULL) {
      models.add(node(3, 2));
      models.add(node(3, 1, "CRASH"));
      models.add(node(3, 1, "PHASE_FAIR"));
    }
    return models.stream().map(model -> test(model.toString(), in -> report(model.ends(in))));
  }

  @TestFactory
  Stream<DynamicTest> everyPlantedFaultIsCaught() {
    return Stream.of(
        breaks("a reader does not look a second time", fault(1), "writer_first"),
        breaks(
            "a reader does not look a second time: it reads beside a writer",
            fault(1),
            "exclusion"),
        breaks("a writer does not wait for the readers to leave", fault(2), "exclusion"),
        breaks("a request that gives up does not see that it is claimed", fault(3), "no_trace"),
        getsStuck("who sets the lock free does not look at the requests again", fault(4)),
        breaks(
            "a claim takes any request of the rank that was found, not the very one",
            SpinRun.of(NODE, "RANKS=3", "ROUNDS=2", "FAULT=5"),
            "order"),
        breaks("who gives up stays counted in pending", fault(6), "no_trace"),
        getsStuck("the last reader does not ring the writer that drains", fault(7)),
        getsStuck("a writer that goes to sleep does not mark what it waits for", fault(8)),
        breaks("the recovery counts what the dead asked for", fault(9, "CRASH"), "no_trace"),
        breaks("what a dead writer wrote is not poisoned", fault(10, "CRASH"), "poison"),
        breaks(
            "the requests are looked at only once",
            SpinRun.of(NODE, "RANKS=3", "FAULT=11"),
            "order"),
        breaks(
            "the own rank is claimed before it is named the owner",
            fault(12, "THREADS=3", "TWO_IN_ONE"),
            "only_owner_gives"),
        breaks("a request is counted before it says so", fault(13, "CRASH"), "no_trace"),
        breaks(
            "the recovery does not wait for requests that are about to be counted",
            SpinRun.of(NODE, "RANKS=3", "CRASH", "FAULT=14"),
            "exclusion"),
        breaks(
            "the recovery does not see that the dead had named its heir",
            fault(15, "CRASH"),
            "poison"),
        breaks(
            "the recovery clears what the dead owner asked for after it has named an owner",
            SpinRun.of(NODE, "RANKS=3", "CRASH", "FAULT=21"),
            "poison"),
        breaks("the token is read before the lock is owned", fault(16), "tokens_grow"),
        breaks(
            "phase-fair: the waiting readers are not let in",
            SpinRun.of(NODE, "RANKS=3", "PHASE_FAIR", "FAULT=17"),
            "batch_goes_first"),
        breaks(
            "phase-fair: a reader that gives up does not see that it was let in",
            fault(18, "PHASE_FAIR"),
            "no_trace"),
        getsStuck("the last writer that gives up does not ring the readers", fault(19)),
        test(
            "a claim that failed is tried again for ever",
            SpinRun.of(NODE, "RANKS=3", "FAULT=20")::goesOnForEver),
        breaks(
            "who gives up a claimed request does not look at the owner again",
            fault(29, "ROUNDS=2"),
            "no_trace"),
        breaks(
            "who names the owner does not look whether it gave up",
            fault(30, "ROUNDS=2"),
            "no_trace"),
        breaks("two ranks take one ownership back", fault(31, "ROUNDS=2"), "only_owner_gives"),
        breaks(
            "nobody takes back what somebody was given who had given up, but who gave it",
            fault(32, "CRASH"),
            "no_trace"),
        getsStuck(
            "who waits for the end of its rank's earlier request is not rung for",
            fault(33, "ROUNDS=2", "WRITERS=3")),
        breaks("the recovery counts requests that were given up", fault(34, "CRASH"), "no_trace"),
        breaks(
            "threads: who takes ownership back takes what its rank has got since",
            fault(35, "THREADS=3", "TWO_IN_ONE"),
            "only_owner_gives"),
        breaks(
            "the recovery does not see that somebody took back what the dead owned",
            SpinRun.of(NODE, "RANKS=3", "CRASH", "FAULT=36"),
            "only_owner_gives"),
        breaks(
            "the recovery poisons what somebody took back from the dead",
            SpinRun.of(NODE, "RANKS=3", "CRASH", "FAULT=37"),
            "poison"),
        breaks(
            "the recovery clears no request that is returning by now",
            SpinRun.of(NODE, "RANKS=3", "CRASH", "FAULT=38"),
            "no_trace"),
        breaks(
            "late: a release does not compare the owner",
            fault(39, "ROUNDS=2", "CRASH", "LATE"),
            "only_owner_gives"),
        breaks(
            "late: who is gone still does what takes several steps",
            fault(40, "ROUNDS=2", "CRASH", "LATE"),
            "only_owner_gives"),
        breaks(
            "late: a writer that is gone begins when the readers have left",
            fault(41, "ROUNDS=2", "CRASH", "LATE"),
            "exclusion"),
        breaks(
            "late: the recovery looks only once whether the dead has written",
            fault(42, "ROUNDS=2", "CRASH", "LATE"),
            "exclusion"),
        breaks(
            "late: a writer that is gone sets back the token of those who write in its place",
            fault(43, "ROUNDS=2", "CRASH", "LATE", "RELEASE"),
            "tokens_grow"),
        breaks(
            "given free: the requests are not counted",
            SpinRun.of(NODE, "RANKS=3", "CRASH", "CLEARS", "FAULT=44"),
            "no_trace"),
        breaks(
            "given free: a request that is about to be made or withdrawn is not waited for",
            SpinRun.of(NODE, "RANKS=3", "CRASH", "CLEARS", "FAULT=45"),
            "no_trace"),
        breaks(
            "given free: what the poison counted stays in pending",
            fault(46, "ROUNDS=2", "CRASH", "CLEARS"),
            "no_trace"),
        getsStuck("a reader does not tell the agent that it waits", agentFault(22)),
        getsStuck("a writer does not tell the agent that it asks", agentFault(23)),
        breaks(
            "the agent gives the permission up before the readers have left",
            agentFault(24),
            "permitted"),
        breaks(
            "threads: a claim of one who gave up is taken by the next", threadsFault(26), "order"),
        breaks(
            "threads: the next gets its number when it is its turn to ask",
            threadsFault(27),
            "order"),
        getsStuck("threads: who gives up does not make the next the first", threadsFault(28)),
        getsStuck("bell: a sleeper is counted after it has looked", SpinRun.of(BELL, "FAULT=1")),
        getsStuck("bell: the epoch is read after the look", SpinRun.of(BELL, "FAULT=2")),
        getsStuck("bell: it rings before the change", SpinRun.of(BELL, "FAULT=3")),
        getsStuck("bell: a ring does not move the epoch", SpinRun.of(BELL, "FAULT=4")));
  }

  private static SpinRun node(int ranks, int rounds, String... options) {
    return SpinRun.of(NODE, "RANKS=" + ranks, "ROUNDS=" + rounds).with(options);
  }

  private static SpinRun fault(int number, String... options) {
    return SpinRun.of(NODE, "RANKS=2", "FAULT=" + number).with(options);
  }

  private static SpinRun agentFault(int number) {
    return fault(number, "AGENT", "RECALLS=1");
  }

  private static SpinRun threadsFault(int number) {
    return fault(number, "THREADS=3", "TWO_IN_ONE", "ORDER", "HANDOVERS=0", "WRITERS=7");
  }

  private DynamicTest breaks(String fault, SpinRun model, String check) {
    return test(fault + " (" + check + ")", in -> model.breaks(in, check));
  }

  private DynamicTest getsStuck(String fault, SpinRun model) {
    return test(fault + " (deadlock)", model::getsStuck);
  }

  private DynamicTest test(String name, Consumer<Path> body) {
    return dynamicTest(
        name,
        () -> {
          Path own = directory.resolve(String.valueOf(runs++));
          try {
            body.accept(Files.createDirectory(own));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static void report(double states) {
    System.out.printf("%,.0f states%n", states);
  }
}
