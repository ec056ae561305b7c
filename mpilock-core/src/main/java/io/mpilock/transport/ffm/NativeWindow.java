/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.mpilock.transport.NodeWindow;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Words in memory that MPI_Win_allocate_shared gave, operated on by the processor: no MPI call
 * here.
 *
 * <p>The segment belongs to an arena of its own. Closing that ends every access with an exception,
 * on all threads, before the memory is used again or MPI takes it away.
 */
abstract class NativeWindow implements NodeWindow {
  static final VarHandle WORD = JAVA_LONG.varHandle();

  /** Where the kernel finds a word's low 32 bits. */
  private static final long LOW_HALF = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? 0 : 4;

  /** A sleeping thread looks for an interrupt, and for the end of the window, this often. */
  private static final long SLICE_NANOS = 250_000_000;

  private static final long FIRST_PARK_NANOS = 50_000;
  private static final long LONGEST_PARK_NANOS = 1_000_000;

  private final MpiRuntime runtime;
  private final WindowMemory memory;
  private final Arena arena;
  private final AtomicBoolean freed = new AtomicBoolean();

  NativeWindow(MpiRuntime runtime, WindowMemory memory, Arena arena) {
    this.runtime = runtime;
    this.memory = memory;
    this.arena = arena;
  }

  /**
   * Opens a window.
   *
   * @param constant whether it gets a class of its own; see {@link NativeWords}
   */
  static NativeWindow of(MpiRuntime runtime, WindowMemory memory, boolean constant) {
    Arena arena = Arena.ofShared();
    MemorySegment segment = // with a word more, which nobody touches: see NativeWords
        MemorySegment.ofAddress(memory.address())
            .reinterpret((memory.words() + 1) * Long.BYTES, arena, null);
    if (!constant) {
      return new NativeWords(runtime, memory, arena, segment);
    }
    try (InputStream template =
        Objects.requireNonNull(
            NativeWindow.class.getResourceAsStream("NativeWords.class"), "NativeWords.class")) {
      MethodHandles.Lookup own =
          MethodHandles.lookup()
              .defineHiddenClassWithClassData(template.readAllBytes(), segment, true);
      MethodType parts =
          MethodType.methodType(
              void.class, MpiRuntime.class, WindowMemory.class, Arena.class, MemorySegment.class);
      return (NativeWindow)
          own.findConstructor(own.lookupClass(), parts).invoke(runtime, memory, arena, segment);
    } catch (Throwable e) {
      throw new IllegalStateException("A window's class could not be created", e);
    }
  }

  @Override
  public NodeWindow view() {
    long _ = get(0); // looks whether the window is still there
    NativeWindow view = of(runtime, memory, false);
    runtime.opened(view);
    return view;
  }

  WindowMemory memory() {
    return memory;
  }

  @Override
  public void sleepWhile(long index, int low32, long nanos) {
    Thread self = Thread.currentThread();
    // The kernel would put a virtual thread's carrier to sleep with it.
    boolean futex = Futex.isSupported() && !self.isVirtual();
    long deadline = System.nanoTime() + nanos;
    long park = FIRST_PARK_NANOS;
    long left = nanos;
    while ((int) get(index) == low32 && left > 0 && !self.isInterrupted()) {
      if (futex) {
        futex = Futex.await(address(index), low32, Math.min(left, SLICE_NANOS));
      } else {
        LockSupport.parkNanos(this, Math.min(left, park));
        park = Math.min(park * 2, LONGEST_PARK_NANOS);
      }
      left = deadline - System.nanoTime();
    }
  }

  @Override
  public boolean holdsCarrier() {
    return Futex.isSupported();
  }

  @Override
  public void wake(long index) {
    // Looks whether the window is still there; a stale address would do no harm, only no good.
    long _ = get(index);
    if (Futex.isSupported()) {
      Futex.wake(address(index));
    }
  }

  @Override
  public void free() {
    if (freed.compareAndSet(false, true)) {
      arena.close();
      runtime.done(this);
    }
  }

  private long address(long index) {
    return memory.address() + index * Long.BYTES + LOW_HALF;
  }
}
