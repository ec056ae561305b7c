/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.failure.StartupException;
import java.util.Map;
import java.util.Optional;

/**
 * Who started this process as a rank of a job, read from the environment before any MPI call.
 *
 * @param name the launcher's name, for people and for the choice of the MPI library
 * @param rank this process's rank, from 0
 * @param size the number of ranks, at least 1, or -1 if the launcher does not say
 * @param localRank the rank among those of this node, or -1 if the launcher does not say
 * @since 0.1.0
 */
public record Launcher(Kind name, int rank, int size, int localRank) {

  /** The launchers that are recognised. */
  public enum Kind {
    /** Open MPI's {@code mpirun}. */
    OPEN_MPI("Open MPI's mpirun"),
    /** MPICH's {@code mpiexec}, and others that speak PMI. */
    HYDRA("MPICH's Hydra"),
    /** Slurm's {@code srun}. */
    SLURM("Slurm's srun"),
    /** A launcher that speaks PMIx and sets nothing else, such as PRRTE's {@code prterun}. */
    PMIX("a PMIx launcher"),
    /**
     * No launcher: the variables were set by hand: {@code MPILOCK_RANK} and {@code MPILOCK_SIZE}.
     */
    BY_HAND("MPILOCK_RANK and MPILOCK_SIZE");

    private final String label;

    Kind(String label) {
      this.label = label;
    }

    @Override
    public String toString() {
      return label;
    }
  }

  /**
   * Tells whether other ranks were, or may have been, started beside this one.
   *
   * @return false only if the launcher says that there is one rank
   */
  public boolean mayHavePeers() {
    return size != 1;
  }

  /**
   * Reads the launcher's variables. Inside a Slurm allocation {@code mpirun} of Open MPI or Hydra
   * is the launcher, because the variables of {@code srun} are then those of its helper on the
   * node. {@code MPILOCK_RANK} and {@code MPILOCK_SIZE} count only where no launcher is.
   *
   * @param environment the process's environment, such as {@link System#getenv()}
   * @return the launcher, or empty if none started this process
   * @throws StartupException if the variables are there but make no sense
   */
  public static Optional<Launcher> detect(Map<String, String> environment) {
    return new LauncherVariables(environment).detect();
  }

  /**
   * Reads how many ranks the job must have from {@code MPILOCK_EXPECTED_RANKS}.
   *
   * @param environment the process's environment, such as {@link System#getenv()}
   * @return the number, or 0 for any
   * @throws StartupException if the variable is there and not a number
   */
  public static int expectedRanks(Map<String, String> environment) {
    return new LauncherVariables(environment).expectedRanks();
  }

  @Override
  public String toString() {
    return name + " (rank " + rank + (size < 0 ? "" : " of " + size) + ")";
  }
}
