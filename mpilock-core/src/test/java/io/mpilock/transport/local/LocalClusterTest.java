/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.testing.ThreadRanks;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.NodeWindow;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is where, and who sees what of whom. */
@Timeout(60)
class LocalClusterTest {

  private static List<Integer> nodes(Communicator ranks) {
    return IntStream.range(0, ranks.size()).mapToObj(rank -> ranks.member(rank).node()).toList();
  }

  @Test
  void ranksAreNumberedNodeByNode() {
    assertThat(nodes(new LocalCluster(4).world(0))).containsExactly(0, 0, 0, 0);
    assertThat(nodes(new LocalCluster(2, 2).world(3))).containsExactly(0, 0, 1, 1);
    assertThat(nodes(new LocalCluster(1, 3).world(1))).containsExactly(0, 1, 1, 1);
    assertThat(nodes(new LocalCluster(1, 1, 1, 1).world(0))).containsExactly(0, 1, 2, 3);
  }

  @Test
  void nodesAreNumberedByTheirLowestRanks() {
    LocalCluster cluster = LocalCluster.of(7, -1, 7, 3);
    assertThat(nodes(cluster.world(0))).containsExactly(0, 1, 0, 2);
    assertThat(cluster.nodes()).isEqualTo(3);
  }

  @Test
  void theHostsOfSeveralNodesDiffer() {
    Communicator world = LocalCluster.of(0, 1, 0, 1).world(0);
    assertThat(world.member(2).host()).isEqualTo(world.member(0).host()).isEqualTo("host0");
    assertThat(world.member(3).host()).isEqualTo(world.member(1).host()).isEqualTo("host1");
    assertThat(world.description()).isEqualTo("local (4 threads on 2 nodes)");
    assertThat(new LocalCluster(2).world(0).member(1).host()).isEqualTo("localhost");
  }

  @Test
  void aJobAndANodeHaveRanks() {
    for (int[] ranksPerNode : new int[][] {{}, {0}, {2, 0}, {-1}}) {
      assertThatThrownBy(() -> new LocalCluster(ranksPerNode))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("at least 1 rank");
    }
    assertThatThrownBy(() -> LocalCluster.of()).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aPartNumbersItsNodesAnewAndKeepsItsHosts() throws Exception {
    ThreadRanks.runBare(
        new LocalCluster(2, 2),
        world -> {
          Communicator reversed = world.split(0, -world.rank());
          assertThat(nodes(reversed)).containsExactly(0, 0, 1, 1);
          assertThat(reversed.member(0).host()).isEqualTo("host1");
          Communicator last = world.split(world.rank() / 2, 0);
          assertThat(nodes(last)).containsExactly(0, 0);
          assertThat(last.member(0).host()).isEqualTo("host" + world.rank() / 2);
          assertThat(nodes(world.duplicate())).containsExactly(0, 0, 1, 1);
        });
  }

  @Test
  void eachNodeHasItsOwnWindow() throws Exception {
    CyclicBarrier written = new CyclicBarrier(4);
    ThreadRanks.runBare(
        LocalCluster.of(0, 1, 1, 1),
        world -> {
          NodeWindow window = world.allocate(64);
          boolean alone = world.rank() == 0;
          assertThat(window.words()).isEqualTo(alone ? 64 : 3 * 64);
          window.getAndAdd(8, 1);
          written.await();
          assertThat(window.get(8)).isEqualTo(alone ? 1 : 3);
        });
  }

  @Test
  void aWindowTooLargeForOneNodeIsToldOnAllRanks() throws Exception {
    ThreadRanks.runBare(
        new LocalCluster(1, 3),
        world ->
            assertThatThrownBy(() -> world.allocate(Long.MAX_VALUE / 2))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("is too large"));
  }

  @Test
  void aDeathIsSeenOnTheSameNodeOnly() {
    LocalCluster cluster = new LocalCluster(2, 2);
    cluster.kill(0);
    assertThat(cluster.world(1).isAlive(0)).isFalse();
    assertThat(cluster.world(2).isAlive(0)).isTrue();
    assertThat(cluster.world(3).isAlive(0)).isTrue();
  }

  @Test
  void aRankIsLostForTheProcessThatSaidSo() throws Exception {
    ThreadRanks.runBare(
        new LocalCluster(2, 2),
        world -> {
          Communicator part = world.split(0, -world.rank());
          if (world.rank() == 2) {
            part.lost(2); // rank 1 of the world
            part.lost(2); // rank 1 of the world
            assertThat(world.isAlive(1)).isFalse();
            assertThat(part.isAlive(2)).isFalse();
          } else {
            assertThat(world.isAlive(1)).isTrue();
          }
          assertThat(world.isAlive(0)).isTrue();
        });
  }

  @Test
  void aDeathAnywhereEndsACollectiveCall() throws Exception {
    LocalCluster cluster = new LocalCluster(2, 2);
    ThreadRanks.runBare(
        cluster,
        world -> {
          if (world.rank() == 0) {
            cluster.kill(0);
          } else {
            assertThatThrownBy(world::duplicate)
                .isInstanceOfSatisfying(
                    RankFailedException.class, e -> assertThat(e.rank()).isZero());
          }
        });
  }

  @Test
  void whoIsLeavingIsSeenOnTheSameNodeOnly() {
    LocalCluster cluster = new LocalCluster(2, 2);
    cluster.world(0).leaving(true);
    assertThat(cluster.world(1).isLeaving(0)).isTrue();
    assertThat(cluster.world(2).isLeaving(0)).isFalse();
    cluster.world(0).leaving(false);
    assertThat(cluster.world(1).isLeaving(0)).isFalse();
  }
}
