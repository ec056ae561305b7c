/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Linux's futex on memory that processes share: a thread sleeps in the kernel until another process
 * wakes it. Addresses are raw, so that a sleeper does not keep a window from being closed: the
 * kernel answers EFAULT for memory that is gone.
 */
final class Futex {
  private static final long WAIT = 0;
  private static final long WAKE = 1;

  private static final int EINTR = 4;
  private static final int EAGAIN = 11;
  private static final int ETIMEDOUT = 110;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = CALL_STATE.varHandle(PathElement.groupElement("errno"));

  /** Static and final, so that the compiler folds it into a direct call. */
  private static final @Nullable MethodHandle SYSCALL = link();

  private static final long NUMBER = number();

  private Futex() {}

  /** Whether this operating system and processor have it. */
  static boolean isSupported() {
    return SYSCALL != null;
  }

  /**
   * Sleeps while the 32 bits at an address have a value.
   *
   * @return false if the kernel refused, so that the caller must sleep in another way
   */
  static boolean await(long address, int value, long nanos) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment timeout = arena.allocate(JAVA_LONG, 2);
      timeout.setAtIndex(JAVA_LONG, 0, nanos / NANOS_PER_SECOND);
      timeout.setAtIndex(JAVA_LONG, 1, nanos % NANOS_PER_SECOND);
      MemorySegment state = arena.allocate(CALL_STATE);
      if (call(state, address, WAIT, value, timeout) >= 0) {
        return true;
      }
      int errno = (int) ERRNO.get(state, 0L);
      return errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR;
    }
  }

  /** Wakes everyone who sleeps on an address. */
  static void wake(long address) {
    try (Arena arena = Arena.ofConfined()) {
      var _ =
          call(arena.allocate(CALL_STATE), address, WAKE, Integer.MAX_VALUE, MemorySegment.NULL);
    }
  }

  private static long call(
      MemorySegment state, long address, long operation, int value, MemorySegment timeout) {
    MethodHandle syscall = SYSCALL;
    if (syscall == null) {
      return -1;
    }
    try {
      return (long)
          syscall.invokeExact(state, NUMBER, address, operation, (long) value, timeout.address());
    } catch (Throwable e) {
      throw Downcalls.failed("futex", e);
    }
  }

  /** The number of the system call here, or -1. */
  private static long number() {
    if (!System.getProperty("os.name", "").equals("Linux")) {
      return -1;
    }
    return Map.of("amd64", 202L, "aarch64", 98L, "riscv64", 98L, "ppc64le", 221L, "s390x", 238L)
        .getOrDefault(System.getProperty("os.arch", ""), -1L);
  }

  private static @Nullable MethodHandle link() {
    if (number() < 0) {
      return null;
    }
    Linker linker = Linker.nativeLinker();
    FunctionDescriptor type =
        FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    return linker
        .defaultLookup()
        .find("syscall")
        .map(address ->
            linker.downcallHandle(
                address,
                type,
                Linker.Option.firstVariadicArg(1),
                Linker.Option.captureCallState("errno")))
        .orElse(null);
  }
}
