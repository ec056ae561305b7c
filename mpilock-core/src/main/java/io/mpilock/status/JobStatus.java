/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.status;

import java.util.List;

/**
 * The whole job as one rank sees it. Gathered node by node without a lock, so its parts are not of
 * one instant.
 *
 * @param transport the transport and its library, such as {@code native (Open MPI 4.1.4)}
 * @param rank who gathered it
 * @param ranks all ranks of the controller, in order
 * @param resources those that a thread waits for, then those that are held, then idle ones, each
 *     group by name. A node tells at most 64 KiB, so of thousands some are left out, idle ones
 *     first
 * @param leftOut how many resources were left out; one that several nodes left out counts for each
 * @param silentNodes the nodes that did not answer in time, in order: what is held there is not
 *     told. If the rank's own is among them, its agent did not answer, and no other node was asked
 * @since 0.1.0
 */
public record JobStatus(
    String transport,
    int rank,
    List<RankStatus> ranks,
    List<ResourceStatus> resources,
    int leftOut,
    List<Integer> silentNodes) {

  /** Copies the lists. */
  public JobStatus {
    ranks = List.copyOf(ranks);
    resources = List.copyOf(resources);
    silentNodes = List.copyOf(silentNodes);
  }

  /**
   * The number of nodes that the ranks are on.
   *
   * @return at least 1
   */
  public int nodes() {
    return 1 + ranks.stream().mapToInt(rank -> rank.member().node()).max().orElse(0);
  }
}
