package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.mpilock.transport.NodeWindow;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
final class NativeWindow implements NodeWindow {
  private static final VarHandle WORD = JAVA_LONG.varHandle();

  /** Where the kernel finds a word's low 32 bits. */
  private static final long LOW_HALF = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? 0 : 4;

  /** A sleeping thread looks for an interrupt, and for the end of the window, this often. */
  private static final long SLICE_NANOS = 20_000_000;

  private static final long FIRST_PARK_NANOS = 50_000;
  private static final long LONGEST_PARK_NANOS = 1_000_000;

  private final MpiRuntime runtime;
  private final WindowMemory memory;
  private final Arena arena = Arena.ofShared();
  private final AtomicBoolean freed = new AtomicBoolean();
  private final MemorySegment segment;
  private final long address;
  private final long words;

  NativeWindow(MpiRuntime runtime, WindowMemory memory) {
    this.runtime = runtime;
    this.memory = memory;
    address = memory.address();
    words = memory.words();
    segment = MemorySegment.ofAddress(address).reinterpret(words * Long.BYTES, arena, null);
  }

  @Override
  public NodeWindow view() {
    long _ = get(0); // looks whether the window is still there
    NativeWindow view = new NativeWindow(runtime, memory);
    runtime.opened(view);
    return view;
  }

  WindowMemory memory() {
    return memory;
  }

  @Override
  public long words() {
    return words;
  }

  @Override
  public long get(long index) {
    return (long) WORD.getVolatile(segment, offset(index));
  }

  @Override
  public void set(long index, long value) {
    WORD.setVolatile(segment, offset(index), value);
  }

  @Override
  public void setRelease(long index, long value) {
    WORD.setRelease(segment, offset(index), value);
  }

  @Override
  public long getAndAdd(long index, long delta) {
    return (long) WORD.getAndAdd(segment, offset(index), delta);
  }

  @Override
  public boolean compareAndSet(long index, long expected, long value) {
    return WORD.compareAndSet(segment, offset(index), expected, value);
  }

  @Override
  public void putBytes(long index, byte[] source, int offset, int length) {
    MemorySegment.copy(source, offset, segment, JAVA_BYTE, offset(index), length);
  }

  @Override
  public void getBytes(long index, byte[] target, int offset, int length) {
    MemorySegment.copy(segment, JAVA_BYTE, offset(index), target, offset, length);
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
        futex = Futex.await(address + offset(index) + LOW_HALF, low32, Math.min(left, SLICE_NANOS));
      } else {
        LockSupport.parkNanos(this, Math.min(left, park));
        park = Math.min(park * 2, LONGEST_PARK_NANOS);
      }
      left = deadline - System.nanoTime();
    }
  }

  @Override
  public void wake(long index) {
    // Looks whether the window is still there; a stale address would do no harm, only no good.
    long _ = get(index);
    if (Futex.isSupported()) {
      Futex.wake(address + offset(index) + LOW_HALF);
    }
  }

  @Override
  public void free() {
    if (freed.compareAndSet(false, true)) {
      arena.close();
      runtime.done(this);
    }
  }

  private long offset(long index) {
    return Objects.checkIndex(index, words) * Long.BYTES; // or a large index would wrap around
  }
}
