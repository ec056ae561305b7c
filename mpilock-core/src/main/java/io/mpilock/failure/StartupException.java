/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.failure;

import org.jspecify.annotations.Nullable;

/**
 * A controller could not be made. Says what was looked for, where, and the remedy.
 *
 * @since 0.1.0
 */
public final class StartupException extends MpilockException {
  private static final long serialVersionUID = 1L;

  /** The kinds of start-up failure, one for each remedy. */
  public enum Problem {
    /** No usable MPI library was found, or the one found is not the launcher's. */
    NO_MPI_LIBRARY,
    /** The JVM was not allowed to call native code. */
    NATIVE_ACCESS_DENIED,
    /** MPI was initialised with a thread level that is too low. */
    THREAD_LEVEL,
    /** A launcher started several ranks, but the transport would make each of them alone. */
    LAUNCHER_IGNORED,
    /** A launcher started this process, but its variables did not reach it. */
    LAUNCHER_LOST,
    /** The job has another number of ranks than {@code mpilock.expected-ranks}. */
    WRONG_SIZE,
    /** The launcher's variables contradict each other or MPI. */
    LAUNCHER_INCONSISTENT,
    /** {@code mpilock.master} is not a rank of the communicator. */
    MASTER_OUT_OF_RANGE,
    /** The ranks were given different settings. */
    SETTINGS_DIFFER,
    /** The transport asked for does not exist here. */
    NO_SUCH_TRANSPORT,
    /** The shared window could not be allocated. */
    NO_WINDOW,
    /** The process may open too few files and sockets more. */
    NO_DESCRIPTORS,
    /** MPI was already finalised in this process. */
    MPI_FINALIZED,
    /** MPJ Express was not found, or is not the version that this transport knows. */
    NO_MPJ,
    /** How or where the ranks meet is not configured, or is not possible. */
    RENDEZVOUS_INVALID,
    /** Not all ranks met in time. */
    RANKS_MISSING,
    /** Another process has this process's place in the job. */
    RANK_TAKEN,
    /** The MPI library cannot work between the ranks of a host, since they are kept apart. */
    RANKS_APART,
    /** The job, or a node, has more ranks than there is room for. */
    TOO_MANY_RANKS
  }

  private final Problem problem;
  private final String remedy;

  /**
   * Makes an exception.
   *
   * @param problem the kind of failure
   * @param message what was looked for, where, and what was found
   * @param remedy what the user can do, in the imperative
   * @param cause what led to it, or null
   */
  public StartupException(
      Problem problem, String message, String remedy, @Nullable Throwable cause) {
    super(message + " " + remedy, cause);
    this.problem = problem;
    this.remedy = remedy;
  }

  /**
   * Makes an exception without a cause.
   *
   * @param problem the kind of failure
   * @param message what was looked for, where, and what was found
   * @param remedy what the user can do, in the imperative
   */
  public StartupException(Problem problem, String message, String remedy) {
    this(problem, message, remedy, null);
  }

  /**
   * Tells the kind of failure.
   *
   * @return the kind
   */
  public Problem problem() {
    return problem;
  }

  /**
   * Tells what the user can do.
   *
   * @return the remedy, a sentence in the imperative
   */
  public String remedy() {
    return remedy;
  }
}
