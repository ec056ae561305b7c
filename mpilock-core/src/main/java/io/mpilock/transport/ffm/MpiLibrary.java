/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/**
 * A loaded MPI library.
 *
 * <p>MPI is asked for MPI_THREAD_SERIALIZED, so at most one thread is inside it at any time: who
 * calls it holds {@link #inside}. That the thread which initialises it also finalises it is {@link
 * MpiThread}'s to see to. A collective call keeps the lock until the other ranks come, which is why
 * a {@link SoftBarrier} goes before each.
 *
 * <p>Which library it is turns out at run time and little here is on a lock's path, so the handles
 * are neither static nor, but for {@link PointToPoint}'s, invoked exactly: a call costs some
 * hundred nanoseconds more.
 */
final class MpiLibrary {
  private static final int LONGEST_TEXT = 8192;
  private static final long INT_BYTES = Integer.BYTES;

  private final String path;
  private final String version;
  private final boolean openMpi;
  private final MpiAbi abi;
  private final SymbolLookup symbols;
  private final ReentrantLock inside = new ReentrantLock();
  private final Map<MpiFunction, MethodHandle> functions = new EnumMap<>(MpiFunction.class);

  /**
   * Links the functions.
   *
   * @throws UnsatisfiedLinkError if one is missing
   */
  MpiLibrary(String path, MpiFamily family, String version, boolean openMpi, SymbolLookup symbols) {
    this.path = path;
    this.version = family == MpiFamily.STANDARD_ABI ? version + ", by " + family : version;
    this.openMpi = openMpi;
    this.symbols = symbols;
    abi = family.abi(symbols);
    for (MpiFunction function : MpiFunction.values()) {
      functions.put(function, function.link(symbols, abi.pointerHandles()));
    }
  }

  /** Asks a library what it is, which MPI allows before it is initialised. */
  static String version(SymbolLookup symbols) {
    MethodHandle function = MpiFunction.MPI_Get_library_version.link(symbols, true);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(LONGEST_TEXT);
      int code = (int) function.invokeExact(new Object[] {text, arena.allocate(INT_BYTES)});
      return code == 0 ? text.getString(0).strip() : "";
    } catch (Throwable e) {
      throw Downcalls.failed("MPI_Get_library_version", e);
    }
  }

  String path() {
    return path;
  }

  /** Whether it is Open MPI, by whatever interface. */
  boolean isOpenMpi() {
    return openMpi;
  }

  String version() {
    return version;
  }

  MpiAbi abi() {
    return abi;
  }

  /** Held by whoever is inside MPI. Reentrant, as MPI_Finalize calls back. */
  ReentrantLock inside() {
    return inside;
  }

  /** A handle for calls that allocate nothing; the caller holds {@link #inside} to use it. */
  MethodHandle exactly(MpiFunction function) {
    return function.linkExactly(symbols, abi.pointerHandles());
  }

  /**
   * Calls a function.
   *
   * @throws MpiException if it returns an error
   */
  void call(MpiFunction function, Object... arguments) {
    int code = invoke(function, arguments);
    if (code != 0) {
      String values =
          Arrays.stream(arguments)
              .map(a -> a instanceof MemorySegment ? "…" : a instanceof Long l ? hex(l) : "" + a)
              .collect(Collectors.joining(", ", "(", ")"));
      throw new MpiException(function + values, code, errorText(code));
    }
  }

  private String errorText(int code) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(LONGEST_TEXT);
      int second = invoke(MpiFunction.MPI_Error_string, code, text, arena.allocate(INT_BYTES));
      return second == 0 ? text.getString(0).strip() : "unknown error";
    }
  }

  private int invoke(MpiFunction function, Object... arguments) {
    inside.lock();
    try {
      return (int) Objects.requireNonNull(functions.get(function)).invokeExact(arguments);
    } catch (Throwable e) {
      throw Downcalls.failed(function.name(), e);
    } finally {
      inside.unlock();
    }
  }

  private static String hex(long value) {
    return "0x" + Long.toHexString(value);
  }
}
