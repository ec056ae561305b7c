/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.CoreBinding;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.TransportSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * MPI in this process, from the first communicator to the last. It counts the communicators that
 * are open; the last one that is closed gives back, together with the other ranks, all that the
 * ranks made together, in the order in which they made it, and finalises MPI if this class
 * initialised it.
 */
final class MpiRuntime {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  private static final long ABORT_MILLIS = 2000;

  /**
   * How long collective calls that all ranks have come to may take, once one of them has failed.
   */
  private static final Duration GRACE = Duration.ofSeconds(3);

  /**
   * The one static variable: MPI itself exists once in a process, and cannot be initialised again.
   * Changed under the class, which who aborts may not wait for.
   */
  private static volatile @Nullable MpiRuntime current;

  /** Why MPI is of no use in this process any more: a start that failed half way. As above. */
  private static volatile @Nullable String failedStart;

  /** MPI, if a start failed that had reached it. As above. */
  private static volatile @Nullable Mpi reached;

  private enum State {
    OPEN,
    ENDING,
    ENDED
  }

  private final MpiThread thread;
  private final Mpi mpi;
  private final boolean initialisedHere;

  /** Kept, or the claim would be given up. */
  @SuppressWarnings("unused")
  private final @Nullable Claim claim;

  private final Roster roster;
  private final MpiGroup control;
  private final MpiGroup world;
  private final MpiClosing leaving;
  private final PointToPoint pointToPoint;
  private final OrphanedFrames leftovers;
  private final EndNotices notices;
  private final boolean mayRing;

  /** Guarded by this. */
  private @Nullable Doorbell doorbell;

  private boolean triedToRing;

  /** As current. */
  private volatile State state = State.OPEN;

  // Guarded by the class.
  private int open;
  private boolean abandoned;

  private volatile boolean isStuck;

  /** How many groups this rank has given an id. Only on the MPI thread. */
  private long named;

  /** In the order of creation, which is the same on all ranks of each. Only on the MPI thread. */
  private final List<MpiGroup> groups = new ArrayList<>();

  /** Guarded by this. */
  private final Set<NativeWindow> openWindows = new HashSet<>();

  private boolean hadWindow;

  /** Guarded by this: no window is counted done while or after MPI takes it away. */
  private boolean freed;

  private MpiRuntime(MpiThread thread, MpiSession session, boolean mayRing) {
    this.thread = thread;
    this.mayRing = mayRing;
    mpi = session.mpi();
    initialisedHere = session.initialisedHere();
    claim = session.claim();
    long comm = mpi.duplicate(mpi.world());
    roster = Roster.gather(mpi, comm);
    int[] all = IntStream.range(0, roster.size()).toArray();
    control = new MpiGroup(comm, roster.self(), all);
    world = new MpiGroup(mpi.duplicate(mpi.world()), MpiGroup.WORLD, roster.self(), all);
    groups.add(control);
    groups.add(world);
    MpiGroup node = control.node(mpi, roster);
    leaving =
        new MpiClosing(
            new MpiWindowAllocator(
                    mpi, roster, MpiClosing.WORDS_PER_RANK, MpiClosing.WORDS_PER_RANK)
                .allocate(control, node, control.windows()));
    pointToPoint = new PointToPoint(mpi.library());
    leftovers = new OrphanedFrames(pointToPoint, mpi.library().inside());
    notices = new EndNotices(mpi.library(), pointToPoint, leftovers, roster, control, leaving);
    mpi.beforeFinalize(this::endAccess);
    if (!initialisedHere && roster.spansNodes() && mpi.threadLevel() < mpi.threadMultiple()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "The application initialised MPI with less than MPI_THREAD_MULTIPLE, and"
              + " the ranks are on several nodes, where mpilock may call MPI at any time."
              + " The application must not call it as long as a controller is open."
              + " Initialise it with MPI_THREAD_MULTIPLE.");
    }
  }

  /** Opens the world, and MPI with it if this is the first time. Collective. */
  static Communicator world(TransportSettings settings) {
    MpiRuntime runtime;
    synchronized (MpiRuntime.class) {
      runtime = current;
      if (runtime == null) {
        throwIfFailed();
        runtime = start(settings);
        current = runtime;
      } else if (runtime.state != State.OPEN) {
        throw new StartupException(
            Problem.MPI_FINALIZED,
            "MPI "
                + (runtime.state == State.ENDED ? "was" : "is being")
                + " finalised in this process (pid "
                + ProcessHandle.current().pid()
                + "), when its last communicator was closed.",
            "Open the next one before the last is closed: MPI cannot be initialised twice.");
      }
      runtime.open++;
    }
    return new NativeCommunicator(runtime, runtime.world, settings.stallWarning());
  }

  private static MpiRuntime start(TransportSettings settings) {
    CoreBinding.check(settings.launcher());
    MpiLibrary library = LibraryFinder.find(settings);
    MpiThread thread = new MpiThread();
    AtomicReference<String> where = new AtomicReference<>("MPI_Init_thread");
    try {
      return thread.call(
          () -> {
            Mpi mpi = new Mpi(library);
            boolean before = mpi.initialized();
            try {
              MpiSession session = MpiSession.start(library, settings.launcher());
              before = false;
              where.set("its first collective calls of MPI");
              return new MpiRuntime(thread, session, settings.doorbell());
            } catch (Throwable e) {
              boolean alike = e instanceof StartupException; // and its remedy may be tried here
              if (mpi.initialized() && !mpi.finalized()) {
                reached = mpi;
                if (!alike && !before) {
                  failedStart = e.toString();
                }
              }
              throw e;
            }
          },
          settings.stallWarning(),
          waited -> tellLate(settings.launcher(), library, where.get(), waited));
    } catch (Throwable e) {
      thread.end();
      throw e;
    }
  }

  private static void throwIfFailed() {
    String failure = failedStart;
    if (failure != null) {
      throw new StartupException(
          Problem.MPI_FINALIZED,
          "mpilock's start failed in this process (pid "
              + ProcessHandle.current().pid()
              + ") when MPI was initialised already: "
              + failure
              + ".",
          "End this process, and start the job again: MPI cannot be initialised twice.");
    }
  }

  /** MPI itself waits there without a word, and for ever, for a rank that does not come. */
  private static void tellLate(
      @Nullable Launcher launcher, MpiLibrary library, String where, Duration waited) {
    LOG.log(
        System.Logger.Level.WARNING,
        "This process (pid {0,number,#}{1}) has been for {2} s in {3} of {4},"
            + " where all ranks of the job meet. A rank that is late, or never arrives,"
            + " keeps all of them waiting. Check on every host whether all of them run,"
            + " and what each has written.",
        ProcessHandle.current().pid(),
        launcher == null ? "" : ", " + launcher,
        waited.toSeconds(),
        where,
        library.version());
  }

  /** Parts a communicator when all of its ranks are there. Collective. */
  MpiGroup split(MpiGroup parent, Duration stallWarning, int color, int key) {
    return together(
        parent,
        "split a communicator",
        stallWarning,
        () -> {
          MpiGroup part =
              MpiGroup.of(mpi, mpi.split(parent.comm(), color, key), roster.self())
                  .named(mpi, (long) roster.self() << Integer.SIZE | ++named + MpiGroup.WORLD);
          MpiGroup known = known(part);
          if (known != part) {
            mpi.freeComm(part.comm());
          }
          return known;
        });
  }

  /**
   * The first group of these ranks in this order, so that communicators do not grow in number with
   * the splits. All of the ranks made it together, so all know it or none.
   */
  private MpiGroup known(MpiGroup part) {
    for (MpiGroup group : groups) {
      if (group != control && group.isSameAs(part)) {
        return group;
      }
    }
    groups.add(part);
    return part;
  }

  /**
   * Makes collective calls of MPI when all ranks of a group are there. Whoever does not get through
   * them tells the others, unless all ranks throw alike.
   */
  <T> T together(MpiGroup group, String what, Duration stallWarning, Supplier<T> calls) {
    SoftBarrier.Watch watch =
        new SoftBarrier.Watch() {
          @Override
          public void look() {
            throwIfCutShort(group);
          }
        };
    try {
      throwIfStuck();
      throwIfCutShort(group);
      barrier(stallWarning).await(group, what, watch);
      return thread.callWatched(calls, watch::look, GRACE, this::stuck);
    } catch (StartupException alike) {
      throw alike;
    } catch (Throwable e) {
      cutShort(group, e);
      stayAway(); // others may have begun a call of MPI that never ends
      throw e;
    }
  }

  /** Tells the ranks of a group that this one is no longer in step with them. Never throws. */
  void cutShort(MpiGroup group, Throwable reason) {
    try {
      boolean other = reason instanceof RankFailedException;
      int rank = other ? ((RankFailedException) reason).rank() : group.rank();
      if (leaving.cutShort(group.id()) == null) {
        notices.cutShort(group, group.worldRank(rank), String.valueOf(reason));
      }
    } catch (Throwable untold) {
      LOG.log(System.Logger.Level.DEBUG, "That an opening was cut short is not told", untold);
    }
  }

  void throwIfCutShort(MpiGroup group) {
    if (roster.spansNodes()) {
      notices.receive();
    }
    MpiClosing.CutShort told = leaving.cutShort(group.id());
    if (told == null) {
      return;
    }
    int rank = 0;
    while (rank < group.size() - 1 && group.worldRank(rank) != told.worldRank()) {
      rank++;
    }
    throw new RankFailedException(
        rank,
        ("The opening of a controller was cut short on %s: %s. Its ranks are no longer in step, so"
                + " they can open no controller and split no communicator any more. Look for the"
                + " reason in its output, and start the job again.")
            .formatted(
                roster.member(told.worldRank(), rank, 0),
                told.reason().isEmpty() ? "it failed" : told.reason()));
  }

  /** A collective call of MPI does not return, since another rank never came to it. */
  private void stuck() {
    isStuck = true;
    stayAway(); // MPI's end would wait for the thread
  }

  private void stayAway() {
    synchronized (MpiRuntime.class) {
      abandoned = true;
    }
    notices.stayAway();
  }

  /** Whether the thread that makes all calls of MPI is in one that does not return. */
  boolean isStuck() {
    return isStuck;
  }

  private void throwIfStuck() {
    if (isStuck) {
      throw new MpilockException(
          "A collective call of MPI has not returned, since another rank did not come to it: no"
              + " controller can be opened in this process (pid "
              + ProcessHandle.current().pid()
              + ") any more. End it, and start the job again.");
    }
  }

  SoftBarrier barrier(Duration stallWarning) {
    return new SoftBarrier(thread, mpi, roster, stallWarning);
  }

  <T> T call(Supplier<T> task) {
    return thread.call(task);
  }

  Mpi mpi() {
    return mpi;
  }

  Roster roster() {
    return roster;
  }

  String libraryVersion() {
    return mpi.library().version();
  }

  PointToPoint pointToPoint() {
    return pointToPoint;
  }

  OrphanedFrames leftovers() {
    return leftovers;
  }

  /** What wakes other nodes, from the first use on; null if there is none. */
  synchronized @Nullable Doorbell doorbell() {
    if (mayRing && !triedToRing) {
      triedToRing = true;
      try {
        doorbell = new Doorbell(roster.self());
      } catch (IOException | RuntimeException e) {
        LOG.log(System.Logger.Level.DEBUG, "Nodes are woken by polling", e);
      }
    }
    return doorbell;
  }

  private synchronized void endDoorbell() {
    triedToRing = true;
    if (doorbell != null) {
      doorbell.close();
    }
  }

  MpiClosing leaving() {
    return leaving;
  }

  /** True for the first call. */
  synchronized boolean isFirstWindow() {
    boolean first = !hadWindow;
    hadWindow = true;
    return first;
  }

  /** Notes a window that must not be touched once MPI is finalised. */
  synchronized void opened(NativeWindow window) {
    openWindows.add(window);
  }

  /** Counts this rank done with a window. Never waits for another rank. */
  synchronized void done(NativeWindow window) {
    openWindows.remove(window);
    boolean last = openWindows.stream().noneMatch(other -> other.memory().equals(window.memory()));
    if (!freed && last) {
      window.memory().countDone();
    }
  }

  /** Ends all access to memory that MPI_Finalize takes away, also if the application calls it. */
  private void endAccess() {
    List<NativeWindow> open;
    synchronized (this) {
      freed = true;
      open = List.copyOf(openWindows);
      leaving.end();
    }
    open.forEach(NativeWindow::free);
    ReentrantLock inside = mpi.library().inside();
    inside.lock(); // a messenger's thread may be in MPI
    try {
      pointToPoint.end();
    } finally {
      inside.unlock();
    }
  }

  /** Counts one more open communicator. */
  void retain() {
    synchronized (MpiRuntime.class) {
      if (state != State.OPEN) {
        throw new MpilockException("MPI is finalised: no communicator can be created any more.");
      }
      open++;
    }
  }

  /** Counts one communicator less; the last one ends MPI. */
  void release(Duration stallWarning) {
    synchronized (MpiRuntime.class) {
      open--;
      if (open > 0 || abandoned || state != State.OPEN) {
        return;
      }
      state = State.ENDING;
    }
    boolean together = false;
    try {
      together = endTogether(stallWarning);
    } finally {
      synchronized (MpiRuntime.class) {
        state = State.ENDED;
        if (!initialisedHere && together) {
          // MPI goes on, so that it can be used again. Without the dead it cannot; and what they
          // left in MPI's hands must stay reachable.
          current = null;
        }
      }
      thread.end();
      if (together) { // else others see by both when this process ends, and must not before
        endDoorbell();
        roster.close();
      }
    }
  }

  /** Counts one communicator less, of a rank that failed: it must not take part in the end. */
  void abandon() {
    synchronized (MpiRuntime.class) {
      open--;
      abandoned = true;
    }
    notices.stayAway();
  }

  /** Takes back the count for a communicator that was not made. */
  void forget() {
    synchronized (MpiRuntime.class) {
      open--;
    }
  }

  private boolean endTogether(Duration stallWarning) {
    if (thread.call(mpi::finalized)) {
      LOG.log(
          System.Logger.Level.WARNING,
          "The application finalised MPI before mpilock was closed: there is nothing"
              + " left to release. Close the controllers first.");
      return true;
    }
    leaving.arrive();
    try {
      barrier(stallWarning).await(control, "close", new AtTheEnd());
    } catch (RankFailedException e) {
      notices.tellMissed(e.rank());
      tellUnfinished(e.getMessage());
      return false;
    } catch (MpiException e) {
      if (!e.isProcessFailure()) {
        throw e;
      }
      tellUnfinished("a rank has died, says MPI (" + e.getMessage() + ").");
      return false;
    }
    endAccess();
    thread.run(() -> {
      groups.forEach(group -> group.windows().forEach(window -> window.release().run()));
      groups.forEach(this::freeComms);
      if (initialisedHere) {
        mpi.shutDown();
      }
    });
    return true;
  }

  private static void tellUnfinished(@Nullable String why) {
    LOG.log(
        System.Logger.Level.WARNING,
        "MPI is not finalised, because that would never end: {0} End this process"
            + " with a status other than 0, or the launcher may consider the job"
            + " successful.",
        why);
  }

  /** What a rank looks at that waits for the others to come to MPI's end. */
  private final class AtTheEnd implements SoftBarrier.Watch {
    @Override
    public boolean isReady() {
      return leftovers.drain();
    }

    @Override
    public void look() {
      Doorbell ours;
      synchronized (MpiRuntime.this) {
        ours = doorbell;
      }
      notices.look(leftovers.hasMessengers() ? null : ours);
    }

    @Override
    public boolean staysAway(int worldRank) {
      return leaving.isStayingAway(worldRank);
    }

    @Override
    public String missing() {
      List<Integer> here = leaving.missing();
      if (here.isEmpty()) {
        return roster.spansNodes()
            ? "; the missing ranks are on other nodes"
            : "; all have arrived, or are about to";
      }
      return "; missing on this node: rank "
          + here.stream().map(String::valueOf).collect(Collectors.joining(", rank "));
    }
  }

  private void freeComms(MpiGroup group) {
    MpiGroup node = group.knownNode();
    if (node != null) {
      mpi.freeComm(node.comm());
    }
    mpi.freeComm(group.comm());
  }

  /** Ends the job. Does not return. */
  void abort(int status) {
    abort(thread, mpi, status); // which may be stuck in a collective call, or have ended
  }

  /** Ends the job, and does not return, if MPI was reached in this process, and not left. */
  static void abortIfReached(int status) {
    MpiRuntime runtime = current;
    Mpi mpi = reached;
    if (runtime != null && runtime.state != State.ENDED) {
      runtime.abort(status);
    } else if (runtime == null && mpi != null) {
      abort(new MpiThread(), mpi, status); // that of the start has ended
    }
  }

  private static void abort(MpiThread thread, Mpi mpi, int status) {
    thread.tryRun(
        () -> {
          if (!mpi.finalized()) {
            mpi.abort(status);
          }
        },
        ABORT_MILLIS);
    Runtime.getRuntime().halt(status);
  }
}
