/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.transport.Communicator;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;

/** What an application can do with MPI by itself. */
public final class ApplicationMpi {
  private ApplicationMpi() {}

  /**
   * Makes a communicator and a window, looks which places in MPI's tables they got, and frees them.
   * A library gives the lowest free place or one that was freed lately, so places near those before
   * some work show that the work left nothing behind. Collective.
   */
  public static List<Integer> freePlaces(Communicator world) {
    MpiRuntime runtime = ((NativeCommunicator) world).runtime();
    return runtime.call(() -> {
      Mpi mpi = runtime.mpi();
      long comm = mpi.splitByNode(mpi.world());
      long window = mpi.allocateShared(comm, Long.BYTES).handle();
      List<Integer> places =
          List.of(place(mpi, "MPI_Comm_c2f", comm), place(mpi, "MPI_Win_c2f", window));
      mpi.freeWindow(window);
      mpi.freeComm(comm);
      return places;
    });
  }

  /** A handle's number in Fortran, which in MPICH is the handle. */
  private static int place(Mpi mpi, String function, long handle) {
    if (!mpi.library().abi().pointerHandles()) {
      return (int) handle;
    }
    MethodHandle number =
        Linker.nativeLinker()
            .downcallHandle(
                SymbolLookup.libraryLookup(mpi.library().path(), Arena.global())
                    .find(function)
                    .orElseThrow(),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
    try {
      return (int) number.invokeExact(handle);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

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
