/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.local;

import io.mpilock.failure.RankFailedException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** The ranks of one local communicator, and their way to meet: each brings a value and gets all. */
final class LocalGroup {
  private final LocalCluster cluster;
  private final LocalProcess[] processes;
  private final int[] nodes;
  private final List<LocalGroup> children = new CopyOnWriteArrayList<>();
  private @Nullable Object[] brought;
  private @Nullable Object[] met;
  private int here;
  private long meeting;

  /** The rank that comes to no meeting any more, though it lives, or -1; and why. */
  private int cutShortBy = -1;

  private @Nullable Throwable cutShortReason;

  /** Which of the ranks have got their communicator of this group; guarded by this. */
  private final boolean[] joined;

  LocalGroup(LocalCluster cluster, LocalProcess[] processes) {
    this.cluster = cluster;
    this.processes = processes.clone();
    this.nodes = number(Arrays.stream(processes).mapToInt(LocalProcess::node).toArray());
    this.brought = new Object[processes.length];
    this.met = brought;
    this.joined = new boolean[processes.length];
  }

  /** Gives a rank its communicator. */
  LocalCommunicator join(int rank) {
    LocalCommunicator mine = new LocalCommunicator(this, rank);
    synchronized (this) {
      joined[rank] = true;
    }
    return mine;
  }

  /**
   * Numbers nodes in the order of the lowest rank on each.
   *
   * @param nodeOfRank any numbers, equal for the ranks of one node
   * @return the numbers from 0, of the same ranks
   */
  static int[] number(int[] nodeOfRank) {
    int[] distinct = Arrays.stream(nodeOfRank).distinct().toArray();
    return Arrays.stream(nodeOfRank)
        .map(node -> {
          int number = 0;
          while (distinct[number] != node) {
            number++;
          }
          return number;
        })
        .toArray();
  }

  LocalCluster cluster() {
    return cluster;
  }

  int size() {
    return processes.length;
  }

  LocalProcess process(int rank) {
    return processes[rank];
  }

  /** The number of a rank's node in this communicator. */
  int node(int rank) {
    return nodes[rank];
  }

  /** The number of nodes in this communicator. */
  int nodes() {
    return (int) Arrays.stream(nodes).distinct().count();
  }

  /** The number of ranks on a node of this communicator. */
  int ranksOn(int node) {
    return (int) Arrays.stream(nodes).filter(each -> each == node).count();
  }

  /** The lowest rank on a node of this communicator. */
  int firstOn(int node) {
    int rank = 0;
    while (nodes[rank] != node) {
      rank++;
    }
    return rank;
  }

  /** Makes a group of some of the ranks, in the order given, that wakes with this one. */
  LocalGroup child(int[] ranks) {
    LocalGroup child =
        new LocalGroup(
            cluster, Arrays.stream(ranks).mapToObj(this::process).toArray(LocalProcess[]::new));
    children.add(child);
    return child;
  }

  /**
   * Meets the other ranks. Collective.
   *
   * @return what each rank brought
   * @throws RankFailedException if a rank is dead, or comes to no meeting any more
   */
  synchronized @Nullable Object[] meet(int rank, @Nullable Object value) {
    throwIfCutShort();
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
      throwIfDead(rank);
      throwIfCutShort();
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

  /** A death on another node ends the wait too: nothing here could find it out by itself. */
  private void throwIfDead(int caller) {
    for (int rank = 0; rank < size(); rank++) {
      if (processes[rank].isDead() || !processes[caller].seesAlive(processes[rank])) {
        throw new RankFailedException(
            rank, "Rank " + rank + " died: a collective call cannot be completed.");
      }
    }
  }

  /** Says that a process comes to no meeting any more: here, and where it has not joined. */
  void cutShort(LocalProcess process, Throwable reason) {
    synchronized (this) {
      if (cutShortBy < 0) {
        cutShortReason = reason;
        cutShortBy =
            reason instanceof RankFailedException other
                ? other.rank()
                : List.of(processes).indexOf(process);
        notifyAll();
      }
    }
    for (LocalGroup child : children) {
      if (child.isMissed(process)) {
        child.cutShort(process, reason);
      }
    }
  }

  private synchronized boolean isMissed(LocalProcess process) {
    int rank = List.of(processes).indexOf(process);
    return rank >= 0 && !joined[rank];
  }

  synchronized void throwIfCutShort() {
    if (cutShortBy >= 0) {
      throw new RankFailedException(
          cutShortBy,
          ("The opening of a controller was cut short on rank %d: %s. Its communicator allows no"
                  + " collective call any more; make another one.")
              .formatted(cutShortBy, cutShortReason));
    }
  }

  void wakeAll() {
    synchronized (this) {
      notifyAll();
    }
    children.forEach(LocalGroup::wakeAll);
  }
}
