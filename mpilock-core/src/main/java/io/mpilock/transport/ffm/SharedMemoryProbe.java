/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.mpilock.transport.WindowFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Finds out which ranks share memory though MPI says that they are on different nodes. Ranks of one
 * place (host name and boot of its kernel) try it: one makes a file that is the user's alone, all
 * map it, each writes a random number into its word, and all look whether they see what each says
 * that it wrote. Whoever shares no memory with that one tries it with the next. All ranks compute
 * the same from the same answers. On the {@link MpiThread}; collective.
 *
 * <p>What MPI says is one node stays one, and is joined to others only as a whole.
 */
final class SharedMemoryProbe {
  private static final VarHandle WORD = JAVA_LONG.varHandle();

  /** Of a rank that does not take part, or could not. */
  private static final long NONE = 0;

  private final Mpi mpi;
  private final long comm;
  private final int self;
  private final List<String> places;
  private final long[] leaders;
  private boolean apart;

  /**
   * Begins.
   *
   * @param places where each rank is; empty if it cannot be told
   * @param leaders the lowest rank of each rank's node, as MPI has it; changed here
   */
  SharedMemoryProbe(Mpi mpi, long comm, List<String> places, long[] leaders) {
    this.mpi = mpi;
    this.comm = comm;
    self = mpi.rank(comm);
    this.places = places;
    this.leaders = leaders;
  }

  /** The lowest rank of each rank's node. Where MPI is right, no message is sent. */
  long[] find() {
    List<List<Integer>> open = candidates();
    apart = !open.isEmpty();
    while (!open.isEmpty()) {
      List<Integer> mine =
          open.stream().filter(group -> group.contains(self)).findFirst().orElse(List.of());
      long[] sharing = tryOut(mine);
      List<List<Integer>> left = new ArrayList<>();
      for (List<Integer> group : open) {
        List<Integer> found = group.stream().filter(rank -> sharing[rank] != NONE).toList();
        join(found);
        List<Integer> others = new ArrayList<>(group.subList(1, group.size())); // fewer each time
        others.removeAll(found);
        if (others.size() > 1) {
          left.add(others);
        }
      }
      open = left;
    }
    return leaders;
  }

  /** Whether MPI takes the ranks of some place for several nodes. After {@link #find}. */
  boolean sawApart() {
    return apart;
  }

  /** The ranks of each place that MPI takes for several nodes. */
  private List<List<Integer>> candidates() {
    Map<String, List<Integer>> byPlace = new LinkedHashMap<>();
    for (int rank = 0; rank < places.size(); rank++) {
      if (!places.get(rank).isEmpty()) {
        byPlace.computeIfAbsent(places.get(rank), place -> new ArrayList<>()).add(rank);
      }
    }
    return byPlace.values().stream()
        .filter(ranks -> ranks.stream().map(rank -> leaders[rank]).distinct().count() > 1)
        .toList();
  }

  /** Joins the nodes of which all ranks are among these. */
  private void join(List<Integer> ranks) {
    Set<Long> nodes = new TreeSet<>();
    for (int rank : ranks) {
      long node = leaders[rank];
      boolean whole = true;
      for (int other = 0; other < leaders.length; other++) {
        whole &= leaders[other] != node || ranks.contains(other);
      }
      if (whole) {
        nodes.add(node);
      }
    }
    if (nodes.size() > 1) {
      long lowest = nodes.iterator().next();
      for (int rank = 0; rank < leaders.length; rank++) {
        if (nodes.contains(leaders[rank])) {
          leaders[rank] = lowest;
        }
      }
    }
  }

  /**
   * One try of all groups at once.
   *
   * @param group the ranks that may share memory with this one, whose first makes the file; empty
   *     if this rank only takes part in the calls
   * @return not {@link #NONE} for those that share memory with the first of their group
   */
  private long[] tryOut(List<Integer> group) {
    WindowFile file = null;
    try (Arena arena = Arena.ofConfined()) {
      if (!group.isEmpty() && group.getFirst() == self) {
        file = make(group.size());
      }
      String[] paths = mpi.texts(comm, file == null ? "" : file.path().toString());
      MemorySegment words =
          group.isEmpty() ? null : map(paths[group.getFirst()], group.size(), arena);
      long number = words == null ? NONE : number();
      if (words != null) {
        WORD.setVolatile(words, offset(group.indexOf(self)), number);
      }
      long[] numbers = mpi.allgather(comm, number); // behind which all have written
      boolean sees = words != null && sees(words, group, numbers);
      long[] seen = mpi.allgather(comm, sees ? 1 : NONE);
      // One that wrote, and does not see it all, or is not seen: the memory is not what it seems.
      for (int rank : group) {
        if (numbers[rank] != NONE && seen[rank] == NONE) {
          sees = false;
        }
      }
      return mpi.allgather(comm, sees ? 1 : NONE);
    } finally {
      if (file != null) {
        file.close();
      }
    }
  }

  private static @Nullable WindowFile make(int ranks) {
    try {
      return WindowFile.create(bytes(ranks), false);
    } catch (IOException | RuntimeException e) {
      tell(e);
      return null;
    }
  }

  private static @Nullable MemorySegment map(String path, int ranks, Arena arena) {
    if (path.isEmpty()) {
      return null;
    }
    try (FileChannel channel = WindowFile.open(path, bytes(ranks))) {
      return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes(ranks), arena);
    } catch (IOException | RuntimeException e) {
      tell(e);
      return null;
    }
  }

  private static void tell(Exception e) {
    System.getLogger("io.mpilock")
        .log(System.Logger.Level.DEBUG, "No memory is shared with ranks of this host", e);
  }

  private static boolean sees(MemorySegment words, List<Integer> group, long[] numbers) {
    for (int i = 0; i < group.size(); i++) {
      if ((long) WORD.getVolatile(words, offset(i)) != numbers[group.get(i)]) {
        return false;
      }
    }
    return true;
  }

  private static long number() {
    long number = new SecureRandom().nextLong();
    return number == NONE ? 1 : number;
  }

  private static long offset(int place) {
    return place * (long) Long.BYTES;
  }

  private static long bytes(int ranks) {
    return offset(ranks);
  }
}
