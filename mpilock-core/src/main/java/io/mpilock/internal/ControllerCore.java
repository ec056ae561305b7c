/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.StartupException;
import io.mpilock.internal.agent.Agent;
import io.mpilock.internal.agent.NodeReporter;
import io.mpilock.internal.call.CollectiveCalls;
import io.mpilock.internal.job.NodeReport;
import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.rank.DirectoryUse;
import io.mpilock.internal.rank.LockTable;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.RankThreads;
import io.mpilock.internal.rank.StatusQuery;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import io.mpilock.status.JobStatus;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One rank's controller below the public API: window, directory, locks, collective calls, and
 * close.
 */
public final class ControllerCore {

  private static final long POLL_NANOS = 1_000_000;

  private final RankContext node;
  private final NodeWindow window;
  private final Directory directory;
  private final CollectiveCalls collectives;
  private final @Nullable Messenger messenger;
  private final @Nullable Agent agent;
  private final LockTable locks;

  /** Keeps the counters' locks, so that they are not forgotten. */
  private final ConcurrentMap<String, RankLock> counters = new ConcurrentHashMap<>();

  /** When the shutdown began, by the node's clock; empty before. */
  private final AtomicReference<@Nullable Long> shutdown = new AtomicReference<>();

  /** Whether close or abandon was called. */
  private boolean ended;

  private ControllerCore(
      RankContext node, @Nullable Messenger messenger, Agent.Carrier carrier, int arity) {
    this.node = node;
    this.window = node.window();
    this.messenger = messenger;
    this.directory = new Directory(node);
    this.locks = new LockTable(new RankThreads(node), directory);
    node.waits().nameBy(directory::nameAt);
    this.collectives = new CollectiveCalls(node, directory::nameAt);
    this.agent =
        messenger != null && node.me() == 0
            ? agent(node.withOwnWindow(), messenger, carrier, arity)
            : null;
  }

  private Agent agent(RankContext own, Messenger messenger, Agent.Carrier carrier, int arity) {
    try {
      return new Agent(own, messenger, fingerprint(), carrier, arity);
    } catch (Throwable e) {
      own.window().free();
      throw e;
    }
  }

  private static @Nullable Messenger messenger(RankContext node) {
    if (node.agent() < 0) {
      return null;
    }
    Bell agentsBell = new Bell(node.window(), Layout.AGENT_BELL);
    return node.communicator()
        .messenger(() -> {
          try {
            agentsBell.ring();
          } catch (IllegalStateException e) {
            // The window is freed: nobody waits for the frame.
          }
        });
  }

  /**
   * Sets a controller up. Collective.
   *
   * @param communicator the ranks; private to this controller
   * @param settings how it behaves
   * @return this rank's part
   * @throws StartupException if there is no memory, or the ranks disagree
   */
  public static ControllerCore open(Communicator communicator, CoreSettings settings) {
    Opening opening = new Opening(communicator);
    try {
      return opening.open(settings);
    } catch (Throwable e) {
      opening.cutShort(e);
      throw e;
    }
  }

  /**
   * As {@link #open(Communicator, CoreSettings)}, by another clock, and with as many children in
   * the tree of the nodes.
   */
  static ControllerCore open(
      Communicator communicator,
      CoreSettings settings,
      RankContext.Pace pace,
      Agent.Carrier carrier,
      int arity) {
    Opening opening = new Opening(communicator);
    try {
      return open(opening, settings, pace, carrier, arity);
    } catch (Throwable e) {
      opening.cutShort(e);
      throw e;
    }
  }

  /** The same; the caller ends the opening if it is cut short. */
  static ControllerCore open(
      Opening opening,
      CoreSettings settings,
      RankContext.Pace pace,
      Agent.Carrier carrier,
      int arity) {
    Communicator communicator = opening.communicator();
    int here =
        RankContext.ranksOf(communicator, communicator.member(communicator.rank()).node()).length;
    checkSize(communicator, here);
    long header = Layout.directory(here + 1, communicator.size()) + Layout.LINE;
    long needed = (header + here - 1) / here;
    NodeWindow window =
        opening.has(
            settings.windowWords() == 0
                ? communicator.allocate(
                    Math.max(CoreSettings.LEAST_WINDOW_WORDS, needed),
                    Math.max(CoreSettings.MOST_WINDOW_WORDS, needed))
                : communicator.allocate(Math.max(settings.windowWords(), needed)),
            here == communicator.size());
    RankContext node = opening.has(new RankContext(communicator, window, settings, pace));
    Messenger messenger = messenger(node);
    opening.has(messenger);
    ControllerCore core = opening.has(new ControllerCore(node, messenger, carrier, arity));
    core.enter();
    return core;
  }

  /** Refuses what the words have no room for, before it is counted there. */
  private static void checkSize(Communicator communicator, int here) {
    int members = here < communicator.size() ? here + 1 : here;
    if (members > LockWords.MAX_MEMBERS || communicator.size() > LockWords.MAX_RANKS) {
      throw new StartupException(
          StartupException.Problem.TOO_MANY_RANKS,
          "There are %d ranks, and %d of them on the node of rank %d: a job has at most %d, and a node %d, its agent included."
              .formatted(
                  communicator.size(),
                  here,
                  communicator.rank(),
                  LockWords.MAX_RANKS,
                  LockWords.MAX_MEMBERS),
          "Start fewer ranks, with more threads in each.");
    }
  }

  /** Fills this rank's slot, waits for the slots of all, and compares the settings in them. */
  private void enter() {
    int ranks = node.ranks();
    long slot = Layout.slot(node.me());
    zero(slot, Layout.slot(node.me() + 1)); // many ranks need more than ZEROED_WORDS
    node.waits().clear(node.me(), Layout.WAITS);
    window.set(slot + Layout.SETTINGS, fingerprint());
    window.set(slot + Layout.LIFE, RankContext.OPEN);
    if (node.me() == 0) {
      if (node.agent() >= 0) {
        zero(Layout.slot(node.agent()), Layout.slot(node.agent() + 1));
        node.waits().clear(node.agent(), Layout.OTHERS_WAITS);
      }
      zero(Layout.lost(node.members()), Layout.waits(node.members(), node.jobSize()));
      window.set(Layout.DIRECTORY_END, Layout.directory(node.members(), node.jobSize()));
    }
    window.getAndAdd(Layout.READY, 1);
    Bell bell = new Bell(window, Layout.COLLECTIVE_BELL);
    bell.ring();
    await(bell, () -> window.get(Layout.READY) >= ranks);
    int other = 0;
    while (other < ranks
        && window.get(Layout.slot(other) + Layout.SETTINGS)
            == window.get(Layout.slot(0) + Layout.SETTINGS)) {
      other++;
    }
    if (agent != null) {
      agent.start(other < ranks);
    }
    if (node.agent() >= 0) {
      await(bell, () -> window.get(Layout.JOB_READY) != 0);
      if (window.get(Layout.JOB_READY) == 2) {
        throw settingsDiffer(node.myJobRank());
      }
    }
    if (other < ranks) {
      throw settingsDiffer(node.jobRank(other));
    }
    node.throwIfCutShort(); // by a rank that was through with its slot
  }

  private void zero(long from, long to) {
    for (long i = from; i < to; i++) {
      window.setRelease(i, 0);
    }
  }

  /** Waits in sync for the other ranks. */
  private void await(Bell bell, BooleanSupplier done) {
    Waiter waiter =
        new Waiter(
            node,
            "",
            node.nanoTime(),
            Waiter.FOREVER,
            new Waiter.Watch() {
              @Override
              public void check() {
                if (done.getAsBoolean()) {
                  return; // and who is through may be gone
                }
                node.communicator().throwIfCutShort();
                for (int rank = 0; rank < node.ranks(); rank++) {
                  if (rank != node.me() && !node.communicator().isAlive(node.jobRank(rank))) {
                    throw node.failed(node.jobRank(rank), "it cannot take part in sync.");
                  }
                }
                node.throwIfBroken();
              }

              @Override
              public String describe(long waitedNanos) {
                long here = window.get(Layout.READY);
                return ("%s has waited %s in sync for all %d ranks; %d of %d have arrived on this"
                        + " node%s. Look at the output of those that are late.")
                    .formatted(
                        node.who(node.me()),
                        RankContext.seconds(waitedNanos),
                        node.jobSize(),
                        here,
                        node.ranks(),
                        here < node.ranks()
                            ? ""
                            : ", and ranks of another node have not arrived yet");
              }
            });
    BooleanSupplier over = () -> done.getAsBoolean() || node.cutShortBy() >= 0;
    while (!done.getAsBoolean()) {
      node.throwIfCutShort();
      if (!waiter.pause(bell, over)) {
        throw new MpilockException(
            "Rank %d was interrupted while it waited in sync for the other ranks."
                .formatted(node.myJobRank()));
      }
    }
  }

  private static StartupException settingsDiffer(int rank) {
    return new StartupException(
        StartupException.Problem.SETTINGS_DIFFER,
        "Rank %d was given other settings than another rank (master, fairness, handover-limit, on-holder-death, heartbeat-timeout or window-size)."
            .formatted(rank),
        "Give all ranks the same mpilock.* properties.");
  }

  private long fingerprint() {
    CoreSettings settings = node.settings();
    return Objects.hash(
        settings.master(),
        settings.phaseFair(),
        settings.otherwiseFair(),
        settings.handoverLimit(),
        settings.releaseOnDeath(),
        settings.heartbeatTimeout(),
        settings.windowWords());
  }

  /**
   * Gives the lock of a resource.
   *
   * @param name the resource's name
   * @return this rank's side of it
   * @throws IllegalArgumentException if the name is not valid
   */
  public RankLock resource(String name) {
    Directory.check(name);
    return entry(name);
  }

  /**
   * Gives the lock of a counter's resource, which can be reached from now on.
   *
   * @param name the counter's name
   * @return this rank's side of it
   * @throws IllegalArgumentException if the name is not valid
   */
  public RankLock counter(String name) {
    Directory.check(name);
    RankLock known = entry(CallNames.counter(name));
    counters.putIfAbsent(name, known);
    return known;
  }

  private RankLock entry(String name) {
    if (node.isClosed()) {
      throw node.closedFailure();
    }
    try {
      return locks.get(name);
    } catch (IllegalStateException e) {
      throw node.unusable(e);
    }
  }

  /** What the parts of this controller have in common. */
  public RankContext node() {
    return node;
  }

  /**
   * The collective calls.
   *
   * @return always the same object
   */
  public CollectiveCalls collectives() {
    return collectives;
  }

  /**
   * Tells which writes the calling thread keeps.
   *
   * @return the names of their resources
   */
  public List<String> keptWrites() {
    return locks.threads().kept().of(Thread.currentThread()).stream().map(RankLock::name).toList();
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
   * Tells whether this rank takes no part any more, and leaves to others what it still held.
   *
   * @return true from the end of its part, in order or not
   */
  public boolean hasGone() {
    return node.hasGone();
  }

  /**
   * Begins the time of the shutdown, unless it has begun.
   *
   * @return what is left of it in nanoseconds; 0 if the calling thread holds something, for which a
   *     close would wait in vain
   */
  public long beginShutdown() {
    long left = shutdownLeft();
    try {
      return !node.isClosed() && holdsItself() ? 0 : left;
    } catch (IllegalStateException e) {
      throw node.unusable(e);
    }
  }

  private long shutdownLeft() {
    long now = node.nanoTime();
    shutdown.compareAndSet(null, now);
    long began = Objects.requireNonNull(shutdown.get());
    return Math.max(0, node.settings().shutdownTimeout().toNanos() - (now - began));
  }

  private boolean holdsItself() {
    return collectives.isMine() || locks.all().anyMatch(ControllerCore::isHeldHere);
  }

  private static boolean isHeldHere(RankLock lock) {
    if (lock.heldHere() == null) {
      return false;
    }
    ThreadHold hold = lock.hold();
    hold.giveBackOwed(lock);
    return hold.isHeld();
  }

  /**
   * Ends this rank's part. All its waits together end when the time of the shutdown is over.
   *
   * @return false if it had ended before
   * @throws LockUseException if leases were still held
   * @throws CollectiveMismatchException if another rank called something else
   */
  public synchronized boolean close() {
    if (ended) {
      return false;
    }
    ended = true;
    if (node.hasGivenUp()) {
      end();
      return true;
    }
    boolean told = false;
    boolean holds = true;
    node.communicator().leaving(true);
    try {
      node.markClosed();
      wakeWaiting();
      long left = shutdownLeft();
      boolean itself = holdsItself();
      List<String> held = awaitLeases(node.nanoTime(), itself ? 0 : left);
      holds = !held.isEmpty();
      String mismatch;
      try {
        mismatch = collectives.close(itself ? 0 : shutdownLeft());
      } finally {
        leave(holds ? RankContext.LEFT_HOLDING : RankContext.LEFT);
        told = true;
      }
      if (itself) {
        throw new LockUseException(
            ("Thread '%s' of rank %d closed its controller while it holds %s: no close"
                    + " can wait for that. For the other ranks this one has died; close every"
                    + " lease before the controller.")
                .formatted(
                    Thread.currentThread().getName(), node.myJobRank(), String.join("; ", held)));
      }
      if (!held.isEmpty()) {
        throw new LockUseException(
            ("Rank %d closed its controller while leases were still held, at most %s"
                    + " after it began to: %s. For the other ranks it has died; close every lease"
                    + " before the controller.")
                .formatted(
                    node.myJobRank(),
                    RankContext.seconds(node.settings().shutdownTimeout().toNanos()),
                    String.join("; ", held)));
      }
      if (mismatch != null) {
        throw new CollectiveMismatchException(mismatch);
      }
      return true;
    } catch (IllegalStateException e) {
      node.requireFreed(e);
      // The application finalised MPI, which took the window: there is nothing left to close.
      node.log(
          System.Logger.Level.WARNING,
          "The window of rank %d went with MPI. Close the controllers before MPI_Finalize."
              .formatted(node.myJobRank()));
      return true;
    } catch (Throwable e) {
      if (!told && holds) { // nobody knows what it holds: as if it had died
        node.giveUp(e);
      } else if (!told) {
        leave(RankContext.LEFT);
      }
      throw e;
    } finally {
      try {
        end();
      } finally {
        node.communicator().leaving(false);
      }
    }
  }

  /** Tells the others that this rank has left; again where that is cut short: nobody else would. */
  private void leave(long life) {
    for (int tries = 1; ; tries++) {
      try {
        node.go(life);
        collectives.ring();
        return;
      } catch (Throwable cut) {
        if (tries == ThreadHold.TRIES) {
          node.giveUp(cut);
          throw cut;
        }
      }
    }
  }

  /**
   * Tells whether this rank had to give itself up, since its window failed.
   *
   * @return true if the others take it for dead
   */
  public boolean hasGivenUp() {
    return node.hasGivenUp();
  }

  /**
   * Ends this rank's part without waiting.
   *
   * @return false if it had ended before
   */
  public synchronized boolean abandon() {
    if (ended) {
      return false;
    }
    ended = true;
    node.markClosed();
    wakeWaiting();
    try {
      node.go(RankContext.DEAD);
      collectives.ring();
      endAgent();
    } catch (IllegalStateException e) {
      node.requireFreed(e);
      node.log(System.Logger.Level.DEBUG, "The window went with MPI.");
    } finally {
      window.free();
    }
    return true;
  }

  /** Has the threads that wait see the close. */
  private void wakeWaiting() {
    locks.all().forEach(RankLock::wakeWaiting);
    node.bellWatcher().wakeAll();
  }

  /** Gives the window back. The node's agent goes on while it still speaks for others. */
  private void end() {
    locks.threads().holds().forget();
    locks.end();
    try {
      if (agent != null && !agent.haveAllClosed() && node.brokenBy() < 0) {
        agent.outliveController();
      } else {
        endAgent();
      }
    } catch (IllegalStateException e) {
      node.requireFreed(e);
      node.log(System.Logger.Level.DEBUG, "The window went with MPI.");
    } finally {
      window.free();
    }
  }

  /** Ends what speaks to other nodes, and tells the transport whom it need not wait for. */
  void endAgent() {
    if (node.agent() < 0) {
      return;
    }
    for (int rank = 0; rank < node.jobSize(); rank++) {
      if (node.isLost(rank)) {
        node.communicator().lost(rank);
      }
    }
    if (agent != null) {
      agent.stop();
    } else if (messenger != null) {
      messenger.close();
    }
  }

  /**
   * Tells how many messages between nodes the locks have cost this node so far: none with one node.
   *
   * @return the number that its agent sent
   */
  public long messages() {
    if (node.isClosed()) {
      throw node.closedFailure();
    }
    try {
      return window.get(Layout.MESSAGES);
    } catch (IllegalStateException e) {
      throw node.unusable(e);
    }
  }

  /**
   * Tells how much of this node's window the names of resources need.
   *
   * @return a snapshot
   */
  public DirectoryUse names() {
    if (node.isClosed()) {
      throw node.closedFailure();
    }
    try {
      return directory.namesUse();
    } catch (IllegalStateException e) {
      throw node.unusable(e);
    }
  }

  /**
   * Looks at the whole job, without a lock.
   *
   * @param nanos how long to wait for other nodes at most; an interrupt ends that, too
   * @return what was found
   */
  public JobStatus status(long nanos) {
    return status("", nanos);
  }

  /**
   * Looks at the whole job, and among its resources only at one, which is not left out then. If no
   * rank of this node has named it, it looks at all.
   *
   * @param resource its name, or "" for all
   * @param nanos how long to wait for other nodes at most; an interrupt ends that, too
   * @return what was found
   */
  public JobStatus status(String resource, long nanos) {
    if (node.isClosed()) {
      throw node.closedFailure();
    }
    try {
      locks.all().forEach(RankLock::noteOrphan);
      Long lockLine = directory.known(resource);
      Map<Integer, NodeReport> reports =
          new StatusQuery(node).ask(lockLine == null ? Layout.ALL_RESOURCES : lockLine, nanos);
      List<Integer> silent = new ArrayList<>();
      for (int other = 0; other < node.nodes() && node.agent() >= 0; other++) {
        if (!reports.containsKey(other)) {
          silent.add(other);
        }
      }
      reports.computeIfAbsent(
          node.myNode(),
          here ->
              new NodeReporter(node, directory, name -> "")
                  .report(lockLine == null ? "" : resource));
      return new StatusMerger(node, reports).status(silent);
    } catch (IllegalStateException e) {
      throw node.unusable(e);
    }
  }

  /**
   * Waits until no thread of this rank holds anything, and tells who does when the time is over.
   */
  private List<String> awaitLeases(long start, long nanos) {
    long nextLog = node.settings().stallWarning().toNanos();
    while (true) {
      List<String> held = new ArrayList<>();
      boolean asked = false; // waits end by themselves now, but not in an instant
      for (RankLock lock : locks.all().toList()) {
        asked |= lock.isAskedHere();
        lock.noteOrphan();
        String here = lock.heldHere();
        if (here != null) {
          held.add(lock.quotedName() + " by " + here);
        }
      }
      if (collectives.isBusy()) {
        held.add("a collective call that is not over");
      }
      long waited = node.nanoTime() - start;
      if ((held.isEmpty() && !asked) || waited >= nanos || Thread.currentThread().isInterrupted()) {
        return held;
      }
      if (waited >= nextLog && !held.isEmpty()) {
        nextLog += node.settings().stallWarning().toNanos();
        node.stalled(
            "",
            "Rank %d waits in close for %s".formatted(node.myJobRank(), String.join("; ", held)));
      }
      node.rest(POLL_NANOS);
    }
  }
}
