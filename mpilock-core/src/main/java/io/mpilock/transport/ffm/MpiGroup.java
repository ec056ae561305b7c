/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * An MPI communicator of our own, with the ranks of the world that are in it and the windows that
 * they made. Only mpilock sends on it, so its duplicates are the same one.
 */
final class MpiGroup {
  /** The id of all ranks. */
  static final long WORLD = 1;

  private final long comm;
  private final long id;
  private final int rank;
  private final int[] worldRanks;

  // Known from the first allocation on; only the MPI thread uses them.
  private @Nullable MpiGroup node;
  private final List<WindowMemory> windows = new ArrayList<>();

  /** MPI promises tags up to here. */
  private static final int LAST_TAG = 32767;

  private final AtomicInteger messengers = new AtomicInteger();

  /** Wraps a communicator; the array is not copied. */
  MpiGroup(long comm, int rank, int[] worldRanks) {
    this(comm, 0, rank, worldRanks);
  }

  /**
   * Wraps a communicator on which windows are opened.
   *
   * @param id the same on all of its ranks, and another one than that of any other group
   */
  MpiGroup(long comm, long id, int rank, int[] worldRanks) {
    this.comm = comm;
    this.id = id;
    this.rank = rank;
    this.worldRanks = worldRanks;
  }

  /** Finds out who is in a new communicator. Collective; on the {@link MpiThread}. */
  static MpiGroup of(Mpi mpi, long comm, int selfInWorld) {
    long[] gathered = mpi.allgather(comm, (long) selfInWorld);
    int[] worldRanks = new int[gathered.length];
    for (int i = 0; i < worldRanks.length; i++) {
      worldRanks[i] = (int) gathered[i];
    }
    return new MpiGroup(comm, mpi.rank(comm), worldRanks);
  }

  /** The ranks of this one that are on this node. Collective at first; on the {@link MpiThread}. */
  MpiGroup node(Mpi mpi, Roster roster) {
    MpiGroup known = node;
    if (known == null) {
      known = of(mpi, roster.splitByNode(mpi, comm), roster.self());
      node = known;
    }
    return known;
  }

  /** The node's communicator, if there is one yet. */
  @Nullable MpiGroup knownNode() {
    return node;
  }

  /** The windows that these ranks made, in the order of making. On the {@link MpiThread}. */
  List<WindowMemory> windows() {
    return windows;
  }

  /**
   * The tag of the next messenger, the same on all ranks because they open messengers in the same
   * order. It comes again after 32768 messengers.
   */
  int nextTag() {
    return messengers.getAndIncrement() & LAST_TAG;
  }

  /** What it is known by in all of its ranks. */
  long id() {
    return id;
  }

  /** The same with an id that its first rank gives. Collective; on the {@link MpiThread}. */
  MpiGroup named(Mpi mpi, long next) {
    return new MpiGroup(comm, mpi.allgather(comm, next)[0], rank, worldRanks);
  }

  boolean isSameAs(MpiGroup other) {
    return Arrays.equals(worldRanks, other.worldRanks);
  }

  long comm() {
    return comm;
  }

  int rank() {
    return rank;
  }

  int size() {
    return worldRanks.length;
  }

  int worldRank(int index) {
    return worldRanks[index];
  }
}
