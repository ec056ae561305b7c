/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.Launcher;
import org.jspecify.annotations.Nullable;

/**
 * MPI, initialised and checked.
 *
 * @param mpi the library
 * @param initialisedHere false if the application had initialised it
 * @param claim this process's claim to be its rank, if so; to be kept
 */
record MpiSession(Mpi mpi, boolean initialisedHere, @Nullable Claim claim) {

  /** Initialises MPI unless the application did. On the {@link MpiThread}. */
  static MpiSession start(MpiLibrary library, @Nullable Launcher launcher) {
    Mpi mpi = new Mpi(library);
    if (mpi.finalized()) {
      throw new StartupException(
          Problem.MPI_FINALIZED,
          library.version()
              + " was finalised in this process (pid "
              + ProcessHandle.current().pid()
              + ") by the application.",
          "Open and close mpilock's controllers before MPI_Finalize is called.");
    }
    Claim claim = mpi.initialized() ? null : Claim.make(launcher, System.getenv());
    if (claim != null) {
      srun(library).tellDoubt(launcher);
    }
    int level = claim == null ? mpi.threadLevel() : mpi.initialize();
    if (claim != null) {
      mpi.returnErrors(mpi.world());
      claim.checkSpaces(library.isOpenMpi());
    }
    MpiSession session = new MpiSession(mpi, claim != null, claim);
    session.checkThreadLevel(level);
    session.checkLauncher(launcher);
    return session;
  }

  private void checkThreadLevel(int level) {
    if (level >= mpi.neededThreadLevel()) {
      return;
    }
    String who = initialisedHere ? "gave this process" : "was initialised by the application with";
    throw new StartupException(
        Problem.THREAD_LEVEL,
        mpi.library().version()
            + " "
            + who
            + " thread level "
            + level
            + ", but MPI_THREAD_SERIALIZED ("
            + mpi.neededThreadLevel()
            + ") is needed, because one thread of mpilock's own makes all MPI calls.",
        initialisedHere
            ? "Use an MPI library that is built with threads."
            : "Initialise MPI with MPI_Init_thread and at least MPI_THREAD_SERIALIZED.");
  }

  private static SrunOption srun(MpiLibrary library) {
    return new SrunOption(library.version(), library.isOpenMpi(), System.getenv());
  }

  /** Two libraries that do not know each other's launchers start as many jobs of one rank. */
  private void checkLauncher(@Nullable Launcher launcher) {
    int size = mpi.size(mpi.world());
    int rank = mpi.rank(mpi.world());
    if (launcher == null
        || (rank == launcher.rank() && (launcher.size() < 0 || size == launcher.size()))) {
      return;
    }
    if (size == 1) {
      if (initialisedHere) {
        mpi.shutDown();
      }
      SrunOption srun = srun(mpi.library());
      boolean slurm = launcher.name() == Launcher.Kind.SLURM;
      throw new StartupException(
          Problem.NO_MPI_LIBRARY,
          launcher
              + " started this process"
              + (slurm ? srun.given() : "")
              + ", but "
              + mpi.library().version()
              + " ("
              + mpi.library().path()
              + ") does not take part in that job: it sees this process as rank 0 of 1.",
          slurm
              ? srun.remedy() + " Or name the library of another MPI in mpilock.native.library."
              : "Start the job with the launcher of that library, or name the launcher's library in"
                  + " mpilock.native.library.");
    }
    throw new StartupException(
        Problem.LAUNCHER_INCONSISTENT,
        launcher
            + " started this process, but to "
            + mpi.library().version()
            + " it is rank "
            + rank
            + " of "
            + size
            + ".",
        "Do not set the launcher's variables by hand, and start the job with one launcher.");
  }
}
