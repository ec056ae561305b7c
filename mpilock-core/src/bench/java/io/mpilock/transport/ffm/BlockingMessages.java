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
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * MPI's own MPI_Send and MPI_Recv, which spin until they are done: what frames are measured
 * against. One thread uses it, and nobody else is in MPI at that time.
 */
public final class BlockingMessages {
  private static final int TAG = 0;

  private final MpiAbi abi;
  private final ReentrantLock inside;
  private final long comm;
  private final MethodHandle send;
  private final MethodHandle receive;
  private final MemorySegment buffer;

  /** Makes a communicator. Collective. */
  public BlockingMessages(Communicator world, int capacity) {
    MpiRuntime runtime = ((NativeCommunicator) world).runtime();
    MpiLibrary library = runtime.mpi().library();
    abi = library.abi();
    inside = library.inside();
    comm = runtime.call(() -> runtime.mpi().duplicate(runtime.mpi().world()));
    buffer = Arena.ofAuto().allocate(capacity);
    SymbolLookup symbols = SymbolLookup.libraryLookup(library.path(), Arena.global());
    send = function(symbols, "MPI_Send", 0);
    receive = function(symbols, "MPI_Recv", abi.statusIgnore());
  }

  /** Binds all but buffer, count and rank. */
  private MethodHandle function(SymbolLookup symbols, String name, long statusIgnore) {
    ValueLayout handle = abi.pointerHandles() ? ValueLayout.JAVA_LONG : ValueLayout.JAVA_INT;
    List<ValueLayout> layouts = new ArrayList<>();
    layouts.add(ValueLayout.ADDRESS);
    layouts.add(ValueLayout.JAVA_INT);
    layouts.add(handle);
    layouts.add(ValueLayout.JAVA_INT);
    layouts.add(ValueLayout.JAVA_INT);
    layouts.add(handle);
    List<Object> last = new ArrayList<>(List.of(TAG, asHandle(comm)));
    if (name.equals("MPI_Recv")) {
      layouts.add(ValueLayout.ADDRESS);
      last.add(MemorySegment.ofAddress(statusIgnore));
    }
    MethodHandle all =
        Linker.nativeLinker()
            .downcallHandle(
                symbols.find(name).orElseThrow(),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, layouts.toArray(ValueLayout[]::new)));
    MethodHandle some = MethodHandles.insertArguments(all, 4, last.toArray());
    return MethodHandles.insertArguments(some, 2, asHandle(abi.byteType()));
  }

  private Object asHandle(long value) {
    return abi.pointerHandles() ? (Object) value : (Object) (int) value;
  }

  /** Sends so many bytes. */
  public void send(int rank, int bytes) {
    call(send, rank, bytes);
  }

  /** Waits for so many bytes. */
  public void receive(int rank, int bytes) {
    call(receive, rank, bytes);
  }

  private void call(MethodHandle function, int rank, int bytes) {
    inside.lock();
    try {
      if ((int) function.invokeExact(buffer, bytes, rank) != 0) {
        throw new IllegalStateException("MPI failed");
      }
    } catch (Throwable e) {
      throw Downcalls.failed("MPI_Send or MPI_Recv", e);
    } finally {
      inside.unlock();
    }
  }
}
