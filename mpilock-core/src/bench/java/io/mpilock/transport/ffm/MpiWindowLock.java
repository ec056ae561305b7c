/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.transport.Communicator;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * MPI's own passive-target lock, MPI_Win_lock and MPI_Win_unlock of a neighbour's part of a shared
 * window: what mpilock is measured against. Called by the one thread that calls MPI at that time.
 */
public final class MpiWindowLock implements AutoCloseable {
  private static final int OPEN_MPI_EXCLUSIVE = 1;
  private static final int MPICH_EXCLUSIVE = 234;
  private static final long BYTES = 4096;

  private final MpiRuntime runtime;
  private final Mpi mpi;
  private final SymbolLookup symbols;
  private final ValueLayout handleLayout;
  private final boolean pointers;
  private final int exclusive;
  private final int target;
  private final long window;
  private final MethodHandle lock;
  private final MethodHandle unlock;

  /**
   * Makes a window. Collective.
   *
   * @param shared true for MPI_Win_allocate_shared, false for MPI_Win_allocate: the library takes
   *     different components for them
   */
  public MpiWindowLock(Communicator world, boolean shared) {
    runtime = ((NativeCommunicator) world).runtime();
    mpi = runtime.mpi();
    symbols = SymbolLookup.libraryLookup(mpi.library().path(), Arena.global());
    pointers = mpi.library().abi().pointerHandles();
    handleLayout = pointers ? ValueLayout.JAVA_LONG : ValueLayout.JAVA_INT;
    exclusive = pointers ? OPEN_MPI_EXCLUSIVE : MPICH_EXCLUSIVE;
    target = (world.rank() + 1) % world.size();
    lock =
        function(
            "MPI_Win_lock",
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            handleLayout);
    unlock = function("MPI_Win_unlock", ValueLayout.JAVA_INT, handleLayout);
    window =
        runtime.call(() -> {
          long comm = mpi.duplicate(mpi.world());
          return shared ? mpi.allocateShared(comm, BYTES).handle() : allocate(comm);
        });
  }

  private MethodHandle function(String name, ValueLayout... arguments) {
    return Linker.nativeLinker()
        .downcallHandle(
            symbols.find(name).orElseThrow(),
            FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments));
  }

  private long allocate(long comm) {
    MethodHandle allocate =
        function(
            "MPI_Win_allocate",
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            handleLayout,
            handleLayout,
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment base = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment slot = arena.allocate(ValueLayout.JAVA_LONG);
      Object status =
          allocate.invokeWithArguments(
              BYTES, 1, handle(mpi.library().abi().infoNull()), handle(comm), base, slot);
      if (!status.equals(0)) {
        throw new IllegalStateException("MPI_Win_allocate failed: " + status);
      }
      return pointers ? slot.get(ValueLayout.JAVA_LONG, 0) : slot.get(ValueLayout.JAVA_INT, 0);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private Object handle(long value) {
    return pointers ? (Object) value : (Object) (int) value;
  }

  /** Locks and unlocks the neighbour's part, as often as asked. */
  public void pairs(int count) throws Exception {
    try {
      long handle = window;
      int failures = 0;
      if (pointers) {
        for (int i = 0; i < count; i++) {
          failures += (int) lock.invokeExact(exclusive, target, 0, handle);
          failures += (int) unlock.invokeExact(target, handle);
        }
      } else {
        for (int i = 0; i < count; i++) {
          failures += (int) lock.invokeExact(exclusive, target, 0, (int) handle);
          failures += (int) unlock.invokeExact(target, (int) handle);
        }
      }
      if (failures != 0) {
        throw new IllegalStateException("MPI_Win_lock failed");
      }
    } catch (Exception | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Meets the other ranks inside MPI, where a waiting rank makes progress for the others.
   * Collective.
   */
  public void meet() {
    long[] _ = runtime.call(() -> runtime.mpi().allgather(runtime.mpi().world(), 0L));
  }

  @Override
  public void close() {
    boolean _ =
        runtime.call(() -> {
          runtime.mpi().freeWindow(window);
          return true;
        });
  }
}
