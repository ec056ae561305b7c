package io.mpilock.testing;

import io.mpilock.ControllerOptions;
import io.mpilock.LocalRanks;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.local.LocalCluster;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Ranks as threads of this JVM. */
public record ThreadRanks(int size, Path folder) implements Ranks {

  @Override
  public void run(ControllerOptions options, LocalRanks.RankBody body) throws Exception {
    LocalRanks.run(size, options, body);
  }

  @Override
  public void runBare(BareBody body) throws Exception {
    LocalCluster cluster = new LocalCluster(size);
    List<CompletableFuture<Void>> ranks = new ArrayList<>();
    for (int rank = 0; rank < size; rank++) {
      Communicator world = cluster.world(rank);
      String name = "rank-" + rank;
      ranks.add(
          CompletableFuture.runAsync(
              () -> {
                try {
                  body.run(world);
                } catch (Exception e) {
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
