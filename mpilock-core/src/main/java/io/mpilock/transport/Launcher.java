package io.mpilock.transport;

import io.mpilock.failure.StartupException;
import java.util.Map;
import java.util.Optional;

/**
 * Who started this process as a rank of a job, read from the environment before any MPI call.
 *
 * @param name the launcher's name, for people and for the choice of the MPI library
 * @param rank this process's rank, from 0
 * @param size the number of ranks, at least 1
 * @param localRank the rank among those of this node, or -1 if the launcher does not say
 */
public record Launcher(Kind name, int rank, int size, int localRank) {

  /** The launchers that are recognised. */
  public enum Kind {
    /** Open MPI's {@code mpirun}. */
    OPEN_MPI("Open MPI's mpirun"),
    /** MPICH's {@code mpiexec}, and others of the Hydra family. */
    HYDRA("MPICH's Hydra"),
    /** Slurm's {@code srun}. */
    SLURM("Slurm's srun");

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
   * Reads the launcher's variables.
   *
   * @param environment the process's environment, such as {@link System#getenv()}
   * @return the launcher, or empty if none started this process
   * @throws StartupException if the variables are there but make no sense
   */
  public static Optional<Launcher> detect(Map<String, String> environment) {
    throw new UnsupportedOperationException("being written");
  }
}
