package io.mpilock.transport.ffm;

/** An MPI communicator of our own, with the ranks of the world that are in it. */
final class Group {
  private final long comm;
  private final int rank;
  private final int[] worldRanks;

  /** Wraps a communicator; the array is not copied. */
  Group(long comm, int rank, int[] worldRanks) {
    this.comm = comm;
    this.rank = rank;
    this.worldRanks = worldRanks;
  }

  /** Finds out who is in a new communicator. Collective; on the {@link MpiThread}. */
  static Group of(Mpi mpi, long comm, int selfInWorld) {
    long[] gathered = mpi.allgather(comm, (long) selfInWorld);
    int[] worldRanks = new int[gathered.length];
    for (int i = 0; i < worldRanks.length; i++) {
      worldRanks[i] = (int) gathered[i];
    }
    return new Group(comm, mpi.rank(comm), worldRanks);
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
