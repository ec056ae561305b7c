package io.mpilock.transport.ffm;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.Communicator;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes windows. On the {@link MpiThread}, when all ranks are there. */
final class WindowAllocator {

  /** Where both MPI libraries put shared memory on Linux. */
  private static final Path BACKING = Path.of("/dev/shm");

  private final Mpi mpi;
  private final long bytesPerRank;

  WindowAllocator(Mpi mpi, long wordsPerRank) {
    this.mpi = mpi;
    if (wordsPerRank < 1) {
      throw new IllegalArgumentException("a window needs words, not " + wordsPerRank);
    }
    bytesPerRank = Math.multiplyExact(wordsPerRank, (long) Long.BYTES);
  }

  /**
   * Gives a window that all ranks of the node have done with, or makes one.
   *
   * @param pool the windows that these ranks made before, in the order of making, which is the same
   *     on all of them
   */
  WindowMemory allocate(Group all, Group node, List<WindowMemory> pool) {
    long words = Math.multiplyExact(bytesPerRank, (long) node.size()) / Long.BYTES;
    int idle = node.rank() == 0 ? idle(pool, words) : -1;
    // The lowest rank chooses: another may see a window idle that was not when it looked.
    int chosen = (int) mpi.allgather(node.comm(), (long) idle)[0];
    // Each node chooses for itself, so this is before the choice: all ranks are in all's calls.
    checkRoom(all, words * Long.BYTES, chosen < 0 && node.rank() == 0);
    WindowMemory memory;
    if (chosen >= 0) {
      memory = pool.get(chosen);
      if (node.rank() == 0) {
        memory.resetDone();
      }
    } else {
      memory = make(node, words);
      pool.add(memory);
    }
    if (node.rank() == 0) {
      zero(memory);
    }
    mpi.allgather(node.comm(), 0L); // a barrier, behind which all see the zeroes
    return memory;
  }

  private static int idle(List<WindowMemory> pool, long words) {
    for (int i = 0; i < pool.size(); i++) {
      if (pool.get(i).words() == words && pool.get(i).isIdle()) {
        return i;
      }
    }
    return -1;
  }

  /** All ranks of all nodes hear of it, or some would wait in MPI for those that threw. */
  private void checkRoom(Group all, long bytes, boolean look) {
    long room = look ? room() : Long.MAX_VALUE;
    long least = Arrays.stream(mpi.allgather(all.comm(), room - bytes)).min().orElse(0);
    if (least < 0) {
      throw noWindow(
          bytes, BACKING + " of a node lacks " + megabytes(-least) + " of free space.", null);
    }
  }

  private WindowMemory make(Group node, long words) {
    long bytes = words * Long.BYTES;
    long extra =
        node.rank() == 0 ? 2 * WindowMemory.ALIGNMENT : 0; // to align, and the control line
    Mpi.SharedWindow shared;
    try {
      shared = mpi.allocateShared(node.comm(), bytesPerRank + extra);
    } catch (MpiException e) {
      throw noWindow(bytes, e.getMessage() + ".", e);
    }
    long shift = -shared.address() & (WindowMemory.ALIGNMENT - 1);
    long[] shifts = mpi.allgather(node.comm(), shift);
    if (Arrays.stream(shifts).anyMatch(other -> other != shift)) {
      throw noWindow(
          bytes, "The ranks see it at different alignments: " + Arrays.toString(shifts), null);
    }
    WindowMemory memory = new WindowMemory(shared.handle(), node, shared.address() + shift, words);
    if (node.rank() == 0) {
      memory.resetDone();
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
