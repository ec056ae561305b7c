/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.failure.CollectiveFailedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.internal.agent.Agent;
import io.mpilock.internal.call.SingleWriteCall;
import io.mpilock.internal.call.TurnsCall;
import io.mpilock.internal.job.Verdict;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.testing.Trace;
import io.mpilock.transport.Messenger;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Whole controllers of a job of several nodes, with their real agents, on simulated windows, a
 * simulated network and a simulated clock: from sync to close, one access to a window at a time.
 *
 * <p>What is between the ranks and the code is modelled: the words, the messenger, whose messages
 * of a pair of nodes are delayed but keep their order, and the time, which a step moves by some
 * microseconds, and sleep by what is slept. Everything else is the code that a job runs.
 */
final class ClusterSimulation {
  private static final int WORDS_PER_RANK = 72_000;
  private static final long SECOND = 1_000_000_000;
  private static final long HEARTBEAT = SECOND;

  /** Where the transport tells of a process that ends, silence need not. */
  private static final long LONG_HEARTBEAT = 600 * SECOND;

  /** Within this a process that ended is known then. */
  private static final long TOLD = 5 * SECOND;

  /** What goes wrong in a run. */
  enum Trouble {
    NOTHING,
    INTERRUPTS,
    /** The ranks of a node stand still, shorter than the heartbeat's time-out. */
    STALL,
    /** A rank dies that is not its node's first. */
    DEATH,
    /** The first rank of a node dies, and with it the agent. */
    DEATH_OF_AN_AGENT,
    /** All ranks of a node die at once. */
    HOST_LOST,
    /** A node goes on, and no message reaches it or leaves it. */
    HOST_CUT_OFF,
    /** Connections end that only tell whether processes live; perhaps only one side sees it. */
    CONNECTIONS_END
  }

  private static final long[] KINDS = {
    Verdict.SINGLE_WRITE,
    Verdict.SINGLE_WRITE,
    Verdict.SINGLE_WRITE,
    Verdict.BARRIER,
    Verdict.ALL_GATHER,
    Verdict.GATHER,
    Verdict.IN_ORDER
  };

  private static final class Frame {
    final byte[] bytes;
    final long arrives;

    Frame(byte[] bytes, long arrives) {
      this.bytes = bytes;
      this.arrives = arrives;
    }
  }

  /** What the ranks do together. */
  private record Call(long kind, int writer, int resource, int size, byte fill, boolean fails) {
    boolean failsFor(int rank) {
      return fails && kind != Verdict.BARRIER && rank == writer;
    }

    /** What a rank shares in its turn. */
    byte[] dataOf(int rank) {
      byte[] data = rank == writer ? data() : new byte[rank];
      Arrays.fill(data, (byte) (fill + rank));
      return data;
    }

    byte[] data() {
      byte[] data = new byte[size];
      Arrays.fill(data, fill);
      return data;
    }
  }

  private static final class Resource {
    final String name;
    int writing = -1;
    final int[] reading;
    long token;
    boolean dirty;

    Resource(String name, int ranks) {
      this.name = name;
      this.reading = new int[ranks];
    }
  }

  private final Trouble trouble;
  private final Random random;
  private final Simulation simulation;
  private final int nodes;

  /** Of the tree of the nodes: 1 is a chain, 3 has all others below the root. */
  private final int arity;

  private final int[] nodeOf;
  private final int ranks;
  private final CoreSettings settings;
  private final List<Resource> resources = new ArrayList<>();
  private final List<Deque<Frame>> links = new ArrayList<>();
  private final List<Call> calls = new ArrayList<>();
  private final int[] failures;
  private final int[] got;

  /** How many ranks have come to a call, and whose turn it is in one. */
  private final int[] arrived;

  private final int[] turns;
  private final boolean[] opened;
  private final boolean[] ended;
  private final int[] localOperations;
  private final long pollNanos;
  private final long mostDelay;
  private final boolean releaseOnDeath;
  private final Set<Integer> victims = new HashSet<>();

  /** Who was told in sync of a rank that is lost: the others are told of either. */
  private final Set<Integer> gaveUp = new HashSet<>();

  private int cut = -1;

  /** Whether the transport tells at once which processes have ended. */
  private final boolean tells;

  /** The node whose connections have ended. */
  private int unconnected = -1;

  private final boolean onlyOneSideSees;
  private long firstDeath = Long.MAX_VALUE;
  private int operations;

  ClusterSimulation(long seed, Trouble trouble, Trace trace) {
    this.trouble = trouble;
    this.random = new Random(~seed);
    this.nodes = 2 + random.nextInt(3);
    this.arity = 1 + random.nextInt(3);
    List<Integer> places = new ArrayList<>();
    for (int node = 0; node < nodes; node++) {
      for (int count = 1 + random.nextInt(3); count > 0; count--) {
        places.add(node);
      }
    }
    if (trouble == Trouble.DEATH && places.size() == nodes) {
      places.add(nodes - 1);
    }
    this.nodeOf = places.stream().mapToInt(place -> place).toArray();
    this.ranks = nodeOf.length;
    this.simulation = new Simulation(seed, nodeOf, 4 * WORDS_PER_RANK).tracing(trace);
    this.pollNanos = (1L + random.nextInt(20)) * 1_000_000;
    this.mostDelay = 1L + random.nextInt(40_000_000);
    this.releaseOnDeath = random.nextBoolean();
    this.tells =
        trouble == Trouble.CONNECTIONS_END
            || (random.nextBoolean()
                && (trouble == Trouble.DEATH_OF_AN_AGENT || trouble == Trouble.HOST_LOST));
    this.onlyOneSideSees = random.nextBoolean();
    this.settings =
        new CoreSettings(
            random.nextInt(ranks),
            random.nextBoolean(),
            Set.of("r2"), // a resource of its own fairness
            random.nextInt(3),
            releaseOnDeath,
            true,
            Duration.ofSeconds(random.nextBoolean() ? 1 : 1000),
            Duration.ofSeconds(30),
            Duration.ofNanos(tells ? LONG_HEARTBEAT : HEARTBEAT),
            WORDS_PER_RANK,
            (value, out) -> out.write((byte[]) Objects.requireNonNull(value)),
            in -> in.readAllBytes(),
            (resource, report) -> {});
    for (int number = 1 + random.nextInt(4); number > 0; number--) {
      resources.add(new Resource(number == 1 ? "default" : "r" + number, ranks));
    }
    for (int link = 0; link < nodes * nodes; link++) {
      links.add(new ArrayDeque<>());
    }
    simulation.messengers(rank -> new Post(nodeOf[rank]));
    Random kinds = new Random(seed + 1);
    for (int count = random.nextInt(4); count > 0; count--) {
      calls.add(
          new Call(
              KINDS[kinds.nextInt(KINDS.length)],
              random.nextInt(ranks),
              random.nextInt(resources.size()),
              random.nextInt(4) == 0 ? Layout.CHUNK_BYTES * 10 : random.nextInt(20),
              (byte) random.nextInt(),
              random.nextInt(4) == 0));
    }
    this.failures = new int[calls.size()];
    this.got = new int[calls.size()];
    this.arrived = new int[calls.size()];
    this.turns = new int[calls.size()];
    this.opened = new boolean[ranks];
    this.ended = new boolean[ranks];
    this.localOperations = new int[ranks];
    for (int rank = 0; rank < ranks; rank++) {
      int mine = rank;
      localOperations[rank] = 1 + random.nextInt(6);
      simulation.actor(rank, "rank " + rank, () -> work(mine));
    }
    plan();
  }

  private int firstOf(int node) {
    for (int rank = 0; ; rank++) {
      if (nodeOf[rank] == node) {
        return rank;
      }
    }
  }

  private void plan() {
    int victim = random.nextInt(ranks);
    int node = nodeOf[victim];
    int step = 200 + random.nextInt(40_000);
    switch (trouble) {
      case NOTHING -> {}
      case INTERRUPTS -> {
        for (int i = 0; i < 5; i++) {
          int whom = random.nextInt(ranks);
          simulation.at(
              4_000 + random.nextInt(40_000),
              () -> {
                if (opened[whom]) { // who is interrupted in sync takes no part
                  simulation.interrupt(whom);
                }
              });
        }
      }
      case STALL ->
          simulation.at(
              step,
              () ->
                  simulation.stall(
                      rank -> nodeOf[rank] == node, random.nextInt((int) (HEARTBEAT / 2))));
      case DEATH -> {
        while (firstOf(nodeOf[victim]) == victim) {
          victim = (victim + 1) % ranks;
        }
        int who = victim;
        simulation.at(step, () -> die(who));
      }
      case DEATH_OF_AN_AGENT -> simulation.at(step, () -> die(firstOf(node)));
      case HOST_LOST ->
          simulation.at(
              step,
              () -> {
                for (int rank = 0; rank < ranks; rank++) {
                  if (nodeOf[rank] == node) {
                    die(rank);
                  }
                }
              });
      case HOST_CUT_OFF -> simulation.at(step, () -> cut = node);
      case CONNECTIONS_END -> simulation.at(step, () -> unconnected = node);
    }
  }

  private void die(int rank) {
    victims.add(rank);
    firstDeath = Math.min(firstDeath, simulation.clock());
    for (Resource resource : resources) {
      resource.reading[rank] = 0;
      if (resource.writing == rank) {
        resource.writing = -1;
        resource.dirty = true;
      }
    }
    simulation.kill(rank);
  }

  /** Runs all to the end; every rank that lives has closed then. */
  long run() throws InterruptedException {
    simulation.run();
    for (int rank = 0; rank < ranks; rank++) {
      int who = rank;
      that(ended[rank] || victims.contains(rank), () -> "rank " + who + " has not closed");
    }
    for (int i = 0; i < calls.size(); i++) {
      int call = i;
      Supplier<String> what =
          () -> calls.get(call) + ": " + got[call] + " got it, " + failures[call] + " failed";
      int living = 0;
      for (int rank = 0; rank < ranks; rank++) {
        living += opened[rank] && !victims.contains(rank) ? 1 : 0;
      }
      int fewest = living;
      that(got[i] + failures[i] >= fewest, what);
      if (trouble == Trouble.NOTHING
          || trouble == Trouble.STALL
          || trouble == Trouble.CONNECTIONS_END) {
        Call made = calls.get(i);
        that(failures[i] == (made.failsFor(made.writer()) ? ranks : 0), what);
      }
    }
    return operations;
  }

  // A rank.

  private void work(int rank) {
    ControllerCore core;
    try {
      core =
          ControllerCore.open(
              simulation.communicator(rank),
              settings,
              simulation.pace(),
              new ActorCarrier(rank),
              arity);
    } catch (RankFailedException e) {
      checkNamed(rank, e);
      gaveUp.add(rank);
      ended[rank] = true;
      return;
    }
    opened[rank] = true;
    for (int next = 0; next <= calls.size(); next++) {
      for (int i = localOperations[rank]; i > 0; i--) {
        long start = simulation.clock();
        try {
          once(core, rank, random.nextInt(resources.size()), 0);
        } catch (RankFailedException e) {
          checkNamed(rank, e);
          checkTold(rank, start);
        } catch (LockInterruptedException e) {
          that(trouble == Trouble.INTERRUPTS, () -> "nobody interrupts: " + e);
        } finally {
          Thread.interrupted();
        }
      }
      if (next < calls.size()) {
        writeTogether(core, rank, next);
      }
    }
    Thread.interrupted();
    long start = simulation.clock();
    core.close();
    long took = simulation.clock() - start;
    that(
        trouble != Trouble.NOTHING || took < 20 * SECOND,
        () -> "the close of rank " + rank + " took " + took);
    ended[rank] = true;
  }

  private void once(ControllerCore core, int rank, int number, int depth) {
    operations++;
    Resource resource = resources.get(number);
    RankLock lock = core.resource(resource.name);
    ThreadHold hold = lock.hold();
    switch (random.nextInt(8)) {
      case 0 -> {
        if (hold.acquireRead(lock, 0)) {
          read(core, rank, number, hold, depth);
        }
      }
      case 1, 2 -> {
        hold.acquireRead(lock, ThreadHold.FOREVER);
        read(core, rank, number, hold, depth);
      }
      case 3 -> {
        if (hold.acquireWrite(lock, 0)) {
          write(core, rank, number, hold, depth);
        }
      }
      case 4 -> {
        if (hold.acquireWrite(lock, random.nextInt(100_000_000))) {
          write(core, rank, number, hold, depth);
        }
      }
      case 5 -> {
        if (random.nextInt(4) == 0) {
          that(!lock.describe().isEmpty(), () -> "nothing is said of " + resource.name);
        }
      }
      default -> {
        hold.acquireWrite(lock, ThreadHold.FOREVER);
        write(core, rank, number, hold, depth);
      }
    }
  }

  private void inside(ControllerCore core, int rank, int number, int depth) {
    for (int i = random.nextInt(20); i > 0; i--) {
      simulation.step();
    }
    if (depth < 2 && number + 1 < resources.size() && random.nextInt(4) == 0) {
      once(core, rank, number + 1, depth + 1);
    }
  }

  private void read(ControllerCore core, int rank, int number, ThreadHold hold, int depth) {
    Resource resource = resources.get(number);
    try {
      that(resource.writing < 0, () -> "rank " + rank + " reads beside " + resource.writing);
      that(!resource.dirty || releaseOnDeath, () -> "rank " + rank + " reads what is half written");
      checkToken(resource, hold.token(), resource.token);
      resource.reading[rank]++;
      inside(core, rank, number, depth);
      that(resource.writing < 0, () -> resource.writing + " writes beside reader " + rank);
    } finally {
      if (!simulation.isDead(rank)) {
        resource.reading[rank] = 0;
        hold.releaseRead(core.resource(resource.name));
      }
    }
  }

  private void write(ControllerCore core, int rank, int number, ThreadHold hold, int depth) {
    Resource resource = resources.get(number);
    try {
      beginWrite(resource, rank, hold);
      inside(core, rank, number, depth);
      that(resource.writing == rank, () -> resource.writing + " writes beside " + rank);
    } finally {
      if (!simulation.isDead(rank)) {
        resource.writing = -1;
        hold.releaseWrite(core.resource(resource.name));
      }
    }
  }

  private void beginWrite(Resource resource, int rank, ThreadHold hold) {
    that(resource.writing < 0, () -> "rank " + rank + " writes beside " + resource.writing);
    that(
        Arrays.stream(resource.reading).allMatch(reads -> reads == 0),
        () -> "rank " + rank + " writes beside readers");
    that(!resource.dirty || releaseOnDeath, () -> "rank " + rank + " writes what is half written");
    checkToken(resource, hold.token(), resource.token + 1);
    resource.token = hold.token();
    resource.writing = rank;
  }

  /** Exact, unless a writer died before anybody saw its token. */
  private void checkToken(Resource resource, long token, long expected) {
    boolean exact = victims.isEmpty() && (trouble != Trouble.INTERRUPTS);
    that(
        exact ? token == expected : token >= expected,
        () -> "token " + token + " of " + resource.name + " in place of " + expected);
  }

  private void writeTogether(ControllerCore core, int rank, int number) {
    operations++;
    Call call = calls.get(number);
    Resource resource = resources.get(call.resource());
    long start = simulation.clock();
    try {
      RankLock lock = named(core, resource.name);
      if (call.kind() == Verdict.BARRIER) {
        meet(core, lock, number);
      } else if (call.kind() == Verdict.SINGLE_WRITE) {
        writeOnce(core, lock, resource, rank, call);
      } else {
        takeTurns(core, lock, rank, number);
      }
      got[number]++;
    } catch (RankFailedException e) {
      failures[number]++;
      checkNamed(rank, e);
      checkTold(rank, start);
    } catch (CollectiveFailedException e) {
      failures[number]++;
      boolean troubled = trouble == Trouble.INTERRUPTS || hasFailed();
      boolean ofWriter = e.rank() == call.writer() && (call.fails() || troubled);
      that(
          ofWriter || (Verdict.takesTurns(call.kind()) && troubled),
          () -> "a collective call failed: " + e);
    } catch (ArithmeticException e) {
      failures[number]++;
    } catch (MpilockException e) {
      failures[number]++;
      that(trouble == Trouble.INTERRUPTS || hasFailed(), () -> "a collective call failed: " + e);
    } finally {
      Thread.interrupted();
    }
  }

  /** To name a resource can be interrupted, too; then the call would not be made at all. */
  private static RankLock named(ControllerCore core, String name) {
    while (true) {
      try {
        return core.resource(name);
      } catch (LockInterruptedException e) {
        boolean _ = Thread.interrupted();
      }
    }
  }

  private static void ignore(boolean writer, long nanos, long bytes, @Nullable Throwable failure) {}

  private void writeOnce(
      ControllerCore core, RankLock lock, Resource resource, int rank, Call call) {
    SingleWriteCall section =
        core.collectives()
            .singleWrite(lock, call.writer(), ThreadHold.FOREVER, ClusterSimulation::ignore);
    if (section.isWriter()) {
      writeForAll(section, lock, resource, rank, call);
      return;
    }
    byte[] shared;
    try {
      shared = (byte[]) Objects.requireNonNull(section.collect());
    } finally {
      section.close();
    }
    that(Arrays.equals(shared, call.data()), () -> "rank " + rank + " got something else");
  }

  private void meet(ControllerCore core, RankLock lock, int number) {
    arrived[number]++;
    core.collectives().barrier(lock, ThreadHold.FOREVER, ClusterSimulation::ignore);
    that(arrived[number] == ranks, () -> arrived[number] + " ranks came to a barrier");
  }

  private void takeTurns(ControllerCore core, RankLock lock, int rank, int number) {
    Call call = calls.get(number);
    List<@Nullable Object> all = new ArrayList<>();
    TurnsCall part =
        core.collectives()
            .turns(
                call.kind(),
                lock,
                ThreadHold.FOREVER,
                (value, _) -> all.add(value),
                ClusterSimulation::ignore);
    try {
      part.awaitTurn();
      that(turns[number] == rank, () -> "rank " + rank + " has the turn of " + turns[number]);
      simulation.step();
      if (call.failsFor(rank)) {
        throw new ArithmeticException("on purpose");
      }
      turns[number]++;
      if (call.kind() == Verdict.IN_ORDER) {
        part.pass();
      } else {
        part.share(call.dataOf(rank));
      }
      part.awaitAll();
    } catch (Throwable e) {
      part.leave(e);
      throw e;
    }
    part.close();
    that(turns[number] == ranks, () -> turns[number] + " turns were taken");
    boolean gets =
        call.kind() == Verdict.ALL_GATHER
            || (call.kind() == Verdict.GATHER && rank == settings.master());
    that(all.size() == (gets ? ranks : 0), () -> "rank " + rank + " got " + all.size());
    for (int other = 0; other < all.size(); other++) {
      boolean right = Arrays.equals((byte[]) all.get(other), call.dataOf(other));
      that(right, () -> "rank " + rank + " got something else");
    }
  }

  private void writeForAll(
      SingleWriteCall section, RankLock lock, Resource resource, int rank, Call call) {
    try {
      beginWrite(resource, rank, lock.hold());
      simulation.step();
      resource.writing = -1;
      if (call.fails()) {
        throw new ArithmeticException("on purpose");
      }
      section.share(call.data());
    } catch (ArithmeticException | MpilockException e) {
      section.fail(e);
      section.close();
      throw e;
    }
    section.close();
  }

  private boolean hasFailed() {
    return !victims.isEmpty() || cut >= 0;
  }

  /** A failure names a rank that died, or one of a node that cannot be reached. */
  private void checkNamed(int rank, RankFailedException e) {
    boolean right = victims.contains(e.rank()) || gaveUp.contains(e.rank());
    if (cut >= 0) {
      right |= (nodeOf[rank] == cut) != (nodeOf[e.rank()] == cut);
    }
    boolean good = right;
    that(good, () -> "rank " + rank + " is told of rank " + e.rank() + ": " + e.getMessage());
  }

  /** A process that has ended is known soon if the transport tells. */
  private void checkTold(int rank, long start) {
    long took = simulation.clock() - Math.max(start, firstDeath);
    that(!tells || took < TOLD, () -> "rank " + rank + " was told after " + took + " ns");
  }

  private void that(boolean good, Supplier<String> wrong) {
    if (!good) {
      throw new AssertionError(
          "%s (%s, nodes of the ranks %s, lost %s, cut off %d)"
              .formatted(wrong.get(), trouble, Arrays.toString(nodeOf), victims, cut));
    }
  }

  /** An agent as one more actor of its rank. */
  private final class ActorCarrier implements Agent.Carrier {
    private final int rank;
    private Simulation.@Nullable Actor actor;

    ActorCarrier(int rank) {
      this.rank = rank;
    }

    @Override
    public void start(Runnable agent) {
      actor = simulation.spawn(rank, "agent of node " + nodeOf[rank], agent::run);
    }

    @Override
    public void awaitEnd(long nanos) {
      Simulation.Actor started = actor;
      if (started != null) {
        simulation.awaitGate(() -> simulation.isFinished(started));
      }
    }
  }

  /** A node's end of the network. */
  private final class Post implements Messenger {
    private final int node;

    Post(int node) {
      this.node = node;
    }

    private boolean isCut(int other) {
      return cut == node || cut == other;
    }

    @Override
    public void send(int rank, ByteBuffer frame) {
      simulation.step();
      byte[] bytes = new byte[frame.remaining()];
      frame.get(bytes);
      int to = nodeOf[rank];
      if (isCut(to) || simulation.isDead(rank)) {
        return;
      }
      Deque<Frame> link = links.get(node * nodes + to);
      long arrives = simulation.clock() + random.nextLong(mostDelay);
      Frame last = link.peekLast();
      link.add(new Frame(bytes, last == null ? arrives : Math.max(arrives, last.arrives)));
    }

    @Override
    public int receive(ByteBuffer target) {
      simulation.step();
      int first = random.nextInt(nodes);
      for (int i = 0; i < nodes; i++) {
        int from = (first + i) % nodes;
        Deque<Frame> link = links.get(from * nodes + node);
        Frame frame = link.peek();
        if (frame != null && frame.arrives <= simulation.clock() && !isCut(from)) {
          link.remove();
          target.clear().put(frame.bytes).flip();
          return firstOf(from);
        }
      }
      return -1;
    }

    @Override
    public boolean isCutOff(int rank) {
      boolean sees = node == unconnected || (nodeOf[rank] == unconnected && !onlyOneSideSees);
      return tells && (sees || simulation.isDead(rank));
    }

    @Override
    public boolean isFlushed() {
      return true;
    }

    @Override
    public long pollNanos() {
      return pollNanos;
    }

    @Override
    public void close() {}
  }
}
