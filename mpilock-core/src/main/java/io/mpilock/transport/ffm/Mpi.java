/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * MPI with Java's types, but for {@link PointToPoint}. Every method runs on the {@link MpiThread};
 * errors are {@link MpiException}s. Communicators, windows and requests are handles as {@link
 * MpiAbi} has them.
 */
final class Mpi {
  private static final int LONGEST_NAME = 1024;
  private static final int LONGEST_TEXT = 4096;

  private static final MethodHandle RUN_QUIETLY;

  static {
    try {
      RUN_QUIETLY =
          MethodHandles.lookup()
              .findStatic(
                  Mpi.class, "runQuietly", MethodType.methodType(int.class, Runnable.class));
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final MpiLibrary library;
  private final MpiAbi abi;

  Mpi(MpiLibrary library) {
    this.library = library;
    abi = library.abi();
  }

  /** A window as MPI_Win_allocate_shared made it. */
  record SharedWindow(long handle, long address, long bytes) {}

  MpiLibrary library() {
    return library;
  }

  long world() {
    return abi.commWorld();
  }

  boolean initialized() {
    return intFrom(MpiFunction.MPI_Initialized) != 0;
  }

  boolean finalized() {
    return intFrom(MpiFunction.MPI_Finalized) != 0;
  }

  int threadLevel() {
    return intFrom(MpiFunction.MPI_Query_thread);
  }

  int neededThreadLevel() {
    return abi.threadSerialized();
  }

  int threadMultiple() {
    return abi.threadMultiple();
  }

  /** Initialises MPI and returns the thread level that it gives. */
  int initialize() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment provided = arena.allocate(JAVA_INT);
      library.call(
          MpiFunction.MPI_Init_thread,
          MemorySegment.NULL,
          MemorySegment.NULL,
          abi.threadSerialized(),
          provided);
      return provided.get(JAVA_INT, 0);
    }
  }

  /**
   * Runs a task at the very beginning of MPI_Finalize, whoever calls it: MPI deletes the attributes
   * of MPI_COMM_SELF before anything else (MPI 4.0, section 11.2.4).
   */
  void beforeFinalize(Runnable task) {
    MethodHandle quiet = MethodHandles.insertArguments(RUN_QUIETLY, 0, task);
    Class<?> handle = abi.pointerHandles() ? long.class : int.class;
    MethodHandle delete =
        MethodHandles.dropArguments(
            quiet, 0, handle, int.class, MemorySegment.class, MemorySegment.class);
    MemorySegment stub =
        Linker.nativeLinker()
            .upcallStub(
                delete,
                FunctionDescriptor.of(
                    JAVA_INT,
                    abi.pointerHandles() ? JAVA_LONG : JAVA_INT,
                    JAVA_INT,
                    ADDRESS,
                    ADDRESS),
                Arena.global());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocate(JAVA_INT);
      library.call(
          MpiFunction.MPI_Comm_create_keyval,
          MemorySegment.ofAddress(abi.nullCopy()),
          stub,
          key,
          MemorySegment.NULL);
      library.call(
          MpiFunction.MPI_Comm_set_attr, abi.commSelf(), key.get(JAVA_INT, 0), MemorySegment.NULL);
    }
  }

  /** Whatever leaves an upcall ends the JVM, an Error too, and one of the log's. */
  @SuppressWarnings("UnusedMethod") // by its handle
  static int runQuietly(Runnable task) {
    try {
      task.run();
    } catch (Throwable e) {
      try {
        System.getLogger("io.mpilock").log(System.Logger.Level.WARNING, "At MPI_Finalize", e);
      } catch (Throwable untold) {
        // MPI ends all the same.
      }
    }
    return 0; // MPI_SUCCESS
  }

  void shutDown() {
    library.call(MpiFunction.MPI_Finalize);
  }

  void abort(int status) {
    library.call(MpiFunction.MPI_Abort, abi.commWorld(), status);
  }

  String processorName() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(LONGEST_NAME);
      library.call(MpiFunction.MPI_Get_processor_name, name, arena.allocate(JAVA_INT));
      return name.getString(0);
    }
  }

  int rank(long comm) {
    return intFrom(MpiFunction.MPI_Comm_rank, comm);
  }

  int size(long comm) {
    return intFrom(MpiFunction.MPI_Comm_size, comm);
  }

  long duplicate(long comm) {
    return newComm(MpiFunction.MPI_Comm_dup, comm);
  }

  long split(long comm, int color, int key) {
    return newComm(MpiFunction.MPI_Comm_split, comm, color, key);
  }

  long splitByNode(long comm) {
    return newComm(
        MpiFunction.MPI_Comm_split_type, comm, abi.commTypeShared(), rank(comm), abi.infoNull());
  }

  void returnErrors(long comm) {
    library.call(MpiFunction.MPI_Comm_set_errhandler, comm, abi.errorsReturn());
  }

  void freeComm(long comm) {
    freeHandle(MpiFunction.MPI_Comm_free, comm);
  }

  /** Collects as many bytes from each rank, in rank order. */
  byte[] allgather(long comm, byte[] mine) {
    try (Arena arena = Arena.ofConfined()) {
      long total = (long) mine.length * size(comm);
      MemorySegment all = arena.allocate(total);
      library.call(
          MpiFunction.MPI_Allgather,
          arena.allocateFrom(JAVA_BYTE, mine),
          mine.length,
          abi.byteType(),
          all,
          mine.length,
          abi.byteType(),
          comm);
      return all.toArray(JAVA_BYTE);
    }
  }

  /** Collects a number from each rank, in rank order. */
  long[] allgather(long comm, long mine) {
    byte[] bytes = new byte[Long.BYTES];
    MemorySegment.ofArray(bytes).set(JAVA_LONG_UNALIGNED, 0, mine);
    return MemorySegment.ofArray(allgather(comm, bytes)).toArray(JAVA_LONG_UNALIGNED);
  }

  /** Collects a text from each rank, in rank order; of a long one only the beginning. */
  String[] texts(long comm, String mine) {
    byte[] bytes = mine.getBytes(StandardCharsets.UTF_8);
    byte[] all =
        allgather(
            comm, Arrays.copyOf(bytes, LONGEST_TEXT)); // a path, of which a kernel takes no more
    String[] texts = new String[all.length / LONGEST_TEXT];
    for (int rank = 0; rank < texts.length; rank++) {
      int from = rank * LONGEST_TEXT;
      int to = from;
      while (to < from + LONGEST_TEXT && all[to] != 0) {
        to++;
      }
      texts[rank] = new String(all, from, to - from, StandardCharsets.UTF_8);
    }
    return texts;
  }

  /** What the lowest rank says. */
  String firstText(long comm, String mine) {
    return texts(comm, mine)[0];
  }

  /** Starts a barrier; the request is for {@link #test} and must live until that is true. */
  void startBarrier(long comm, MemorySegment request) {
    library.call(MpiFunction.MPI_Ibarrier, comm, request);
  }

  boolean test(MemorySegment request) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment done = arena.allocate(JAVA_INT);
      library.call(
          MpiFunction.MPI_Test, request, done, MemorySegment.ofAddress(abi.statusIgnore()));
      return done.get(JAVA_INT, 0) != 0;
    }
  }

  /** Allocates this rank's part and finds where the whole begins here. */
  SharedWindow allocateShared(long comm, long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment base = arena.allocate(JAVA_LONG);
      MemorySegment handle = arena.allocate(JAVA_LONG);
      library.call(
          MpiFunction.MPI_Win_allocate_shared, bytes, 1, abi.infoNull(), comm, base, handle);
      long window = handle(handle);
      // A window's errors end the job unless it says otherwise.
      library.call(MpiFunction.MPI_Win_set_errhandler, window, abi.errorsReturn());
      MemorySegment size = arena.allocate(JAVA_LONG);
      library.call(
          MpiFunction.MPI_Win_shared_query, window, 0, size, arena.allocate(JAVA_INT), base);
      return new SharedWindow(window, base.get(JAVA_LONG, 0), size.get(JAVA_LONG, 0));
    }
  }

  void freeWindow(long window) {
    freeHandle(MpiFunction.MPI_Win_free, window);
  }

  private long newComm(MpiFunction function, Object... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(JAVA_LONG);
      Object[] all = Arrays.copyOf(arguments, arguments.length + 1);
      all[arguments.length] = slot;
      library.call(function, all);
      long comm = handle(slot);
      returnErrors(comm);
      return comm;
    }
  }

  private void freeHandle(MpiFunction function, long handle) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(JAVA_LONG);
      if (abi.pointerHandles()) {
        slot.set(JAVA_LONG, 0, handle);
      } else {
        slot.set(JAVA_INT, 0, (int) handle);
      }
      library.call(function, slot);
    }
  }

  private long handle(MemorySegment slot) {
    return abi.pointerHandles() ? slot.get(JAVA_LONG, 0) : slot.get(JAVA_INT, 0);
  }

  private int intFrom(MpiFunction function, Object... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(JAVA_INT);
      Object[] all = Arrays.copyOf(arguments, arguments.length + 1);
      all[arguments.length] = slot;
      library.call(function, all);
      return slot.get(JAVA_INT, 0);
    }
  }
}
