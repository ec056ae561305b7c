/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.RankFailedException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A barrier that burns no core and does not wait for the dead. MPI's blocking calls spin, and never
 * return when a peer died, so every collective call goes through one of these first: behind it the
 * others are there, and the call is short.
 */
final class SoftBarrier {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  private static final long FIRST_PAUSE_NANOS = 20_000;
  private static final long LONGEST_PAUSE_NANOS = 5_000_000;
  private static final long LIVENESS_NANOS = 200_000_000;

  /**
   * How long after MPI has told of a death the rank may take to be found: by its node's file, by
   * the end of a connection, by an answer that is missed ({@link EndNotices}).
   */
  private static final long UNTOLD_NANOS = 15_000_000_000L;

  private final MpiThread thread;
  private final Mpi mpi;
  private final Roster roster;
  private final long stallNanos;

  /** What a rank that waits does and looks at. */
  interface Watch {
    /**
     * Asked again and again until all are here, on the {@link MpiThread}; the rank counts as here
     * once it has said yes.
     */
    default boolean isReady() {
      return true;
    }

    /** Called each time before it is looked who is dead. */
    default void look() {}

    /** Whether a rank of the world will never come, though it may live. */
    default boolean staysAway(int worldRank) {
      return false;
    }

    /** Who is missed, for the log, with a word before it; or nothing. */
    default String missing() {
      return "";
    }
  }

  private static final Watch NOBODY = new Watch() {};

  SoftBarrier(MpiThread thread, Mpi mpi, Roster roster, Duration stallWarning) {
    this.thread = thread;
    this.mpi = mpi;
    this.roster = roster;
    stallNanos = stallWarning.toNanos();
  }

  /**
   * Waits until every rank of a communicator is here. The caller's thread does the waiting, so that
   * the {@link MpiThread} stays free for an abort.
   *
   * @param group the communicator
   * @param what what the ranks come together for
   * @throws RankFailedException if one died first, with its rank in the communicator
   */
  void await(MpiGroup group, String what) {
    await(group, what, NOBODY);
  }

  /**
   * Waits until every rank of a communicator is here and ready.
   *
   * @param watch what to do and to look at meanwhile
   */
  void await(MpiGroup group, String what, Watch watch) {
    Arrival arrival = new Arrival(group, watch::isReady);
    long start = System.nanoTime();
    long nextLook = LIVENESS_NANOS;
    long nextWarning = stallNanos;
    long pause = FIRST_PAUSE_NANOS;
    boolean interrupted = false;
    try {
      while (!arrival.isComplete()) {
        long waited = System.nanoTime() - start;
        if (waited >= nextLook) {
          nextLook = waited + LIVENESS_NANOS;
          watch.look();
          failIfDead(arrival, group, what, watch::staysAway);
          arrival.failIfUntold(waited);
        }
        if (waited >= nextWarning) {
          nextWarning = waited + stallNanos;
          LOG.log(
              System.Logger.Level.WARNING,
              "Rank {0} has been waiting for {1} s for all {2} ranks to {3}{4}.",
              group.rank(),
              Duration.ofNanos(waited).toSeconds(),
              group.size(),
              what,
              watch.missing());
        }
        // Parking would return at once while the interrupt is pending.
        interrupted |= Thread.interrupted();
        LockSupport.parkNanos(this, pause);
        pause = Math.min(pause + pause / 2, LONGEST_PAUSE_NANOS);
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void failIfDead(Arrival arrival, MpiGroup group, String what, IntPredicate staysAway) {
    for (int rank = 0; rank < group.size(); rank++) {
      int worldRank = group.worldRank(rank);
      boolean away = staysAway.test(worldRank);
      // Who came and then ended, as the last rank of a job may, is missed by nobody.
      if ((away || !roster.isAlive(worldRank)) && !arrival.isComplete()) {
        throw new RankFailedException(
            rank,
            roster.member(worldRank, rank, 0)
                + (away ? " gave itself up, or its close failed," : " ended, or cannot be reached,")
                + " before all ranks came to "
                + what
                + ". Look for the reason in its output.");
      }
    }
  }

  /** This rank's part in one barrier. */
  private final class Arrival {
    private final MpiGroup group;
    private final BooleanSupplier ready;
    private final MemorySegment request = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG);
    private boolean here;

    /** That MPI knows of a rank's death, but not which rank: it is to be found by other means. */
    private @Nullable MpiException failure;

    private long failedAt;

    Arrival(MpiGroup group, BooleanSupplier ready) {
      this.group = group;
      this.ready = ready;
    }

    /** Whether all are here. */
    boolean isComplete() {
      if (failure != null) {
        return false; // a request that failed must not be tested again
      }
      try {
        return isCompleteByMpi();
      } catch (MpiException e) {
        if (!e.isProcessFailure()) {
          throw e;
        }
        failure = e;
        failedAt = -1;
        return false;
      }
    }

    /** Throws what MPI said, if nothing else has told who died since. */
    void failIfUntold(long waited) {
      MpiException untold = failure;
      if (untold == null) {
        return;
      }
      if (failedAt < 0) {
        failedAt = waited;
      }
      if (waited - failedAt > UNTOLD_NANOS) {
        throw untold;
      }
    }

    private boolean isCompleteByMpi() {
      return thread.call(() -> {
        boolean isReady = ready.getAsBoolean();
        if (!here && isReady) {
          mpi.startBarrier(group.comm(), request);
          here = true;
        }
        // MPI_Test sets a finished request to null, and says of a null one that it is finished.
        return here && mpi.test(request);
      });
    }
  }
}
