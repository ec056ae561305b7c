/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.CoreBinding;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.TransportSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * This process's part in the job, from the first communicator to the last. It counts those that are
 * open; the last one that is closed leaves the job together with the other ranks.
 */
final class MpjRuntime {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  /** The name under which the ranks meet at the end. */
  private static final String END = "end";

  /** How long rank 0 waits for the others to go, so that they hear its last words. */
  private static final Duration FAREWELL = Duration.ofSeconds(2);

  /** The one static variable: a process is one rank. Guarded by the class. */
  private static @Nullable MpjRuntime current;

  private enum State {
    OPEN,
    ENDING,
    ENDED
  }

  private final Membership membership;
  private final MpjLibrary library;
  private final Duration timeout;
  private final MpjGroup world;
  private final Pairs pairs;
  private final Lives lives;
  private final MpjClosing leaving;

  // Guarded by this.
  private State state = State.OPEN;
  private int open;
  private boolean abandoned;

  private MpjRuntime(Membership membership, MpjLibrary library, TransportSettings settings) {
    this.membership = membership;
    this.library = library;
    timeout = settings.mpj().timeout();
    Lifeline lifeline = membership.lifeline();
    world = new MpjGroup("world", lifeline.rank(), IntStream.range(0, lifeline.size()).toArray());
    pairs = new Pairs(lifeline);
    MappedWindowAllocator ranks = new MappedWindowAllocator(this, world, settings.stallWarning());
    lives = new Lives(ranks);
    leaving = new MpjClosing(ranks);
  }

  /** Opens the world, and joins the job if this is the first time. Collective. */
  static Communicator world(TransportSettings settings, JobEnvironment environment) {
    MpjRuntime runtime;
    synchronized (MpjRuntime.class) {
      runtime = current;
      if (runtime == null || runtime.hasEnded()) {
        CoreBinding.check(settings.launcher());
        runtime = start(settings, environment, status -> Runtime.getRuntime().halt(status));
        current = runtime;
      }
    }
    return runtime.open(settings);
  }

  /** Joins the job as one rank, not necessarily the only one of this process. */
  static MpjRuntime start(
      TransportSettings settings, JobEnvironment environment, IntConsumer halt) {
    Launcher launcher = settings.launcher();
    int rank = launcher == null ? 0 : launcher.rank();
    int size = size(launcher, environment);
    MpjLibrary library = MpjLibrary.find(settings.mpj(), environment);
    Membership membership =
        size == 1
            ? Membership.alone(halt)
            : Membership.join(
                new Membership.Self(rank, size, halt),
                Rendezvous.of(settings.mpj(), environment, size),
                settings.mpj().timeout(),
                settings.stallWarning());
    try {
      return new MpjRuntime(membership, library, settings);
    } catch (RuntimeException e) {
      membership.reactor().end();
      throw e;
    }
  }

  private static int size(@Nullable Launcher launcher, JobEnvironment environment) {
    if (launcher == null) {
      if (environment.value("MPILOCK_MPJ_RENDEZVOUS") != null) {
        throw inconsistent("MPILOCK_MPJ_RENDEZVOUS is set, but the rank of this process is not.");
      }
      return 1;
    }
    if (launcher.size() > 0) {
      return launcher.size();
    }
    String size = environment.value("MPILOCK_SIZE");
    if (size == null) {
      throw inconsistent("The launcher, " + launcher + ", does not say how many ranks there are.");
    }
    try {
      int number = Integer.parseInt(size);
      if (number > launcher.rank()) {
        return number;
      }
    } catch (NumberFormatException e) {
      // As a number that is too small.
    }
    throw inconsistent("MPILOCK_SIZE=" + size + " is not above rank " + launcher.rank() + ".");
  }

  private static StartupException inconsistent(String message) {
    return new StartupException(
        Problem.LAUNCHER_INCONSISTENT,
        message,
        "Set MPILOCK_RANK and MPILOCK_SIZE on every rank, or start the ranks with"
            + " a launcher that sets them.");
  }

  Communicator open(TransportSettings settings) {
    retain();
    return new MpjCommunicator(this, world, settings.stallWarning());
  }

  private synchronized boolean hasEnded() {
    return state == State.ENDED;
  }

  Membership membership() {
    return membership;
  }

  Lifeline lifeline() {
    return membership.lifeline();
  }

  MpjLibrary library() {
    return library;
  }

  Duration timeout() {
    return timeout;
  }

  Pairs pairs() {
    return pairs;
  }

  MpjClosing leaving() {
    return leaving;
  }

  /** Who a rank of the job is. */
  Peer peer(int worldRank) {
    return membership.peers().get(worldRank);
  }

  int self() {
    return lifeline().rank();
  }

  String name(int worldRank) {
    return peer(worldRank).member(worldRank, 0).toString();
  }

  /** Whether a rank lives, as far as this one can tell. */
  boolean isAlive(int worldRank) {
    if (!lifeline().isAlive(worldRank)) {
      return false;
    }
    // Rank 0 tells of deaths while it is there; then each sees those of its own node.
    if (!lifeline().tells() && worldRank != self() && !lives.isAlive(worldRank)) {
      lifeline().lost(worldRank);
      return false;
    }
    return true;
  }

  /** Counts one more open communicator. */
  synchronized void retain() {
    if (state != State.OPEN) {
      throw new MpilockException(
          "This process has left the job: no communicator can be created any more.");
    }
    open++;
  }

  /** Counts one communicator less; the last one leaves the job. */
  void release(Duration stallWarning) {
    synchronized (this) {
      open--;
      if (open > 0 || abandoned || state != State.OPEN) {
        return;
      }
      state = State.ENDING;
    }
    try {
      leave(stallWarning);
    } finally {
      synchronized (this) {
        state = State.ENDED;
      }
    }
  }

  /** Counts one communicator less, of a rank that failed: it must not take part in the end. */
  void abandon() {
    synchronized (this) {
      open--;
      abandoned = true;
    }
    lifeline().tellCutShort(END, 1, self(), "it gave itself up, or its opening or close failed");
  }

  /** Takes back the count for a communicator that was not made. */
  synchronized void forget() {
    open--;
  }

  private void leave(Duration stallWarning) {
    boolean together = false;
    try {
      var _ =
          lifeline()
              .meet(
                  END + "/close",
                  world.worldRanks(),
                  new byte[0],
                  "close",
                  this::name,
                  stallWarning);
      together = true;
    } catch (RankFailedException e) {
      LOG.log(
          System.Logger.Level.WARNING, "Not all ranks leave the job together: {0}", e.getMessage());
    }
    pairs.end();
    leaving.end();
    if (together) {
      lives.end(); // else it is open to the end: to others this rank would look dead
    }
    lifeline().bye();
    membership.reactor().end(membership.mayEnd(), FAREWELL);
  }

  /** Ends the job. Does not return. */
  void abort(int status) {
    lifeline().abort(status);
  }

  /** The ranks of a group by node, in the order of the lowest rank of each. */
  List<List<Integer>> nodes(MpjGroup group) {
    List<List<Integer>> nodes = new ArrayList<>();
    for (int member = 0; member < group.size(); member++) {
      Peer peer = peer(group.worldRank(member));
      List<Integer> own =
          nodes.stream()
              .filter(node -> peer(group.worldRank(node.getFirst())).isOnNodeOf(peer))
              .findFirst()
              .orElse(null);
      if (own == null) {
        own = new ArrayList<>();
        nodes.add(own);
      }
      own.add(member);
    }
    return nodes;
  }
}
