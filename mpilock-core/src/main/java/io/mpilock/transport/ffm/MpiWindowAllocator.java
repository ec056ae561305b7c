/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.SharedMemory;
import io.mpilock.transport.WindowFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes windows. On the {@link MpiThread}, when all ranks are there.
 *
 * <p>A window has its memory from the start: each rank writes its own part once, in a way that
 * fails where there is no room. All ranks of all nodes hear of a failure on any.
 */
final class MpiWindowAllocator {

  /** What a window needs beside its words: to be aligned, and the control line. */
  private static final long EXTRA_BYTES = 2 * WindowMemory.ALIGNMENT;

  /** A buffer of Java's holds no more than 2 GiB. */
  private static final long LARGEST_PIECE = 1L << 30;

  private final Mpi mpi;
  private final Roster roster;
  private final long least;
  private final long most;

  /**
   * Makes windows of a size.
   *
   * @param least the fewest words that each rank adds
   * @param most the most words that each rank adds; what the node has decides
   */
  MpiWindowAllocator(Mpi mpi, Roster roster, long least, long most) {
    this.mpi = mpi;
    this.roster = roster;
    this.least = least;
    this.most = most;
    if (least < 1 || most < least) {
      throw new IllegalArgumentException(
          "a window needs words, not " + (least < 1 ? least : least + " to " + most));
    }
    long _ = Math.multiplyExact(most, (long) Long.BYTES);
  }

  /**
   * Gives a window that all ranks of the node have done with, or makes one.
   *
   * @param pool the windows that these ranks made before, in the order of making, which is the same
   *     on all of them
   */
  WindowMemory allocate(MpiGroup all, MpiGroup node, List<WindowMemory> pool) {
    boolean first = node.rank() == 0;
    long _ = Math.multiplyExact(most, (long) Long.BYTES * node.size());
    int idle = first ? idle(pool, least * node.size(), most * node.size()) : -1;
    // The lowest rank chooses: another may see a window idle that was not when it looked.
    int chosen = (int) mpi.allgather(node.comm(), (long) idle)[0];
    long perRank =
        chosen >= 0 ? 0 : least == most ? least : agreed(node, first ? suitable(node) : 0);
    // Each node chooses for itself, so this is before the choice: all ranks are in all's calls.
    checkRoom(all, perRank * Long.BYTES * node.size(), chosen < 0 && first);
    WindowMemory memory;
    if (chosen >= 0) {
      memory = pool.get(chosen);
      if (first) {
        memory.resetDone();
      }
      checkMade(all, null);
    } else {
      memory = roster.isJoined() ? map(all, node, perRank) : make(all, node, perRank);
      pool.add(memory);
    }
    if (first) {
      zero(memory);
    }
    mpi.allgather(node.comm(), 0L); // a barrier, behind which all see the zeroes
    return memory;
  }

  private static int idle(List<WindowMemory> pool, long leastWords, long mostWords) {
    for (int i = 0; i < pool.size(); i++) {
      long words = pool.get(i).words();
      if (words >= leastWords && words <= mostWords && pool.get(i).isIdle()) {
        return i;
      }
    }
    return -1;
  }

  private long suitable(MpiGroup node) {
    return SharedMemory.wordsPerRank(node.size(), least, most);
  }

  /** What the lowest rank of the node says: another would see other room. */
  private long agreed(MpiGroup node, long mine) {
    return mpi.allgather(node.comm(), mine)[0];
  }

  /** All ranks of all nodes hear of it, or some would wait in MPI for those that threw. */
  private void checkRoom(MpiGroup all, long bytes, boolean look) {
    long room = look ? room() : Long.MAX_VALUE;
    long missing = Arrays.stream(mpi.allgather(all.comm(), room - bytes)).min().orElse(0);
    if (missing < 0) {
      throw noWindow(
          "%s of a node lacks %s of free space."
              .formatted(SharedMemory.directory(), megabytes(-missing)),
          null);
    }
  }

  private WindowMemory make(MpiGroup all, MpiGroup node, long perRank) {
    long bytesPerRank = perRank * Long.BYTES;
    Mpi.SharedWindow shared;
    try {
      shared = mpi.allocateShared(node.comm(), bytesPerRank + (node.rank() == 0 ? EXTRA_BYTES : 0));
    } catch (MpiException e) {
      checkMade(all, e.getMessage());
      throw noWindow(e.getMessage() + ".", e);
    }
    long shift = -shared.address() & (WindowMemory.ALIGNMENT - 1);
    long[] shifts = mpi.allgather(node.comm(), shift);
    boolean aligned = Arrays.stream(shifts).allMatch(other -> other == shift);
    try {
      checkMade(
          all,
          aligned
              ? reserve(shared.address(), bytesPerRank, node)
              : "the ranks see it at different alignments: " + Arrays.toString(shifts));
    } catch (StartupException e) {
      mpi.freeWindow(shared.handle());
      throw e;
    }
    WindowMemory memory =
        new WindowMemory(
            () -> mpi.freeWindow(shared.handle()),
            node,
            shared.address() + shift,
            perRank * node.size());
    if (node.rank() == 0) {
      memory.resetDone();
    }
    return memory;
  }

  /**
   * Makes a window of a file: for ranks that share memory, and that MPI takes for ranks of
   * different nodes. Its first try is without a name, which leaves nothing behind whenever a rank
   * is killed.
   */
  private WindowMemory map(MpiGroup all, MpiGroup node, long perRank) {
    Attempt attempt = roster.seesProcesses() ? map(node, perRank, true) : null;
    // Only on the node: another one may take a window from its pool, without this.
    if (attempt != null && !allHave(node, attempt)) {
      attempt.undo();
      attempt = null;
    }
    if (attempt == null) {
      attempt = map(node, perRank, false);
    }
    try {
      checkMade(all, attempt.failure());
    } catch (StartupException e) {
      attempt.undo();
      throw e;
    }
    return Objects.requireNonNull(attempt.memory());
  }

  private boolean allHave(MpiGroup node, Attempt attempt) {
    long[] made = mpi.allgather(node.comm(), attempt.memory() == null ? 0L : 1L);
    return Arrays.stream(made).allMatch(one -> one == 1);
  }

  /** What came of an attempt to map a file: one of both is null. */
  private record Attempt(@Nullable WindowMemory memory, @Nullable String failure) {
    void undo() {
      if (memory != null) {
        memory.release().run();
      }
    }
  }

  private Attempt map(MpiGroup node, long perRank, boolean nameless) {
    long words = perRank * node.size();
    long bytes = words * Long.BYTES + EXTRA_BYTES;
    WindowFile file = null;
    String failure = null;
    try {
      file = node.rank() == 0 ? WindowFile.create(bytes, nameless) : null;
    } catch (IOException | RuntimeException e) {
      failure = "a file for it could not be made (" + e + ")";
    }
    Arena arena = Arena.ofShared();
    MemorySegment mapped = null;
    try {
      String path = mpi.firstText(node.comm(), file == null ? "" : file.path().toString());
      if (!path.isEmpty()) {
        try (FileChannel channel = WindowFile.open(path, bytes)) {
          mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
        } catch (IOException | RuntimeException e) {
          failure = "its file could not be mapped (" + e + ")";
        }
      }
      mpi.allgather(node.comm(), 0L); // a barrier, behind which all have opened it
    } finally {
      if (mapped == null) {
        arena.close();
      }
      if (file != null) {
        file.close();
      }
    }
    if (mapped == null) {
      return new Attempt(
          null, failure == null ? "the lowest rank of its node could make no file" : failure);
    }
    return new Attempt(new WindowMemory(arena::close, node, mapped.address(), words), null);
  }

  /** Makes sure of this rank's part of the whole; says why not, if it cannot. */
  private static @Nullable String reserve(long base, long bytesPerRank, MpiGroup node) {
    long from = base + bytesPerRank * node.rank() + (node.rank() == 0 ? 0 : EXTRA_BYTES);
    long to = base + bytesPerRank * (node.rank() + 1) + EXTRA_BYTES;
    try {
      for (long at = from; at < to; at += LARGEST_PIECE) {
        SharedMemory.reserve(
            MemorySegment.ofAddress(at)
                .reinterpret(Math.min(LARGEST_PIECE, to - at))
                .asByteBuffer());
      }
      return null;
    } catch (IOException e) {
      return "there is no room for it in " + SharedMemory.directory() + " any more (" + e + ")";
    }
  }

  /** Whether all ranks of all nodes have what they need. */
  private void checkMade(MpiGroup all, @Nullable String failure) {
    long[] made = mpi.allgather(all.comm(), failure == null ? 1L : 0L);
    for (int rank = 0; rank < made.length; rank++) {
      if (made[rank] == 0) {
        throw noWindow(
            "on rank %d%s."
                .formatted(rank, failure == null ? ", whose output says why" : " " + failure),
            null);
      }
    }
  }

  private static void zero(WindowMemory memory) {
    long words = Math.min(memory.words(), Communicator.ZEROED_WORDS);
    var _ =
        MemorySegment.ofAddress(memory.address()).reinterpret(words * Long.BYTES).fill((byte) 0);
  }

  /** What is free now, as far as it can be known. */
  private static long room() {
    try {
      return SharedMemory.free();
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
  }

  private StartupException noWindow(String reason, @Nullable Throwable cause) {
    return new StartupException(
        Problem.NO_WINDOW,
        "A shared window of "
            + size()
            + " for each rank of the node could not be allocated: "
            + reason,
        "Set a smaller mpilock.window-size, or make "
            + SharedMemory.directory()
            + " larger (for a container: --shm-size).",
        cause);
  }

  private String size() {
    long bytes = least * Long.BYTES;
    return (least == most ? "" : "at least ") + megabytes(bytes);
  }

  private static String megabytes(long bytes) {
    return bytes < 10 << 20 ? (bytes + 1023) / 1024 + " KiB" : (bytes >> 20) + " MiB";
  }
}
