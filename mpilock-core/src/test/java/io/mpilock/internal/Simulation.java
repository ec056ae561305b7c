/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadParker;
import io.mpilock.testing.BareCommunicator;
import io.mpilock.testing.Trace;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Member;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs actors on the real protocol code, one at a time: before each access to the window a seed
 * decides who goes on. A seed that fails fails again, for the same code.
 *
 * <p>A sleeping actor is woken by {@code wake} only, unless time-outs are allowed, and even then
 * only when nobody can run: a lost wake-up is a failure, not a delay. A rank can be killed at any
 * access. Time is virtual: it passes when everyone sleeps.
 */
public final class Simulation {
  private static final int MAX_STEPS = 300_000;

  /** Enough for 30 s in which the agents of four nodes look for frames each millisecond. */
  private static final int MAX_TIMED_STEPS = 9_000_000;

  private static final long STEP_NANOS = 2_000;

  /** Where a thread sleeps that another one of its rank wakes. */
  private static final long PARKED = Long.MAX_VALUE - 1;

  /** Ends an actor whose rank was killed; its last access has not happened. */
  static final class Killed extends Error {
    private static final long serialVersionUID = 1;

    Killed() {
      super("killed", null, false, false);
    }
  }

  /** What an actor does. */
  public interface Body {
    void run() throws Exception;
  }

  /** One thread of one rank. */
  final class Actor {
    final int rank;
    final String name;
    private final Body body;
    private Thread thread = Thread.currentThread();
    private long bed = -1;
    private int bedNode;
    private long wakesAt;
    private long stalledUntil;
    private boolean spawned;
    private boolean permit;
    private BooleanSupplier gate = () -> true;
    private boolean finished;

    Actor(int rank, String name, Body body) {
      this.rank = rank;
      this.name = name;
      this.body = body;
    }

    private boolean isRunnable() {
      return !finished
          && bed < 0
          && stalledUntil <= clock
          && (dead.contains(rank) || gate.getAsBoolean());
    }

    @Override
    public String toString() {
      return name + (finished ? " finished" : bed >= 0 ? " asleep on word " + bed : " can run");
    }
  }

  private final Random random;
  private final int[] nodeOf;
  private final boolean timeouts;

  /** Whether sleeps end when their time is over; otherwise when nobody can run. */
  private final boolean timed;

  private double preemption;
  private final List<Actor> actors = new ArrayList<>();
  private final Set<Integer> dead = new HashSet<>();
  private final long[][] words;
  private final int[] leaving;
  private IntFunction<Messenger> messengers =
      rank -> {
        throw new UnsupportedOperationException();
      };
  private Trace trace = Trace.off();
  private final CountDownLatch over = new CountDownLatch(1);
  private volatile @Nullable Actor current;
  private volatile @Nullable Throwable failure;
  private long clock = 1;
  private int steps;
  private final Map<Integer, Runnable> events = new HashMap<>();

  public Simulation(long seed, int ranks, int words, boolean timeouts) {
    this(seed, ranks, 0, words, timeouts);
  }

  /** One node's window; the job has ranks on a second node, too, if {@code elsewhere} says so. */
  public Simulation(long seed, int ranks, int elsewhere, int words, boolean timeouts) {
    this(seed, nodes(ranks, elsewhere), words, timeouts, false);
  }

  /**
   * Several nodes, each with a window, and sleeps that end when their time is over.
   *
   * @param nodeOf the node of each rank
   * @param words of each node's window
   */
  public Simulation(long seed, int[] nodeOf, int words) {
    this(seed, nodeOf, words, true, true);
  }

  private Simulation(long seed, int[] nodeOf, int words, boolean timeouts, boolean timed) {
    this.random = new Random(seed);
    this.nodeOf = nodeOf;
    this.words = new long[IntStream.of(nodeOf).max().orElse(0) + 1][words];
    this.leaving = new int[nodeOf.length];
    this.timeouts = timeouts;
    this.timed = timed;
    this.preemption = 0.05 + 0.9 * random.nextDouble();
  }

  private static int[] nodes(int ranks, int elsewhere) {
    int[] nodeOf = new int[ranks + elsewhere];
    Arrays.fill(nodeOf, ranks, nodeOf.length, 1);
    return nodeOf;
  }

  public Simulation tracing(Trace newTrace) {
    trace = newTrace;
    return this;
  }

  /** How likely somebody else goes on at an access; otherwise the seed says that, too. */
  Simulation preempting(double probability) {
    preemption = probability;
    return this;
  }

  /** How ranks get a messenger. */
  void messengers(IntFunction<Messenger> newMessengers) {
    messengers = newMessengers;
  }

  public Random random() {
    return random;
  }

  /** Kills a rank just before the given access, counted over all actors. */
  public void killAt(int step, int rank, Runnable then) {
    events.put(
        step,
        () -> {
          then.run();
          kill(rank);
        });
  }

  public void kill(int rank) {
    dead.add(rank);
    actors.stream().filter(actor -> actor.rank == rank).forEach(actor -> actor.bed = -1);
  }

  public long clock() {
    return clock;
  }

  Communicator communicator(int rank) {
    return new Ranks(rank);
  }

  RankContext.Pace pace() {
    return new RankContext.Pace(
        0, 0, () -> clock, this::rest, new Threads(), () -> 1_000_000 + clock / 1_000_000);
  }

  /**
   * Threads of a rank that keep each other out and wait for each other, under the seed's control.
   */
  private final class Threads implements ThreadParker {
    private final IdentityHashMap<Object, Mutex> monitors = new IdentityHashMap<>();

    /**
     * A monitor would not let go of the baton: whoever waited for it would stand still for ever.
     */
    @Override
    public <T extends @Nullable Object> T alone(Object monitor, Supplier<T> piece) {
      Mutex mutex = monitors.computeIfAbsent(monitor, _ -> new Mutex());
      if (mutex.held) {
        mutex.lock();
      }
      mutex.held = true;
      try {
        return piece.get();
      } finally {
        mutex.unlock();
      }
    }

    @Override
    public void park(Object blocker, long nanos) {
      step();
      Actor me = Objects.requireNonNull(current);
      if (!me.permit && !Thread.currentThread().isInterrupted()) {
        me.bed = PARKED;
        me.wakesAt = clock + Math.min(nanos, Long.MAX_VALUE / 2);
        while (me.bed >= 0) {
          pass(me);
          awaitBaton(me);
        }
      }
      me.permit = false;
      step();
    }

    @Override
    public void unpark(Thread thread) {
      for (Actor actor : actors) {
        if (actor.thread.equals(thread)) {
          actor.permit = true;
          actor.bed = actor.bed == PARKED ? -1 : actor.bed;
        }
      }
    }
  }

  /** A mutex of the threads of one rank. */
  private final class Mutex {
    private boolean held;

    void lock() {
      Actor me = current;
      if (me != null && me.thread.equals(Thread.currentThread())) {
        awaitGate(() -> !held);
        if (held) {
          throw new Killed();
        }
      }
      held = true;
    }

    void unlock() {
      held = false;
    }
  }

  /** Whether an actor sleeps, so that somebody must wake it. */
  boolean isAsleep(Actor actor) {
    return actor.bed >= 0;
  }

  /** Sleeps where nobody wakes. */
  private void rest(long nanos) {
    step();
    Actor me = Objects.requireNonNull(current);
    me.bed = Long.MAX_VALUE;
    me.wakesAt = clock + nanos;
    while (me.bed >= 0) {
      pass(me);
      awaitBaton(me);
    }
    step();
  }

  /** Has something happen just before the given access. */
  public void at(int step, Runnable event) {
    events.merge(
        step,
        event,
        (one, other) ->
            () -> {
              one.run();
              other.run();
            });
  }

  /** Nothing of some ranks runs for a time. */
  void stall(IntPredicate stalled, long nanos) {
    for (Actor actor : actors) {
      if (stalled.test(actor.rank)) {
        actor.stalledUntil = clock + nanos;
      }
    }
  }

  /**
   * A process stands still from the given access on, for all that the others see, until it {@link
   * #goesOn}.
   */
  void standsStillAt(int step, int rank) {
    at(step, () -> standsStill(rank));
  }

  public void standsStill(int rank) {
    for (Actor actor : actors) {
      if (actor.rank == rank) {
        actor.stalledUntil = Long.MAX_VALUE;
      }
    }
  }

  /** A process that stood still goes on; as all do when nobody else is left. */
  public void goesOn(int rank) {
    for (Actor actor : actors) {
      if (actor.rank == rank && actor.stalledUntil == Long.MAX_VALUE) {
        actor.stalledUntil = 0;
      }
    }
  }

  private boolean isAnybodyElseLeft() {
    return actors.stream()
        .anyMatch(actor -> !actor.finished && actor.stalledUntil < Long.MAX_VALUE);
  }

  /** An actor that begins while others run. */
  Actor spawn(int rank, String name, Body body) {
    Actor actor = new Actor(rank, name, body);
    actor.spawned = true;
    actor.thread = Thread.ofVirtual().name(name).unstarted(() -> play(actor));
    actors.add(actor);
    actor.thread.start();
    return actor;
  }

  boolean isFinished(Actor actor) {
    return actor.finished;
  }

  /** Interrupts the threads of a rank just before the given access. */
  public void interruptAt(int step, int rank) {
    at(step, () -> interrupt(rank));
  }

  public void interrupt(int rank) {
    for (Actor actor : actors) {
      if (actor.rank == rank && !actor.finished && !actor.spawned) {
        actor.thread.interrupt();
        actor.bed = -1;
      }
    }
  }

  public boolean isDead(int rank) {
    return dead.contains(rank);
  }

  int steps() {
    return steps;
  }

  public Actor actor(int rank, String name, Body body) {
    Actor actor = new Actor(rank, name, body);
    actors.add(actor);
    return actor;
  }

  public RankContext node(int rank, CoreSettings settings) {
    return new RankContext(new Ranks(rank), new Window(nodeOf[rank]), settings, pace());
  }

  public static CoreSettings settings(
      boolean phaseFair, int handoverLimit, boolean releaseOnDeath) {
    return settings(
        phaseFair, handoverLimit, releaseOnDeath, Duration.ofDays(1), (resource, report) -> {});
  }

  public static CoreSettings settings(
      boolean phaseFair,
      int handoverLimit,
      boolean releaseOnDeath,
      Duration stallWarning,
      CoreSettings.StallListener stalls) {
    return new CoreSettings(
        0,
        phaseFair,
        Set.of(),
        handoverLimit,
        releaseOnDeath,
        true,
        stallWarning,
        Duration.ofSeconds(30),
        Duration.ofSeconds(4),
        1,
        (value, out) -> out.write((byte[]) Objects.requireNonNull(value)),
        in -> in.readAllBytes(),
        stalls);
  }

  /** Runs all actors to their end. */
  public void run() throws InterruptedException {
    for (Actor actor : actors) {
      actor.thread = Thread.ofVirtual().name(actor.name).unstarted(() -> play(actor));
    }
    Actor first = actors.get(random.nextInt(actors.size()));
    current = first;
    List.copyOf(actors).forEach(actor -> actor.thread.start()); // which may spawn others
    over.await();
    Throwable why = failure;
    if (why != null) {
      throw new AssertionError(why.getMessage() + " after " + steps + " steps", why);
    }
  }

  private void play(Actor actor) {
    awaitBaton(actor);
    try {
      if (!dead.contains(actor.rank)) {
        actor.body.run();
      }
    } catch (Killed e) {
      // As a process that is gone.
    } catch (Throwable e) {
      fail(e);
    }
    actor.finished = true;
    if (actors.stream().allMatch(other -> other.finished)) {
      over.countDown();
    } else if (failure == null) {
      pass(actor);
    }
  }

  private void fail(Throwable e) {
    if (failure == null) {
      failure = e;
    }
    over.countDown();
  }

  private void awaitBaton(Actor actor) {
    boolean interrupted = Thread.interrupted();
    while (!actor.equals(current)) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Lets somebody else go on, perhaps; called before each access to the window. */
  public void step() {
    Actor me = current;
    if (me == null || !me.thread.equals(Thread.currentThread())) {
      return; // set-up and checks outside of the actors
    }
    if (dead.contains(me.rank)) {
      throw new Killed();
    }
    steps++;
    if (timed) {
      clock += STEP_NANOS;
    }
    events.getOrDefault(steps, () -> {}).run();
    if (steps > (timed ? MAX_TIMED_STEPS : MAX_STEPS)) {
      fail(new AssertionError("Nobody gets on until " + clock + " ns: " + actors));
      throw new Killed();
    }
    if (me.stalledUntil > clock || random.nextDouble() < preemption) {
      pass(me);
      awaitBaton(me);
    }
    if (dead.contains(me.rank)) {
      throw new Killed();
    }
  }

  private void pass(Actor me) {
    List<Actor> runnable = runnable();
    if (runnable.isEmpty() && !isAnybodyElseLeft()) {
      actors.forEach(actor -> goesOn(actor.rank));
      runnable = runnable();
    }
    if (runnable.isEmpty()) {
      if (!timeouts) {
        fail(new AssertionError("A wake-up was lost: " + actors));
        throw new Killed();
      }
      if (timed) {
        runnable = letTimePass();
      } else {
        clock += 1_000_000_000;
        actors.forEach(actor -> actor.bed = -1);
        runnable = runnable();
      }
      if (runnable.isEmpty()) {
        fail(new AssertionError("Nobody can run: " + actors));
        throw new Killed();
      }
    }
    Actor next = runnable.get(random.nextInt(runnable.size()));
    current = next;
    if (!next.equals(me)) {
      LockSupport.unpark(next.thread);
    }
  }

  /** Goes on to the first moment in which anybody can run: not who waits at a gate, say. */
  private List<Actor> letTimePass() {
    List<Actor> runnable = List.of();
    long before = -1;
    while (runnable.isEmpty() && clock != before) {
      before = clock;
      clock =
          actors.stream()
              .mapToLong(Simulation::nextMoment)
              .filter(at -> at > clock)
              .min()
              .orElse(clock);
      runnable = runnable();
    }
    return runnable;
  }

  private List<Actor> runnable() {
    List<Actor> runnable = new ArrayList<>();
    for (Actor actor : actors) {
      if (timed && actor.bed >= 0 && actor.wakesAt <= clock) {
        actor.bed = -1;
      }
      if (actor.isRunnable()) {
        runnable.add(actor);
      }
    }
    return runnable;
  }

  private static long nextMoment(Actor actor) {
    return actor.finished ? 0 : Math.max(actor.bed >= 0 ? actor.wakesAt : 0, actor.stalledUntil);
  }

  /** Waits at a gate outside the window, such as a mutex inside a rank. */
  public void awaitGate(BooleanSupplier gate) {
    step();
    Actor me = Objects.requireNonNull(current);
    me.gate = gate;
    while (!gate.getAsBoolean() && !dead.contains(me.rank)) {
      pass(me);
      awaitBaton(me);
    }
    me.gate = () -> true;
  }

  private void trace(String what, long index, long value) {
    if (trace.isOn() && current != null) {
      trace.add(steps, "%s %s %d %016x".formatted(current, what, index, value));
    }
  }

  public long word(long index) {
    return words[0][(int) index];
  }

  public void word(long index, long value) {
    words[0][(int) index] = value;
  }

  private final class Ranks implements BareCommunicator {
    private final int rank;

    Ranks(int rank) {
      this.rank = rank;
    }

    @Override
    public int rank() {
      return rank;
    }

    @Override
    public int size() {
      return nodeOf.length;
    }

    @Override
    public Member member(int rank) {
      return new Member(rank, nodeOf[rank], "host" + nodeOf[rank], 1);
    }

    @Override
    public boolean isAlive(int rank) {
      // Of another node nothing is known, but by messages.
      return !dead.contains(rank) || nodeOf[rank] != nodeOf[this.rank];
    }

    @Override
    public NodeWindow allocate(long wordsPerRank) {
      return new Window(nodeOf[rank]);
    }

    @Override
    public void lost(int rank) {}

    @Override
    public Messenger messenger(Runnable arrived) {
      return messengers.apply(rank);
    }

    @Override
    public void leaving(boolean now) {
      leaving[rank] += now ? 1 : -1;
    }

    @Override
    public boolean isLeaving(int rank) {
      return leaving[rank] > 0;
    }

    @Override
    public void abort(int status) {}
  }

  private final class Window implements NodeWindow {
    private final int node;
    private final long[] words;

    Window(int node) {
      this.node = node;
      this.words = Simulation.this.words[node];
    }

    @Override
    public long words() {
      return words.length;
    }

    @Override
    public long get(long index) {
      step();
      trace("get", index, words[(int) index]);
      return words[(int) index];
    }

    @Override
    public void set(long index, long value) {
      step();
      trace("set", index, value);
      words[(int) index] = value;
    }

    @Override
    public void setRelease(long index, long value) {
      step();
      trace("set", index, value);
      words[(int) index] = value;
    }

    @Override
    public long getAndAdd(long index, long delta) {
      step();
      long before = words[(int) index];
      trace("add", index, before + delta);
      words[(int) index] = before + delta;
      return before;
    }

    @Override
    public boolean compareAndSet(long index, long expected, long value) {
      step();
      if (words[(int) index] != expected) {
        trace("cas failed", index, words[(int) index]);
        return false;
      }
      trace("cas", index, value);
      words[(int) index] = value;
      return true;
    }

    @Override
    public void putBytes(long index, byte[] source, int offset, int length) {
      step();
      byte[] padded = new byte[(length + 7) / 8 * 8];
      System.arraycopy(source, offset, padded, 0, length);
      ByteBuffer.wrap(padded)
          .order(ByteOrder.nativeOrder())
          .asLongBuffer()
          .get(words, (int) index, padded.length / 8);
    }

    @Override
    public void getBytes(long index, byte[] target, int offset, int length) {
      step();
      ByteBuffer padded = ByteBuffer.allocate((length + 7) / 8 * 8).order(ByteOrder.nativeOrder());
      padded.asLongBuffer().put(words, (int) index, padded.capacity() / 8);
      padded.get(0, target, offset, length);
    }

    @Override
    public void sleepWhile(long index, int low32, long nanos) {
      step();
      Actor me = Objects.requireNonNull(current);
      if ((int) words[(int) index] == low32 && !Thread.currentThread().isInterrupted()) {
        trace("sleep", index, low32);
        me.bed = index;
        me.bedNode = node;
        me.wakesAt = clock + Math.min(nanos, Long.MAX_VALUE / 2);
        while (me.bed >= 0) {
          pass(me);
          awaitBaton(me);
        }
      }
      step();
    }

    @Override
    public void wake(long index) {
      step();
      trace("wake", index, 0);
      for (Actor actor : actors) {
        if (actor.bed == index && actor.bedNode == node) {
          actor.bed = -1;
        }
      }
    }

    @Override
    public NodeWindow view() {
      return new Window(node);
    }

    @Override
    public void free() {}
  }
}
