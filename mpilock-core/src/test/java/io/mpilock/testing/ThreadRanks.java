/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import io.mpilock.ControllerOptions;
import io.mpilock.LocalRanks;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.local.LocalCluster;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Ranks as threads of this JVM.
 *
 * @param nodeOfRank for each rank its node
 * @param folder a folder that is empty when the test begins
 */
public record ThreadRanks(List<Integer> nodeOfRank, Path folder) implements Ranks {

  /** On nodes in any order. */
  public ThreadRanks {
    nodeOfRank = List.copyOf(nodeOfRank);
  }

  private LocalCluster cluster() {
    return LocalCluster.of(nodeOfRank.stream().mapToInt(Integer::intValue).toArray());
  }

  @Override
  public int size() {
    return nodeOfRank.size();
  }

  @Override
  public void run(ControllerOptions options, LocalRanks.RankBody body) throws Exception {
    LocalRanks.run(cluster(), options, body);
  }

  @Override
  public void runBare(BareBody body) throws Exception {
    runBare(cluster(), body);
  }

  /** Runs a body on each rank of a job, and kills the rank whose body fails. */
  public static void runBare(LocalCluster cluster, BareBody body) throws Exception {
    List<CompletableFuture<Void>> ranks = new ArrayList<>();
    for (int rank = 0; rank < cluster.size(); rank++) {
      Communicator world = cluster.world(rank);
      String name = "rank-" + rank;
      ranks.add(
          CompletableFuture.runAsync(
              () -> {
                try {
                  body.run(world);
                } catch (Throwable e) {
                  cluster.kill(world.rank());
                  throw new AssertionError(e);
                }
              },
              task -> Thread.ofPlatform().name(name).start(task)));
    }
    for (CompletableFuture<Void> rank : ranks) {
      rank.get();
    }
  }
}
