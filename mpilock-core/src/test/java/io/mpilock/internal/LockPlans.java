/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.Leases;
import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.failure.DeadlockException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.internal.WaitJudge.Ask;
import io.mpilock.internal.agent.Agent;
import io.mpilock.internal.call.CollectiveCalls;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.RankThreads;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.testing.Trace;
import io.mpilock.transport.Messenger;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Threads of some ranks take locks in other locks at random, through the public leases, and so wait
 * for each other in cycles; a {@link WaitJudge} sees it all. Locks, detector, and over several
 * nodes the agents, are the real ones; words, network and time are simulated.
 */
final class LockPlans {
  private static final long MILLI = 1_000_000;
  private static final long SECOND = 1000 * MILLI;

  /** Longer than anything that keeps a thread from going on which was granted what it asks for. */
  private static final long LINGER_NANOS = 4 * SECOND;

  private static final long MOST_STANDSTILL = 2 * SECOND;
  private static final int WORDS_PER_RANK = 72_000;
  private static final int NOBODY = -1;

  /** What the plans are played on. */
  enum Stage {
    ONE_NODE(2 * SECOND, SECOND / 10, 5 * MILLI),
    /** Ranks stand still for longer than a cycle takes to be found. */
    STANDSTILL(2 * SECOND + 6 * MOST_STANDSTILL, SECOND / 10 + MOST_STANDSTILL, MOST_STANDSTILL),
    NODES(2 * SECOND, 2 * SECOND, 5 * MILLI),
    NODES_STANDSTILL(
        2 * SECOND + 6 * MOST_STANDSTILL, 2 * SECOND + MOST_STANDSTILL, MOST_STANDSTILL);

    private final long mostTime;
    private final long mostAge;
    private final long sameTime;

    Stage(long mostTime, long mostAge, long sameTime) {
      this.mostTime = mostTime;
      this.mostAge = mostAge;
      this.sameTime = sameTime;
    }

    boolean isOverNodes() {
      return this == NODES || this == NODES_STANDSTILL;
    }

    boolean standsStill() {
      return this == STANDSTILL || this == NODES_STANDSTILL;
    }
  }

  private final Stage stage;
  private final Simulation simulation;
  private final Random random;
  private final RankContext.Pace pace;
  private final WaitJudge judge;
  private final CoreSettings settings;
  private final int resources;
  private final int[] nodeOf;
  private final List<Simulation.Actor> threads = new ArrayList<>();
  private final Map<Integer, List<ResourceLock>> locks = new HashMap<>();
  private final List<Deque<Frame>> links = new ArrayList<>();
  private int told;

  /** How many of a hundred requests are to write, and how many have a time-out. */
  private final int writing;

  private final int timing;
  private int standstills;

  /** All begin at once, each with a lock in another one. */
  private final boolean crowded;

  private static final class Frame {
    private final byte[] bytes;
    private final long arrives;

    Frame(byte[] bytes, long arrives) {
      this.bytes = bytes;
      this.arrives = arrives;
    }
  }

  LockPlans(long seed, Stage stage, Trace trace) {
    this.stage = stage;
    this.random = new Random(~seed);
    this.nodeOf = new int[stage.isOverNodes() ? 2 + random.nextInt(3) : 1 + random.nextInt(3)];
    if (stage.isOverNodes()) {
      for (int rank = 1; rank < nodeOf.length; rank++) {
        nodeOf[rank] = rank == 1 ? 1 : nodeOf[rank - 1] + random.nextInt(2);
      }
    }
    this.crowded = random.nextBoolean();
    this.resources = 2 + random.nextInt(crowded ? 2 : 3);
    long words = header() + (long) resources * (Layout.LINE + nodeOf.length * Layout.RANK_WORDS);
    this.simulation =
        new Simulation(
                seed, nodeOf, stage.isOverNodes() ? nodeOf.length * WORDS_PER_RANK : (int) words)
            .tracing(trace)
            .preempting(0.02 + 0.2 * random.nextDouble());
    this.pace = simulation.pace();
    this.writing = 20 + random.nextInt(70);
    this.timing = Math.max(0, random.nextInt(60) - 20);
    this.standstills = stage.standsStill() ? 1 + random.nextInt(3) : 0;
    this.judge = new WaitJudge(stage.mostAge, stage.mostTime, stage.sameTime);
    this.settings =
        Simulation.settings(
            random.nextBoolean(),
            random.nextInt(3),
            false,
            Duration.ofDays(1),
            (resource, report) -> told++);
  }

  private long header() {
    return Layout.directory(nodeOf.length, nodeOf.length) + Layout.LINE;
  }

  /**
   * Plays to the end.
   *
   * @return how many cycles were found
   */
  long run() throws InterruptedException {
    if (stage.isOverNodes()) {
      openControllers();
    } else {
      openLocks();
    }
    simulation.actor(NOBODY, "judge", this::look);
    simulation.run();
    return judge.cycles();
  }

  private void openLocks() {
    for (int rank = 0; rank < nodeOf.length; rank++) {
      RankContext node = simulation.node(rank, settings);
      node.waits().nameBy(lockLine -> "resource 'r" + (lockLine - header()) / spread() + "'");
      node.window().set(Layout.slot(rank) + Layout.LIFE, RankContext.OPEN);
      RankThreads shared = new RankThreads(node);
      List<ResourceLock> mine = new ArrayList<>();
      for (int resource = 0; resource < resources; resource++) {
        RankLock lock = new RankLock("r" + resource, shared, header() + resource * spread());
        mine.add(Leases.over(lock, new CollectiveCalls(node, index -> "r")));
      }
      locks.put(rank, mine);
      for (int thread = threadsOf(rank); thread > 0; thread--) {
        String name = "r" + rank + "t" + thread;
        int here = rank;
        threads.add(simulation.actor(rank, name, () -> new Player(here, name).play()));
      }
    }
  }

  private long spread() {
    return Layout.LINE + (long) nodeOf.length * Layout.RANK_WORDS;
  }

  private int nodes() {
    return nodeOf[nodeOf.length - 1] + 1;
  }

  private int firstOf(int node) {
    int rank = 0;
    while (nodeOf[rank] != node) {
      rank++;
    }
    return rank;
  }

  private int threadsOf(int rank) {
    int most = crowded ? 4 : 3;
    return 1 + random.nextInt(rank == 0 && nodeOf.length == 1 ? most + 2 : most);
  }

  private void openControllers() {
    for (int link = 0; link < nodes() * nodes(); link++) {
      links.add(new ArrayDeque<>());
    }
    simulation.messengers(rank -> new Post(nodeOf[rank]));
    int[] closed = new int[nodeOf.length];
    for (int rank = 0; rank < nodeOf.length; rank++) {
      int here = rank;
      int count = threadsOf(rank);
      threads.add(
          simulation.actor(
              rank,
              "rank " + rank,
              () -> {
                ControllerCore core =
                    ControllerCore.open(
                        simulation.communicator(here), settings, pace, new Carrier(here), 2);
                List<ResourceLock> mine = new ArrayList<>();
                for (int resource = 0; resource < resources; resource++) {
                  mine.add(Leases.over(core.resource("r" + resource), core.collectives()));
                }
                locks.put(here, mine);
                List<Simulation.Actor> players = new ArrayList<>();
                for (int thread = 0; thread < count; thread++) {
                  String name = "r" + here + "t" + thread;
                  players.add(simulation.spawn(here, name, () -> new Player(here, name).play()));
                }
                simulation.awaitGate(() -> players.stream().allMatch(simulation::isFinished));
                closed[here] = 1;
                simulation.awaitGate(() -> Arrays.stream(closed).sum() == closed.length);
                core.close();
              }));
    }
  }

  private void look() {
    while (!threads.stream().allMatch(simulation::isFinished)) {
      pace.rest().accept(SECOND / 10);
      judge.look(simulation.clock());
    }
  }

  /** One thread's plan. */
  private final class Player {
    private final int here;
    private final String name;
    private final List<ResourceLock> mine;
    private final int[] reads = new int[resources];
    private final int[] writes = new int[resources];

    Player(int rank, String name) {
      this.here = rank;
      this.name = name;
      this.mine = Objects.requireNonNull(locks.get(rank));
    }

    void play() throws Exception {
      for (int turn = crowded ? 1 : 1 + random.nextInt(3); turn > 0; turn--) {
        think(crowded ? 10 * MILLI : 100 * MILLI);
        take(crowded ? 2 : 1 + random.nextInt(3));
      }
    }

    private void think(long most) {
      if (random.nextInt(3) > 0) {
        pace.rest().accept(1 + random.nextLong(most));
      }
    }

    private void take(int depth) throws Exception {
      int number = random.nextInt(resources);
      ResourceLock lock = mine.get(number);
      boolean write = random.nextInt(100) < writing && (reads[number] == 0 || writes[number] > 0);
      boolean timed = random.nextInt(100) < timing;
      Duration time = Duration.ofMillis(1 + random.nextInt(3_000));
      AutoCloseable lease =
          write
              ? ask(number, true, timed, () -> timed ? lock.write(time) : lock.write())
              : ask(number, false, timed, () -> timed ? lock.read(time) : lock.read());
      if (lease == null) {
        return;
      }
      think(30 * MILLI);
      if (depth > 1) {
        take(depth - 1);
      }
      boolean sole = reads[number] == 1 && writes[number] == 0;
      if (lease instanceof ReadLease read && sole && random.nextInt(4) == 0) {
        release(number, false);
        write = true;
        lease = ask(number, true, false, read::upgrade);
        think(30 * MILLI);
      }
      if (lease != null) {
        standStill();
        release(number, write);
        lease.close();
      }
    }

    /** Another rank stands still for longer than a cycle takes to be found. */
    private void standStill() {
      if (standstills > 0 && random.nextInt(3) == 0) {
        standstills--;
        int victim = random.nextInt(nodeOf.length);
        simulation.stall(
            rank -> rank == victim && rank != here,
            MOST_STANDSTILL / 4 + random.nextLong(MOST_STANDSTILL * 3 / 4));
      }
    }

    private void release(int number, boolean write) {
      (write ? writes : reads)[number]--;
      judge.released(name, "r" + number, write);
    }

    /** Asks, and gives null if that was refused. */
    private @Nullable AutoCloseable ask(
        int number, boolean write, boolean timed, Callable<AutoCloseable> request)
        throws Exception {
      Ask ask = judge.asks(name, "r" + number, write, timed, simulation.clock());
      try {
        AutoCloseable lease = request.call();
        judge.granted(ask, simulation.clock());
        (write ? writes : reads)[number]++;
        return lease;
      } catch (LockTimeoutException e) {
        judge.ended(ask);
        return null;
      } catch (DeadlockException e) {
        long now = simulation.clock();
        String message = String.valueOf(e.getMessage());
        List<Ask> others = judge.givenUp(ask, message, now);
        for (long waited = 0; waited < LINGER_NANOS && judge.isAlone(now); waited += SECOND / 10) {
          judge.stillWait(others, message);
          pace.rest().accept(SECOND / 10);
        }
        return null;
      }
    }
  }

  /** An agent as one more actor of its rank. */
  private final class Carrier implements Agent.Carrier {
    private final int rank;
    private Simulation.@Nullable Actor actor;

    Carrier(int rank) {
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

  /** A node's end of a network that delays messages, and keeps their order. */
  private final class Post implements Messenger {
    private final int node;

    Post(int node) {
      this.node = node;
    }

    @Override
    public void send(int rank, ByteBuffer frame) {
      simulation.step();
      byte[] bytes = new byte[frame.remaining()];
      frame.get(bytes);
      Deque<Frame> link = links.get(node * nodes() + nodeOf[rank]);
      long arrives = simulation.clock() + random.nextLong(40 * MILLI);
      Frame last = link.peekLast();
      link.add(new Frame(bytes, last == null ? arrives : Math.max(arrives, last.arrives)));
    }

    @Override
    public int receive(ByteBuffer target) {
      simulation.step();
      for (int from = 0; from < nodes(); from++) {
        Deque<Frame> link = links.get(from * nodes() + node);
        Frame frame = link.peek();
        if (frame != null && frame.arrives <= simulation.clock()) {
          link.remove();
          target.clear().put(frame.bytes).flip();
          return firstOf(from);
        }
      }
      return -1;
    }

    @Override
    public boolean isCutOff(int rank) {
      return false;
    }

    @Override
    public boolean isFlushed() {
      return true;
    }

    @Override
    public long pollNanos() {
      return 20 * MILLI;
    }

    @Override
    public void close() {}
  }
}
