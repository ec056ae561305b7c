package io.mpilock.protocol;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.StartupException;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.NodeWindow;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.LockSupport;

/**
 * One rank's controller below the public API: window, directory, locks, collective calls, and
 * close.
 */
public final class ControllerCore {
  private static final long POLL_NANOS = 1_000_000;

  private final Node node;
  private final NodeWindow window;
  private final Directory directory;
  private final Collectives collectives;
  private final ConcurrentMap<String, ProcessLock> locks = new ConcurrentHashMap<>();

  private ControllerCore(Node node) {
    this.node = node;
    this.window = node.window();
    this.directory = new Directory(node);
    this.collectives = new Collectives(node, directory::nameAt);
  }

  /**
   * Sets a controller up. Collective.
   *
   * @param communicator the ranks; private to this controller
   * @param settings how it behaves
   * @return this rank's part
   * @throws StartupException if the ranks are on several nodes, there is no memory, or they
   *     disagree
   */
  public static ControllerCore open(Communicator communicator, CoreSettings settings) {
    for (int rank = 0; rank < communicator.size(); rank++) {
      if (communicator.member(rank).node() != communicator.member(0).node()) {
        throw new StartupException(
            StartupException.Problem.SEVERAL_NODES,
            "The ranks span several nodes: %s and %s, for example."
                .formatted(communicator.member(0), communicator.member(rank)),
            "Start all ranks on one node; this version has no locks across nodes.");
      }
    }
    int ranks = communicator.size();
    long header = Layout.directory(ranks) + Layout.LINE;
    NodeWindow window =
        communicator.allocate(Math.max(settings.windowWords(), (header + ranks - 1) / ranks));
    try {
      Node node = new Node(communicator, window, settings, Node.Pace.of(ranks));
      enter(node);
      return new ControllerCore(node);
    } catch (RuntimeException e) {
      window.free();
      throw e;
    }
  }

  /** Fills this rank's slot, waits for the slots of all, and compares the settings in them. */
  private static void enter(Node node) {
    NodeWindow window = node.window();
    int ranks = node.ranks();
    long slot = Layout.slot(node.me());
    for (long i = slot; i < Layout.slot(node.me() + 1); i++) {
      window.setRelease(i, 0); // many ranks need more than ZEROED_WORDS
    }
    window.set(slot + Layout.SETTINGS, fingerprint(node.settings()));
    window.set(slot + Layout.LIFE, Node.OPEN);
    if (node.me() == 0) {
      window.set(Layout.MAGIC, Layout.MAGIC_VALUE);
      window.set(Layout.DIRECTORY_END, Layout.directory(ranks));
    }
    window.getAndAdd(Layout.READY, 1);
    Bell bell = new Bell(window, Layout.COLLECTIVE_BELL);
    bell.ring();
    Patience patience =
        new Patience(
            node,
            "",
            node.nanoTime(),
            Patience.FOREVER,
            new Patience.Watch() {
              @Override
              public void check() {
                for (int rank = 0; rank < ranks; rank++) {
                  if (rank != node.me() && !node.communicator().isAlive(rank)) {
                    throw node.failed(rank, "it cannot take part in sync.");
                  }
                }
              }

              @Override
              public String describe(long waitedNanos) {
                return "%s has waited %s in sync for all %d ranks; %d are there."
                    .formatted(
                        node.who(node.me()),
                        Node.seconds(waitedNanos),
                        ranks,
                        window.get(Layout.READY));
              }
            });
    while (window.get(Layout.READY) < ranks) {
      if (!patience.pause(bell, () -> window.get(Layout.READY) >= ranks)) {
        throw new MpilockException(
            "Rank %d was interrupted while it waited in sync for the other ranks."
                .formatted(node.me()));
      }
    }
    for (int rank = 0; rank < ranks; rank++) {
      if (window.get(Layout.slot(rank) + Layout.SETTINGS)
          != window.get(Layout.slot(0) + Layout.SETTINGS)) {
        throw new StartupException(
            StartupException.Problem.SETTINGS_DIFFER,
            "Rank %d was given other settings than rank 0 (master, fairness, handover-limit, on-holder-death or window-size)."
                .formatted(rank),
            "Give all ranks the same mpilock.* properties.");
      }
    }
  }

  private static long fingerprint(CoreSettings settings) {
    return Objects.hash(
        settings.master(),
        settings.phaseFair(),
        settings.handoverLimit(),
        settings.releaseOnDeath(),
        settings.windowWords());
  }

  /**
   * Gives the lock of a resource.
   *
   * @param name the resource's name
   * @return this rank's side of it
   * @throws IllegalArgumentException if the name is not valid
   */
  public ProcessLock resource(String name) {
    Directory.check(name);
    if (node.isClosed()) {
      throw node.closedFailure();
    }
    try {
      return locks.computeIfAbsent(name, key -> new ProcessLock(key, node, directory.home(key)));
    } catch (IllegalStateException e) {
      throw node.isClosed() ? node.closedFailure() : e;
    }
  }

  /**
   * The collective calls.
   *
   * @return always the same object
   */
  public Collectives collectives() {
    return collectives;
  }

  /**
   * Tells whether this rank has begun to close.
   *
   * @return true from the first close or abandon
   */
  public boolean isClosed() {
    return node.isClosed();
  }

  /**
   * Ends this rank's part.
   *
   * @return false if it had ended before
   * @throws LockUseException if leases were still held
   * @throws CollectiveMismatchException if another rank called something else
   */
  public synchronized boolean close() {
    if (node.isClosed()) {
      return false;
    }
    node.communicator().leaving(true);
    try {
      node.markClosed();
      long patience = node.settings().shutdownTimeout().toNanos();
      List<String> held = awaitLeases(node.nanoTime(), patience);
      String mismatch;
      try {
        mismatch = collectives.close(patience);
      } finally {
        node.life(held.isEmpty() ? Node.LEFT : Node.LEFT_HOLDING);
        collectives.ring();
      }
      if (!held.isEmpty()) {
        throw new LockUseException(
            "Rank %d closed its controller while leases were still held, at most %s after it began to: %s. The other ranks are told as if it had died; close every lease before the controller."
                .formatted(node.me(), Node.seconds(patience), String.join("; ", held)));
      }
      if (mismatch != null) {
        throw new CollectiveMismatchException(mismatch);
      }
      return true;
    } catch (IllegalStateException e) {
      // The application finalised MPI, which took the window: there is nothing left to close.
      node.log(
          System.Logger.Level.WARNING,
          "The window of rank %d went with MPI. Close the controllers before MPI_Finalize."
              .formatted(node.me()));
      return true;
    } finally {
      window.free();
      node.communicator().leaving(false);
    }
  }

  /**
   * Ends this rank's part without waiting.
   *
   * @return false if it had ended before
   */
  public synchronized boolean abandon() {
    if (node.isClosed()) {
      return false;
    }
    node.markClosed();
    try {
      node.life(Node.DEAD);
      collectives.ring();
    } catch (IllegalStateException e) {
      node.log(System.Logger.Level.DEBUG, "The window went with MPI.");
    }
    window.free();
    return true;
  }

  /**
   * Waits until no thread of this rank holds anything, and tells who does when the time is over.
   */
  private List<String> awaitLeases(long start, long nanos) {
    long nextLog = node.settings().stallWarning().toNanos();
    while (true) {
      List<String> held = new ArrayList<>();
      boolean mine = false;
      boolean asked = false; // waits end by themselves now, but not in an instant
      for (ProcessLock lock : locks.values()) {
        asked |= lock.isAskedHere();
        String here = lock.heldHere();
        if (here != null) {
          held.add(lock.quotedName() + " by " + here);
          mine |= lock.hold().isHeld();
        }
      }
      if (collectives.isBusy()) {
        held.add("a single write that is not closed");
        mine |= collectives.isMine();
      }
      long waited = node.nanoTime() - start;
      if ((held.isEmpty() && !asked)
          || mine
          || waited >= nanos
          || Thread.currentThread().isInterrupted()) {
        return held; // a lease of this very thread would be waited for in vain
      }
      if (waited >= nextLog && !held.isEmpty()) {
        nextLog += node.settings().stallWarning().toNanos();
        node.stalled(
            "", "Rank %d waits in close for %s".formatted(node.me(), String.join("; ", held)));
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }
}
