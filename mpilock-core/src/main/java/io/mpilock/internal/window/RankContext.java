/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.NodeWindow;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What the parts of one rank's controller have in common: the window, who is who, the settings, and
 * whether it is closed.
 *
 * <p>A <em>job rank</em> is a rank of the controller's communicator. A <em>member</em> is a number
 * in this node's window: the ranks of the node from 0, in order, and behind them the node's agent,
 * if the job has several nodes. The agent is a thread of member 0's process, and lives as long.
 * Where a job has one node, members and job ranks are the same.
 */
public final class RankContext {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  // Values of a rank's LIFE word. It only grows, but for CLOSING, which goes to LEFT.
  public static final long OPEN = 1;

  /** In close, waiting for the others. */
  public static final long CLOSING = 2;

  /** Has closed with nothing held; takes no part any more. */
  public static final long LEFT = 3;

  /** Has closed, and gives nothing back that it still held. */
  public static final long LEFT_HOLDING = 4;

  /** Was found dead, or gave itself up. */
  public static final long DEAD = 5;

  /** How long a rank that goes waits for its own threads to end what takes microseconds. */
  private static final long GO_NANOS = 5_000_000_000L;

  private static final long GO_POLL_NANOS = 20_000;

  private final Communicator communicator;
  private final NodeWindow window;
  private final CoreSettings settings;
  private final int[] jobRanks;
  private final int[] leaders;
  private final int me;
  private final int agent;
  private final Pace pace;
  private volatile boolean closed;
  private volatile @Nullable Throwable givenUpFor;

  /** How many threads of this rank are between {@link #enter} and {@link #leave}. */
  private final AtomicInteger inside = new AtomicInteger();

  private volatile boolean gone;

  private final BellWatcher bellWatcher;
  private final WaitTable waits;

  public RankContext(
      Communicator communicator, NodeWindow window, CoreSettings settings, Pace pace) {
    this.communicator = communicator;
    this.window = window;
    this.settings = settings;
    this.pace = pace;
    int here = communicator.member(communicator.rank()).node();
    this.jobRanks = ranksOf(communicator, here);
    this.me = Arrays.binarySearch(jobRanks, communicator.rank());
    int nodes = 0;
    for (int rank = 0; rank < communicator.size(); rank++) {
      nodes = Math.max(nodes, communicator.member(rank).node() + 1);
    }
    this.bellWatcher = new BellWatcher(this);
    this.waits = new WaitTable(this);
    this.agent = nodes > 1 ? jobRanks.length : -1;
    this.leaders = new int[nodes];
    for (int rank = communicator.size() - 1; rank >= 0; rank--) {
      leaders[communicator.member(rank).node()] = rank;
    }
  }

  /** The same, for a part of this process that goes on when this one has closed. */
  public RankContext withOwnWindow() {
    return new RankContext(communicator, window.view(), settings, pace);
  }

  public static int[] ranksOf(Communicator communicator, int node) {
    return IntStream.range(0, communicator.size())
        .filter(rank -> communicator.member(rank).node() == node)
        .toArray();
  }

  /**
   * How a wait goes on, and by which clock.
   *
   * @param spinLimit how often it spins
   * @param yieldNanos how long after its start it stops yielding and begins to sleep
   * @param clock nanoseconds, as {@link System#nanoTime()}
   * @param rest lets nanoseconds pass, as {@link LockSupport#parkNanos(long)}
   * @param threads how threads of a rank wait for each other
   * @param date milliseconds of the epoch, as {@link System#currentTimeMillis()}
   */
  public record Pace(
      int spinLimit,
      long yieldNanos,
      LongSupplier clock,
      LongConsumer rest,
      ThreadParker threads,
      LongSupplier date) {

    public Pace(
        int spinLimit,
        long yieldNanos,
        LongSupplier clock,
        LongConsumer rest,
        ThreadParker threads) {
      this(spinLimit, yieldNanos, clock, rest, threads, System::currentTimeMillis);
    }

    public Pace(int spinLimit, long yieldNanos, LongSupplier clock) {
      this(spinLimit, yieldNanos, clock, LockSupport::parkNanos, ThreadParker.REAL);
    }

    /** Never spins for long with more ranks than cores, where a holder may wait for this core. */
    public static Pace of(int ranks) {
      boolean crowded = ranks > Runtime.getRuntime().availableProcessors();
      return new Pace(
          crowded ? 20 : 2000, Math.min(5_000_000, 500_000 + 50_000L * ranks), System::nanoTime);
    }
  }

  public NodeWindow window() {
    return window;
  }

  public CoreSettings settings() {
    return settings;
  }

  /** What this node's threads wait for and hold meanwhile. */
  public WaitTable waits() {
    return waits;
  }

  public Communicator communicator() {
    return communicator;
  }

  /** How many ranks the node has: members 0 to this. */
  public int ranks() {
    return jobRanks.length;
  }

  /** How many members the node has. */
  public int members() {
    return agent < 0 ? jobRanks.length : agent + 1;
  }

  /** The member that this rank is. */
  public int me() {
    return me;
  }

  /** The member that the agent is, or -1 if there is none. */
  public int agent() {
    return agent;
  }

  public int jobSize() {
    return communicator.size();
  }

  public int nodes() {
    return leaders.length;
  }

  public int myNode() {
    return communicator.member(communicator.rank()).node();
  }

  public int nodeOf(int jobRank) {
    return communicator.member(jobRank).node();
  }

  /** The node whose agent keeps a resource's table: the same everywhere. */
  public int homeOf(String resource) {
    if (resource.equals(CoreSettings.DEFAULT_RESOURCE)) {
      return nodeOf(settings.master());
    }
    int hash = resource.hashCode(); // the language fixes it
    return Math.floorMod(hash ^ hash >>> 16, nodes());
  }

  /**
   * Looks at a rank that another process named.
   *
   * @return the rank
   * @throws IllegalArgumentException if there is no such rank
   */
  public int checkRank(int jobRank) {
    if (jobRank < 0 || jobRank >= jobSize()) {
      throw new IllegalArgumentException("there is no rank " + jobRank);
    }
    return jobRank;
  }

  /** The job rank whose process the agent of a node lives in. */
  public int leader(int node) {
    return leaders[node];
  }

  public int jobRank(int member) {
    return jobRanks[member == agent ? 0 : member];
  }

  /** This rank's number in the job. */
  public int myJobRank() {
    return jobRanks[me];
  }

  /** The member that a job rank is, or less than 0 if it is on another node. */
  public int memberOf(int jobRank) {
    return Arrays.binarySearch(jobRanks, jobRank);
  }

  int spinLimit() {
    return pace.spinLimit();
  }

  /** How long after its start a wait stops yielding and begins to sleep. */
  long yieldNanos() {
    return pace.yieldNanos();
  }

  public long nanoTime() {
    return pace.clock().getAsLong();
  }

  /** Now, in milliseconds of the epoch: what ranks compare, and no more exact than their clocks. */
  public long date() {
    return pace.date().getAsLong();
  }

  /** Lets some time pass; returns early at will. */
  public void rest(long nanos) {
    pace.rest().accept(nanos);
  }

  /** Who sleeps for the threads of this rank that should not do so themselves. */
  public BellWatcher bellWatcher() {
    return bellWatcher;
  }

  public ThreadParker threads() {
    return pace.threads();
  }

  public boolean isClosed() {
    return closed;
  }

  public void markClosed() {
    closed = true;
  }

  public long life(int member) {
    return window.get(lifeIndex(member));
  }

  private static long lifeIndex(int member) {
    return Layout.slot(member) + Layout.LIFE;
  }

  public void life(long value) {
    life(me, value);
  }

  /**
   * Begins several steps at words that other ranks recover once this one is gone. A rank goes
   * between such steps only, so nobody recovers what is half done, and what is done late is not
   * done at all. To be followed by {@link #leave} soon: nothing is waited for in between.
   *
   * @return false if this rank is gone: it must leave the words alone
   */
  public boolean enter() {
    inside.incrementAndGet();
    if (gone) { // one of this and of go() sees the other
      inside.decrementAndGet();
      return false;
    }
    return true;
  }

  public void leave() {
    inside.decrementAndGet();
  }

  /** Whether this rank takes no part any more, and leaves to others what it left behind. */
  public boolean hasGone() {
    return gone;
  }

  /** Says that this rank takes no part any more, when its threads are between their steps. */
  public void go(long newLife) {
    gone = true;
    long start = nanoTime();
    while (inside.get() != 0 && nanoTime() - start < GO_NANOS) {
      rest(GO_POLL_NANOS);
    }
    life(newLife);
  }

  public void life(int member, long value) {
    window.set(lifeIndex(member), value);
  }

  /**
   * Tells whether a rank will never again touch the window: it died, or it left. Remembers a death
   * in the window, so that all ranks agree on it for ever after.
   */
  public boolean isGone(int rank) {
    long life = life(rank);
    return life >= LEFT || findDead(rank, life);
  }

  /** Remembers the dead in the window, where everyone who waits for them looks. */
  public void findDead() {
    for (int rank = 0; rank < ranks(); rank++) {
      boolean _ = isGone(rank);
    }
  }

  /** Tells whether a rank died, or gave itself up. */
  public boolean isDead(int rank) {
    long life = life(rank);
    return life == DEAD || (life < LEFT && findDead(rank, life));
  }

  private boolean findDead(int rank, long life) {
    if (jobRank(rank) == myJobRank() || communicator.isAlive(jobRank(rank))) {
      return false;
    }
    if (window.compareAndSet(lifeIndex(rank), life, DEAD)) {
      LOG.log(System.Logger.Level.WARNING, "{0} has died", who(rank));
      settings.stallListener().rankFailed(jobRank(rank), who(rank) + " has died");
      return true;
    }
    return isDead(rank); // it left in the meantime, or somebody else found it dead
  }

  public String who(int member) {
    return member == agent
        ? "the agent in " + whoInJob(jobRank(member))
        : whoInJob(jobRank(member));
  }

  public String whoInJob(int jobRank) {
    return communicator.member(jobRank).toString();
  }

  public RankFailedException failed(int jobRank, String consequence) {
    int member = memberOf(jobRank);
    String what =
        member < 0
            ? " died, or closed its controller while it held the lock"
            : life(member) == LEFT_HOLDING
                ? " closed its controller while it held the lock"
                : " died";
    String message = whoInJob(jobRank) + what + ": " + consequence;
    settings.stallListener().rankFailed(jobRank, message);
    return new RankFailedException(jobRank, message);
  }

  /** Wakes everybody who waits in a collective call, and the agent. */
  public void ringCollective() {
    new Bell(window, Layout.COLLECTIVE_BELL).ring();
    ringAgent();
  }

  public void ringAgent() {
    if (agent >= 0) {
      new Bell(window, Layout.AGENT_BELL).ring();
    }
  }

  // Other nodes.

  /**
   * The job rank without which the controller cannot go on across nodes, or -1: the agent of some
   * node was in its process.
   */
  public int brokenBy() {
    if (agent < 0) {
      return -1;
    }
    long broken = window.get(Layout.BROKEN);
    if (broken != 0) {
      return (int) broken - 1;
    }
    boolean needed = window.get(Layout.JOB_THROUGH) == 0 || life(me) == OPEN;
    return needed && isGone(agent) ? jobRanks[0] : -1;
  }

  /** Says that nothing goes across nodes any more without a rank, unless that is said already. */
  public void breakFor(int jobRank) {
    if (window.compareAndSet(Layout.BROKEN, 0, jobRank + 1L)) {
      LOG.log(System.Logger.Level.ERROR, "{0}", broken(jobRank).getMessage());
    }
    ringCollective();
  }

  public void throwIfBroken() {
    int rank = brokenBy();
    if (rank >= 0) {
      throw broken(rank);
    }
  }

  public RankFailedException broken(int rank) {
    boolean spoke = leader(nodeOf(rank)) == rank;
    String message =
        whoInJob(rank)
            + (spoke
                ? " died, gave itself up, or cannot be reached. Its process spoke for node "
                : " does not come to sync, and is awaited on node ")
            + nodeOf(rank)
            + ", so no lock can be requested across nodes any more. Start the job again;"
            + " if the rank was only slow, set mpilock.heartbeat-timeout higher.";
    settings.stallListener().rankFailed(rank, message);
    return new RankFailedException(rank, message);
  }

  /**
   * Tells the ranks of this node that a rank does not come to the opening of the controller: the
   * caller's; or, if that was ended by another one's failure, that one. The first who tells is
   * heard.
   */
  public static void tellCutShort(Communicator communicator, NodeWindow window, Throwable failure) {
    int mine = communicator.rank();
    int me = Arrays.binarySearch(ranksOf(communicator, communicator.member(mine).node()), mine);
    int who = failure instanceof RankFailedException other ? other.rank() : mine;
    attempt(() -> { // for want of memory without a text
      byte[] text = FailureText.line(failure).getBytes(StandardCharsets.UTF_8);
      int length = Math.min(text.length, Layout.CUT_SHORT_BYTES);
      long index = Layout.slot(me) + Layout.CUT_SHORT_TEXT;
      window.set(index, 0);
      window.putBytes(index + 1, text, 0, length);
      window.set(index, length);
    });
    window.compareAndSet(Layout.CUT_SHORT, 0, (me + 1L) << Integer.SIZE | (who + 1L));
    new Bell(window, Layout.COLLECTIVE_BELL).ring();
  }

  /** The rank that does not come to the opening, or -1. */
  public int cutShortBy() {
    return (int) window.get(Layout.CUT_SHORT) - 1;
  }

  /** To be asked until this rank's opening is over. */
  public void throwIfCutShort() {
    int rank = cutShortBy();
    if (rank < 0 || rank >= jobSize()) {
      return;
    }
    int teller = (int) (window.get(Layout.CUT_SHORT) >>> Integer.SIZE) - 1;
    long index = Layout.slot(Math.clamp(teller, 0, ranks() - 1)) + Layout.CUT_SHORT_TEXT;
    byte[] text = new byte[Math.clamp(window.get(index), 0, Layout.CUT_SHORT_BYTES)];
    window.getBytes(index + 1, text, 0, text.length);
    throw new RankFailedException(
        rank,
        "%s does not come to sync: %s. No rank can open this controller without it. Look for the reason in its output."
            .formatted(
                whoInJob(rank),
                text.length == 0 ? "it failed" : new String(text, StandardCharsets.UTF_8)));
  }

  /** Remembers that a rank of another node died, for all ranks of this one. */
  public void markLost(int jobRank) {
    long index = Layout.lost(members()) + jobRank / Long.SIZE;
    long bit = 1L << jobRank;
    long now = window.get(index);
    while ((now & bit) == 0 && !window.compareAndSet(index, now, now | bit)) {
      now = window.get(index);
    }
    settings.stallListener().rankFailed(jobRank, whoInJob(jobRank) + " has died");
  }

  /** A rank of another node that died, or -1. */
  public int firstLost() {
    for (int rank = 0; rank < jobSize(); rank += Long.SIZE) {
      long bits = window.get(Layout.lost(members()) + rank / Long.SIZE);
      if (bits != 0) {
        return rank + Long.numberOfTrailingZeros(bits);
      }
    }
    return -1;
  }

  public boolean isLost(int jobRank) {
    return (window.get(Layout.lost(members()) + jobRank / Long.SIZE) & 1L << jobRank) != 0;
  }

  /** Puts a text where all ranks of the node can read it. */
  public void putText(long index, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(bytes.length, Layout.TEXT_BYTES);
    window.putBytes(index + Layout.LINE, bytes, 0, length);
    window.set(index, length);
  }

  public String text(long index) {
    long length = window.get(index);
    if (length < 0 || length > Layout.TEXT_BYTES) {
      throw damaged("a text says that it has " + length + " bytes");
    }
    byte[] bytes = new byte[(int) length];
    window.getBytes(index + Layout.LINE, bytes, 0, bytes.length);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** A word that no rank of this node can have written. */
  public MpilockException damaged(String what) {
    return new MpilockException(
        ("The shared memory of node %d is damaged: %s. Something other than mpilock"
                + " wrote there; start the job again.")
            .formatted(myNode(), what));
  }

  public ControllerClosedException closedFailure() {
    Throwable why = givenUpFor;
    ControllerClosedException failure =
        new ControllerClosedException(
            why == null
                ? "The controller of rank %d is closed: no call is possible after close()."
                    .formatted(myJobRank())
                : ("Rank %d has given itself up, because its shared memory failed (%s): the"
                        + " other ranks consider it dead. End this process, and start the job again.")
                    .formatted(myJobRank(), FailureText.line(why)));
    if (why != null) {
      failure.initCause(why);
    }
    return failure;
  }

  /**
   * Gives this rank up, as if it had died, for a failure of the window that leaves it no way to
   * give back what it holds: the others are told, as far as the window lets it, and no call of this
   * rank is possible any more. Never throws.
   */
  public void giveUp(Throwable failure) {
    givenUpFor = failure;
    closed = true;
    gone = true;
    attempt(() -> life(DEAD));
    attempt(this::ringCollective);
    attempt(() ->
        LOG.log(
            System.Logger.Level.ERROR,
            who(me) + " gives itself up, since its shared memory fails",
            failure));
  }

  private static void attempt(Runnable step) {
    try {
      step.run();
    } catch (Throwable failed) {
      // The next step may do.
    }
  }

  /** Whether a failure is for want of stack or memory: of the thread's, and not the window's. */
  public static boolean isWant(Throwable failure) {
    return failure instanceof StackOverflowError || failure instanceof OutOfMemoryError;
  }

  public boolean hasGivenUp() {
    return givenUpFor != null;
  }

  /** Gives what may be thrown without declaring it; throws errors itself. */
  public static RuntimeException unchecked(Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    return failure instanceof RuntimeException exception
        ? exception
        : new MpilockException(FailureText.line(failure), failure);
  }

  /** Whether the window was freed: by the rank's close, by MPI's end, or by another thread. */
  public boolean isWindowFreed() {
    try {
      long _ = window.get(Layout.READY);
      return false;
    } catch (IllegalStateException e) {
      return true;
    }
  }

  /**
   * Goes on only if an access was refused because the window is freed. Any other exception of that
   * type is a fault, and thrown on.
   */
  public void requireFreed(IllegalStateException refused) {
    if (!isWindowFreed()) {
      throw refused;
    }
  }

  /** What to throw when the window refuses an access: it does so once it is freed. */
  public RuntimeException unusable(IllegalStateException refused) {
    if (!isWindowFreed()) {
      return refused;
    }
    return isClosed()
        ? closedFailure()
        : new MpilockException(
            "The window of rank %d is gone: MPI was finalised before the controller was closed."
                .formatted(myJobRank()),
            refused);
  }

  public void stalled(String resource, String report) {
    LOG.log(System.Logger.Level.WARNING, "{0}", report);
    settings.stallListener().stalled(resource, report);
  }

  public void log(System.Logger.Level level, String message) {
    LOG.log(level, "{0}", message);
  }

  /** Seconds with one digit, for reports. */
  public static String seconds(long nanos) {
    return String.format(java.util.Locale.ROOT, "%.1f s", nanos / 1e9);
  }
}
