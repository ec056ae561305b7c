package io.mpilock.transport.local;

import io.mpilock.failure.RankFailedException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** The ranks of one local communicator, and their way to meet: each brings a value and gets all. */
final class Group {
  private final LocalCluster cluster;
  private final int[] worldRanks;
  private final List<Group> children = new CopyOnWriteArrayList<>();
  private @Nullable Object[] brought;
  private @Nullable Object[] met;
  private int here;
  private long meeting;

  Group(LocalCluster cluster, int[] worldRanks) {
    this.cluster = cluster;
    this.worldRanks = worldRanks.clone();
    this.brought = new Object[worldRanks.length];
    this.met = brought;
  }

  LocalCluster cluster() {
    return cluster;
  }

  int size() {
    return worldRanks.length;
  }

  int worldRank(int rank) {
    return worldRanks[rank];
  }

  /** Makes a group that wakes with this one. */
  Group child(int[] ranks) {
    Group child = new Group(cluster, ranks);
    children.add(child);
    return child;
  }

  /**
   * Meets the other ranks. Collective.
   *
   * @return what each rank brought
   * @throws RankFailedException if a rank is dead
   */
  synchronized @Nullable Object[] meet(int rank, @Nullable Object value) {
    long mine = meeting;
    brought[rank] = value;
    if (++here == size()) {
      met = brought;
      brought = new Object[size()];
      here = 0;
      meeting++;
      notifyAll();
      return met;
    }
    boolean interrupted = false;
    while (meeting == mine) {
      throwIfDead();
      try {
        wait(1_000);
      } catch (InterruptedException e) {
        interrupted = true; // as a process that is in MPI: the wait goes on
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return met;
  }

  private void throwIfDead() {
    for (int rank = 0; rank < size(); rank++) {
      if (!cluster.isAlive(worldRanks[rank])) {
        throw new RankFailedException(
            rank, "Rank " + rank + " died: a collective call cannot be completed.");
      }
    }
  }

  void wakeAll() {
    synchronized (this) {
      notifyAll();
    }
    children.forEach(Group::wakeAll);
  }
}
