/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.mpilock.failure.StartupException;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Launcher;
import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.TransportSettings;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** A rank that initialises MPI itself, on its own thread, as an application with bindings does. */
public final class ApplicationMpiScenario {

  private ApplicationMpiScenario() {}

  /**
   * Runs a rank.
   *
   * @param args {@code single} to initialise MPI without threads
   */
  public static void main(String[] args) {
    TransportSettings settings =
        new TransportSettings(
            Launcher.detect(System.getenv()).orElseThrow(), null, Duration.ofSeconds(30));
    MpiLibrary library = LibraryFinder.find(settings);
    Mpi mpi = new Mpi(library);
    if (args.length > 0) {
      try (Arena arena = Arena.ofConfined()) {
        library.call(
            MpiFunction.MPI_Init_thread,
            MemorySegment.NULL,
            MemorySegment.NULL,
            0,
            arena.allocate(JAVA_INT));
      }
      refused(settings);
    } else {
      int _ = mpi.initialize();
      for (int i = 0; i < 2; i++) {
        try (Communicator world = new NativeTransport().world(settings)) {
          NodeWindow window = world.allocate(64);
          window.getAndAdd(16, 1);
          window.free();
        }
        if (mpi.finalized()) {
          throw new AssertionError("finalised what the application initialised");
        }
      }
      System.out.println("used twice");
    }
    mpi.shutDown();
    if (args.length == 0) {
      refused(settings);
    }
  }

  private static void refused(TransportSettings settings) {
    try {
      new NativeTransport().world(settings);
      throw new AssertionError("not refused");
    } catch (StartupException e) {
      System.out.println("refused " + e.problem() + ": " + e.getMessage());
    }
  }
}
