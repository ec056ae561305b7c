/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.failure.StartupException;

/**
 * An ordered group of ranks, as in MPI.
 *
 * <p>Collective methods are called by every rank of the communicator, in the same order; they
 * return when all have called, unless one says otherwise. They are for setting up, never on a
 * lock's path, and not for several threads at once. The other methods may be called from any
 * thread.
 *
 * @since 0.1.0
 */
public interface Communicator extends AutoCloseable {

  /**
   * This process's number.
   *
   * @return from 0 to {@link #size()} - 1
   */
  int rank();

  /**
   * The number of ranks.
   *
   * @return at least 1
   */
  int size();

  /**
   * Tells who a rank is.
   *
   * @param rank a rank of this communicator
   * @return its host, process and node
   * @throws IndexOutOfBoundsException if there is no such rank
   */
  Member member(int rank);

  /**
   * Tells whether a rank's process lives, as far as it can be seen from here: a rank of another
   * node may count as alive for ever, until {@link #lost} is called. Costs a few microseconds: for
   * a wait that has lasted, not for each turn of a loop.
   *
   * @param rank a rank of this communicator
   * @return false once its process is known to have ended, and for ever after
   */
  boolean isAlive(int rank);

  /**
   * Says that the layer above found a rank of another node dead, or out of reach: {@link #isAlive}
   * is false from now on, and nothing in this process waits for it any more. Idempotent.
   *
   * @param rank a rank of this communicator, not the caller's
   */
  void lost(int rank);

  /**
   * Names the transport and its library, for people.
   *
   * @return such as {@code native (Open MPI 4.1.4)}
   */
  String description();

  /**
   * Makes a communicator of the same ranks on which no other messages travel. Collective, but need
   * not wait for the other ranks.
   *
   * @return the duplicate, to be closed by the caller
   */
  Communicator duplicate();

  /**
   * Parts this communicator into several, as {@code MPI_Comm_split} does. Collective.
   *
   * @param color ranks of the same color come together; not negative
   * @param key the order of the ranks in the new communicator; ties go by the old rank
   * @return the part that this rank is in, to be closed by the caller
   */
  Communicator split(int color, int key);

  /**
   * The words at the start of a new window that are zero. The rest is unspecified: clearing memory
   * that may never be used would commit it.
   */
  long ZEROED_WORDS = 8192;

  /**
   * Allocates words that all ranks of the caller's node share. The first {@link #ZEROED_WORDS} are
   * zero. Collective.
   *
   * @param wordsPerRank how much each rank adds; the window has this times the ranks of the node
   * @return the window, to be freed by the caller
   * @throws StartupException if the node has no room for it
   */
  NodeWindow allocate(long wordsPerRank);

  /**
   * Allocates words that all ranks of the caller's node share, as many as suit what the node has.
   * The first {@link #ZEROED_WORDS} are zero. Collective; nodes may differ, ranks of one node do
   * not.
   *
   * @param least the fewest words that each rank adds
   * @param most the most words that each rank adds, not less; what a transport gives that does not
   *     know how much there is
   * @return the window, to be freed by the caller
   * @throws StartupException if the node has no room for the least
   */
  default NodeWindow allocate(long least, long most) {
    return allocate(most);
  }

  /**
   * Opens a way to send frames to the other ranks on which no other messages travel. Collective, in
   * the same order on all ranks, but need not wait for the others. The lock opens one only when the
   * ranks are on several nodes.
   *
   * @param arrived is called, by any thread and shortly, when a frame is there to be received, or
   *     is about to come, unless {@link Messenger#pollNanos} says that the transport cannot tell;
   *     must not block
   * @return this rank's end, to be closed by the caller
   */
  Messenger messenger(Runnable arrived);

  /**
   * Says that this rank does not come to the collective calls on this communicator that others may
   * wait in, though its process lives: its opening of a controller was cut short. They get {@link
   * io.mpilock.failure.RankFailedException} with its rank, and from now on every rank is refused
   * another collective call on it, since the ranks are no longer in step. Idempotent; the first
   * reason counts. Waits for no other rank, and never throws.
   *
   * <p>By default nothing: a transport that cannot tell leaves the others waiting until this
   * process ends.
   *
   * @param reason what happened; if it is a {@link io.mpilock.failure.RankFailedException}, the
   *     others get that one's rank, which they may not be able to see fail themselves
   */
  default void cutShort(Throwable reason) {}

  /**
   * Looks whether a rank has called {@link #cutShort}: for a rank that has come through the
   * collective calls and waits for the others elsewhere. Costs as much as {@link #isAlive}.
   *
   * @throws io.mpilock.failure.RankFailedException if one has, with its rank and its reason
   */
  default void throwIfCutShort() {}

  /**
   * Tells the other ranks of the node whether this process is inside some controller's close, so
   * that ranks that close several controllers in different orders do not wait for each other.
   * Counts, so calls nest. Never waits.
   *
   * @param now true on the way into a close, false on the way out
   */
  void leaving(boolean now);

  /**
   * Tells whether a rank's process is inside some controller's close.
   *
   * @param rank a rank of this communicator on the caller's node
   * @return what {@link #leaving} told last
   */
  boolean isLeaving(int rank);

  /**
   * Ends the job on every rank, as {@code MPI_Abort} does. Does not return where the transport can
   * end processes; the local transport throws on every rank instead.
   *
   * @param status the exit status, not 0
   */
  void abort(int status);

  /**
   * Gives the communicator up. The last one that is closed in a process where mpilock initialised
   * MPI also finalises MPI, which MPI defines as collective: it waits, without burning a core and
   * saying so now and then, for all ranks that are alive, and gives up when one has died or was
   * {@linkplain #abandon() given up}. Idempotent.
   */
  @Override
  void close();

  /**
   * Gives the communicator up without waiting for other ranks: for a rank that failed. What it
   * shared is left to the end of the process. Idempotent.
   */
  void abandon();
}
