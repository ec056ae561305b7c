package io.mpilock.protocol;

import io.mpilock.transport.Communicator;
import io.mpilock.transport.Member;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs actors on the real protocol code, one at a time: before each access to the window a seed
 * decides who goes on. A seed that fails fails again, for the same code.
 *
 * <p>A sleeping actor is woken by {@code wake} only, unless time-outs are allowed, and even then
 * only when nobody can run: a lost wake-up is a failure, not a delay. A rank can be killed at any
 * access. Time is virtual: it passes when everyone sleeps.
 */
final class Simulation {
  private static final int MAX_STEPS = 300_000;
  private static final boolean TRACE = Boolean.getBoolean("mpilock.simulation.trace");

  /** Ends an actor whose rank was killed; its last access has not happened. */
  static final class Killed extends Error {
    private static final long serialVersionUID = 1;

    Killed() {
      super("killed", null, false, false);
    }
  }

  /** What an actor does. */
  interface Body {
    void run() throws Exception;
  }

  /** One thread of one rank. */
  final class Actor {
    final int rank;
    final String name;
    private final Body body;
    private Thread thread = Thread.currentThread();
    private long bed = -1;
    private BooleanSupplier gate = () -> true;
    private boolean finished;

    Actor(int rank, String name, Body body) {
      this.rank = rank;
      this.name = name;
      this.body = body;
    }

    private boolean isRunnable() {
      return !finished && bed < 0 && (dead.contains(rank) || gate.getAsBoolean());
    }

    @Override
    public String toString() {
      return name + (finished ? " finished" : bed >= 0 ? " asleep on word " + bed : " can run");
    }
  }

  private final Random random;
  private final int ranks;
  private final int elsewhere;
  private final boolean timeouts;
  private final double preemption;
  private final List<Actor> actors = new ArrayList<>();
  private final Set<Integer> dead = new HashSet<>();
  private final long[] words;
  private final CountDownLatch over = new CountDownLatch(1);
  private volatile @Nullable Actor current;
  private volatile @Nullable Throwable failure;
  private long clock = 1;
  private int steps;
  private final Map<Integer, Runnable> events = new HashMap<>();

  Simulation(long seed, int ranks, int words, boolean timeouts) {
    this(seed, ranks, 0, words, timeouts);
  }

  /** One node's window; the job has ranks on a second node, too, if {@code elsewhere} says so. */
  Simulation(long seed, int ranks, int elsewhere, int words, boolean timeouts) {
    this.random = new Random(seed);
    this.ranks = ranks;
    this.elsewhere = elsewhere;
    this.words = new long[words];
    this.timeouts = timeouts;
    this.preemption = 0.05 + 0.9 * random.nextDouble();
  }

  Random random() {
    return random;
  }

  /** Kills a rank just before the given access, counted over all actors. */
  void killAt(int step, int rank, Runnable then) {
    events.put(
        step,
        () -> {
          then.run();
          kill(rank);
        });
  }

  void kill(int rank) {
    dead.add(rank);
    actors.stream().filter(actor -> actor.rank == rank).forEach(actor -> actor.bed = -1);
  }

  long clock() {
    return clock;
  }

  /** Interrupts the threads of a rank just before the given access. */
  void interruptAt(int step, int rank) {
    events.put(
        step,
        () -> {
          for (Actor actor : actors) {
            if (actor.rank == rank && !actor.finished) {
              actor.thread.interrupt();
              actor.bed = -1;
            }
          }
        });
  }

  boolean isDead(int rank) {
    return dead.contains(rank);
  }

  int steps() {
    return steps;
  }

  void actor(int rank, String name, Body body) {
    actors.add(new Actor(rank, name, body));
  }

  Node node(int rank, CoreSettings settings) {
    Node.Pace pace = new Node.Pace(0, 0, () -> clock);
    return new Node(new Ranks(rank), new Window(), settings, pace);
  }

  static CoreSettings settings(boolean phaseFair, int handoverLimit, boolean releaseOnDeath) {
    return new CoreSettings(
        0,
        phaseFair,
        handoverLimit,
        releaseOnDeath,
        Duration.ofDays(1),
        Duration.ofSeconds(30),
        Duration.ofSeconds(4),
        1,
        (value, out) -> out.write((byte[]) Objects.requireNonNull(value)),
        in -> in.readAllBytes(),
        (resource, report) -> {});
  }

  /** Runs all actors to their end. */
  void run() throws InterruptedException {
    for (Actor actor : actors) {
      actor.thread = Thread.ofVirtual().name(actor.name).unstarted(() -> play(actor));
    }
    Actor first = actors.get(random.nextInt(actors.size()));
    current = first;
    actors.forEach(actor -> actor.thread.start());
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
  void step() {
    Actor me = current;
    if (me == null || !me.thread.equals(Thread.currentThread())) {
      return; // set-up and checks outside of the actors
    }
    if (dead.contains(me.rank)) {
      throw new Killed();
    }
    steps++;
    events.getOrDefault(steps, () -> {}).run();
    if (steps > MAX_STEPS) {
      fail(new AssertionError("Nobody gets on: " + actors));
      throw new Killed();
    }
    if (random.nextDouble() < preemption) {
      pass(me);
      awaitBaton(me);
    }
    if (dead.contains(me.rank)) {
      throw new Killed();
    }
  }

  private void pass(Actor me) {
    List<Actor> runnable = actors.stream().filter(Actor::isRunnable).toList();
    if (runnable.isEmpty()) {
      if (!timeouts) {
        fail(new AssertionError("A wake-up was lost: " + actors));
        throw new Killed();
      }
      clock += 1_000_000_000;
      actors.forEach(actor -> actor.bed = -1);
      runnable = actors.stream().filter(Actor::isRunnable).toList();
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

  /** Waits at a gate outside the window, such as a mutex inside a rank. */
  void awaitGate(BooleanSupplier gate) {
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
    if (TRACE && current != null) {
      System.out.printf("%5d %s %s %d %016x%n", steps, current, what, index, value);
    }
  }

  long word(long index) {
    return words[(int) index];
  }

  void word(long index, long value) {
    words[(int) index] = value;
  }

  private final class Ranks implements Communicator {
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
      return ranks + elsewhere;
    }

    @Override
    public Member member(int rank) {
      return new Member(rank, rank < ranks ? 0 : 1, "host", 1);
    }

    @Override
    public boolean isAlive(int rank) {
      return !dead.contains(rank);
    }

    @Override
    public String description() {
      return "simulated";
    }

    @Override
    public Communicator duplicate() {
      throw new UnsupportedOperationException();
    }

    @Override
    public Communicator split(int color, int key) {
      throw new UnsupportedOperationException();
    }

    @Override
    public NodeWindow allocate(long wordsPerRank) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void lost(int rank) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Messenger messenger(Runnable arrived) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void leaving(boolean now) {}

    @Override
    public boolean isLeaving(int rank) {
      return false;
    }

    @Override
    public void abort(int status) {}

    @Override
    public void close() {}

    @Override
    public void abandon() {}
  }

  private final class Window implements NodeWindow {
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
        if (actor.bed == index) {
          actor.bed = -1;
        }
      }
    }

    @Override
    public NodeWindow view() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void free() {}
  }
}
