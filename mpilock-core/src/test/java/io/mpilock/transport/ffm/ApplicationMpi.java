package io.mpilock.transport.ffm;

import io.mpilock.transport.Communicator;

/** What an application can do with MPI by itself. */
public final class ApplicationMpi {
  private ApplicationMpi() {}

  /** Calls MPI_Finalize behind mpilock's back. Collective. */
  public static void finalizeIt(Communicator world) {
    MpiRuntime runtime = ((NativeCommunicator) world).runtime();
    boolean _ =
        runtime.call(() -> {
          runtime.mpi().shutDown();
          return true;
        });
  }
}
