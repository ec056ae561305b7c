/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.Values;
import io.mpilock.transport.Launcher;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * {@code srun --mpi}, which decides what an MPI library finds of its job. With the wrong one each
 * process is a job of one rank to MPICH and to Open MPI since 5. Open MPI 4 ends the process in
 * MPI_Init, and says that it was built without something.
 */
final class SrunOption {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  private final String library;
  private final boolean openMpi;
  private final Map<String, String> environment;

  /**
   * Of one process.
   *
   * @param library the MPI library, for people
   * @param openMpi whether it is Open MPI
   * @param environment the process's environment
   */
  SrunOption(String library, boolean openMpi, Map<String, String> environment) {
    this.library = library;
    this.openMpi = openMpi;
    this.environment = environment;
  }

  /** Before MPI is initialised: says what may be wrong, since the process may end there. */
  void tellDoubt(@Nullable Launcher launcher) {
    if (launcher != null) {
      doubt(launcher).ifPresent(text -> LOG.log(System.Logger.Level.WARNING, text));
    }
  }

  /**
   * Rank 0's warning that Open MPI finds nothing of its job. It may be wrong: Open MPI 4 can be
   * built for a way that leaves no variable. With {@code --mpi=pmi2}, for which it can be built as
   * well, there are variables.
   */
  Optional<String> doubt(Launcher launcher) {
    if (!openMpi
        || launcher.name() != Launcher.Kind.SLURM
        || !launcher.mayHavePeers()
        || launcher.rank() != 0
        || environment.keySet().stream().anyMatch(SrunOption::tellsOfAJob)) {
      return Optional.empty();
    }
    return Optional.of(
        "srun gave this process (rank 0 of %d)%s nothing by which %s usually finds its job. If the process ends in the start of MPI now, or is refused: %s"
            .formatted(launcher.size(), given(), library, remedy()));
  }

  private static boolean tellsOfAJob(String variable) {
    return variable.startsWith("PMIX_") || variable.startsWith("PMI_");
  }

  /** What to do where the library did not find the job of srun. */
  String remedy() {
    return "Start the job with srun "
        + (openMpi
            ? "--mpi=pmix (--mpi=pmi2 for an Open MPI 4 that was built for it)"
            : "--mpi=pmi2 (--mpi=pmix for an MPICH that was built for it)")
        + "; \"srun --mpi=list\" shows what this Slurm has.";
  }

  /** What srun was told, by its option or by MpiDefault of slurm.conf; "" if Slurm does not say. */
  String given() {
    String type = environment.get("SLURM_MPI_TYPE");
    return type == null || type.isBlank() ? "" : " by --mpi=" + Values.shown(type.strip());
  }
}
