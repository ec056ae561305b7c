package io.mpilock.transport.ffm;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.Communicator;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Makes windows. On the {@link MpiThread}, when all ranks are there. */
final class WindowAllocator {

  /** Where both MPI libraries put shared memory on Linux. */
  private static final Path BACKING = Path.of("/dev/shm");

  /** Two cache lines, which the processor fetches together; MPI promises less. */
  private static final long ALIGNMENT = 128;

  private final Mpi mpi;
  private final long bytesPerRank;

  WindowAllocator(Mpi mpi, long wordsPerRank) {
    this.mpi = mpi;
    if (wordsPerRank < 1) {
      throw new IllegalArgumentException("a window needs words, not " + wordsPerRank);
    }
    bytesPerRank = Math.multiplyExact(wordsPerRank, (long) Long.BYTES);
  }

  WindowMemory allocate(Group all, Group node) {
    long bytes = Math.multiplyExact(bytesPerRank, (long) node.size());
    long room = node.rank() == 0 ? room() : Long.MAX_VALUE;
    // All ranks hear of it, or some would wait in MPI for those that threw.
    long least = Arrays.stream(mpi.allgather(all.comm(), room - bytes)).min().orElse(0);
    if (least < 0) {
      throw noWindow(
          bytes, BACKING + " of a node lacks " + megabytes(-least) + " of free space.", null);
    }
    Mpi.SharedWindow shared;
    try {
      shared = mpi.allocateShared(node.comm(), bytesPerRank + (node.rank() == 0 ? ALIGNMENT : 0));
    } catch (MpiException e) {
      throw noWindow(bytes, e.getMessage() + ".", e);
    }
    long shift = -shared.address() & (ALIGNMENT - 1);
    long words = bytes / Long.BYTES;
    WindowMemory memory = new WindowMemory(shared.handle(), node, shared.address() + shift, words);
    if (node.rank() == 0) {
      zero(memory);
    }
    // Also the barrier that shows the zeroes to the others.
    long[] shifts = mpi.allgather(node.comm(), shift);
    if (Arrays.stream(shifts).anyMatch(other -> other != shift)) {
      throw noWindow(
          bytes, "The ranks see it at different alignments: " + Arrays.toString(shifts), null);
    }
    return memory;
  }

  private static void zero(WindowMemory memory) {
    long words = Math.min(memory.words(), Communicator.ZEROED_WORDS);
    var _ =
        MemorySegment.ofAddress(memory.address()).reinterpret(words * Long.BYTES).fill((byte) 0);
  }

  /** What is free now. A window is sparse: without the room, using it later would be a SIGBUS. */
  private static long room() {
    try {
      return Files.isDirectory(BACKING)
          ? Files.getFileStore(BACKING).getUsableSpace()
          : Long.MAX_VALUE;
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
  }

  private StartupException noWindow(long bytes, String reason, @Nullable Throwable cause) {
    return new StartupException(
        Problem.NO_WINDOW,
        "A shared window of "
            + megabytes(bytes)
            + " ("
            + megabytes(bytesPerRank)
            + " per rank of the node) could not be allocated: "
            + reason,
        "Set a smaller mpilock.window-size, or make "
            + BACKING
            + " larger (for a container: --shm-size).",
        cause);
  }

  private static String megabytes(long bytes) {
    return bytes < 10 << 20 ? (bytes + 1023) / 1024 + " KiB" : (bytes >> 20) + " MiB";
  }
}
