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

  private final MpiRuntime runtime;
  private final Mpi.SharedWindow window;
  private final int target;
  private final boolean pointers;
  private final int exclusive;
  private final MethodHandle lock;
  private final MethodHandle unlock;

  /** Makes a window. Collective. */
  public MpiWindowLock(Communicator world) {
    runtime = ((NativeCommunicator) world).runtime();
    Mpi mpi = runtime.mpi();
    pointers = mpi.library().abi().pointerHandles();
    exclusive = pointers ? OPEN_MPI_EXCLUSIVE : MPICH_EXCLUSIVE;
    target = (world.rank() + 1) % world.size();
    window = runtime.call(() -> mpi.allocateShared(mpi.duplicate(mpi.world()), 4096));
    ValueLayout handle = pointers ? ValueLayout.JAVA_LONG : ValueLayout.JAVA_INT;
    SymbolLookup symbols = SymbolLookup.libraryLookup(mpi.library().path(), Arena.global());
    Linker linker = Linker.nativeLinker();
    lock =
        linker.downcallHandle(
            symbol(symbols, "MPI_Win_lock"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                handle));
    unlock =
        linker.downcallHandle(
            symbol(symbols, "MPI_Win_unlock"),
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, handle));
  }

  private static MemorySegment symbol(SymbolLookup symbols, String name) {
    return symbols.find(name).orElseThrow();
  }

  /** Locks and unlocks the neighbour's part, as often as asked. */
  public void pairs(int count) throws Exception {
    try {
      long handle = window.handle();
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
          runtime.mpi().freeWindow(window.handle());
          return true;
        });
  }
}
