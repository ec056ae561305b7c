package io.mpilock.protocol;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.NodeWindow;
import java.util.function.LongSupplier;

/**
 * What the parts of one rank's controller have in common: the window, who is who, the settings, and
 * whether it is closed. Ranks here are ranks of the controller's communicator, which in this
 * version all live on one node.
 */
final class Node {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  // Values of a rank's LIFE word. It only grows, but for CLOSING, which goes to LEFT.
  static final long OPEN = 1;

  /** In close, waiting for the others. */
  static final long CLOSING = 2;

  /** Has closed with nothing held; takes no part any more. */
  static final long LEFT = 3;

  /** Has closed, and gives nothing back that it still held. */
  static final long LEFT_HOLDING = 4;

  /** Was found dead, or gave itself up. */
  static final long DEAD = 5;

  private final Communicator communicator;
  private final NodeWindow window;
  private final CoreSettings settings;
  private final int ranks;
  private final int me;
  private final Pace pace;
  private volatile boolean closed;

  Node(Communicator communicator, NodeWindow window, CoreSettings settings, Pace pace) {
    this.communicator = communicator;
    this.window = window;
    this.settings = settings;
    this.ranks = communicator.size();
    this.me = communicator.rank();
    this.pace = pace;
  }

  /**
   * How a wait goes on, and by which clock.
   *
   * @param spinLimit how often it spins
   * @param yieldNanos how long after its start it stops yielding and begins to sleep
   * @param clock nanoseconds, as {@link System#nanoTime()}
   */
  record Pace(int spinLimit, long yieldNanos, LongSupplier clock) {

    /** Never spins for long with more ranks than cores, where a holder may wait for this core. */
    static Pace of(int ranks) {
      boolean crowded = ranks > Runtime.getRuntime().availableProcessors();
      return new Pace(
          crowded ? 20 : 2000, Math.min(5_000_000, 500_000 + 50_000L * ranks), System::nanoTime);
    }
  }

  NodeWindow window() {
    return window;
  }

  CoreSettings settings() {
    return settings;
  }

  Communicator communicator() {
    return communicator;
  }

  int ranks() {
    return ranks;
  }

  int me() {
    return me;
  }

  int spinLimit() {
    return pace.spinLimit();
  }

  /** How long after its start a wait stops yielding and begins to sleep. */
  long yieldNanos() {
    return pace.yieldNanos();
  }

  long nanoTime() {
    return pace.clock().getAsLong();
  }

  boolean isClosed() {
    return closed;
  }

  void markClosed() {
    closed = true;
  }

  long life(int rank) {
    return window.get(Layout.slot(rank) + Layout.LIFE);
  }

  void life(long value) {
    window.set(Layout.slot(me) + Layout.LIFE, value);
  }

  /**
   * Tells whether a rank will never again touch the window: it died, or it left. Remembers a death
   * in the window, so that all ranks agree on it for ever after.
   */
  boolean isGone(int rank) {
    if (rank == me) {
      return false;
    }
    long life = life(rank);
    if (life >= LEFT) {
      return true;
    }
    return findDead(rank, life);
  }

  /** Tells whether a rank died, or gave itself up. */
  boolean isDead(int rank) {
    if (rank == me) {
      return false;
    }
    long life = life(rank);
    return life == DEAD || (life < LEFT && findDead(rank, life));
  }

  private boolean findDead(int rank, long life) {
    if (communicator.isAlive(rank)) {
      return false;
    }
    if (window.compareAndSet(Layout.slot(rank) + Layout.LIFE, life, DEAD)) {
      LOG.log(System.Logger.Level.WARNING, "{0} has died", who(rank));
      return true;
    }
    return isDead(rank); // it left in the meantime, or somebody else found it dead
  }

  String who(int rank) {
    return communicator.member(rank).toString();
  }

  RankFailedException failed(int rank, String consequence) {
    String what =
        life(rank) == LEFT_HOLDING ? " closed its controller while it held the lock" : " died";
    return new RankFailedException(rank, who(rank) + what + ": " + consequence);
  }

  ControllerClosedException closedFailure() {
    return new ControllerClosedException(
        "The controller of rank %d is closed: no call is possible after close().".formatted(me));
  }

  void stalled(String resource, String report) {
    LOG.log(System.Logger.Level.WARNING, "{0}", report);
    settings.stallListener().stalled(resource, report);
  }

  void log(System.Logger.Level level, String message) {
    LOG.log(level, "{0}", message);
  }

  /** Seconds with one digit, for reports. */
  static String seconds(long nanos) {
    return String.format(java.util.Locale.ROOT, "%.1f s", nanos / 1e9);
  }
}
