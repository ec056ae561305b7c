/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.RankFailedException;
import io.mpilock.testing.Ranks;
import io.mpilock.testing.SharedWords;
import io.mpilock.testing.ThreadRanks;
import io.mpilock.transport.local.LocalCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the others get when a rank dies, or its node vanishes, in a job of several nodes. */
@Timeout(90)
class JobFailureTest {
  private static final Duration QUICK = Duration.ofSeconds(2);

  @TempDir Path folder;

  /** Agents end with the last that they speak for, whichever way that ends. */
  @AfterEach
  void noAgentIsLeft() throws InterruptedException {
    while (agents() != 0) { // till the time-out
      Thread.sleep(10);
    }
  }

  private static long agents() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("mpilock-agent"))
        .count();
  }

  /** Runs a body on each rank, and tells of each that failed. */
  private static void run(LocalCluster cluster, Ranks.BareBody body) throws Exception {
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    ThreadRanks.runBare(
        cluster,
        world -> {
          try {
            body.run(world);
          } catch (Throwable e) {
            failures.add(e);
            cluster.kill(world.rank());
          }
        });
    if (!failures.isEmpty()) {
      AssertionError all = new AssertionError(failures.size() + " ranks failed");
      failures.forEach(all::addSuppressed);
      throw all;
    }
  }

  private static LocalCluster cluster(String nodeOfRank) {
    return LocalCluster.of(nodeOfRank.chars().map(Character::getNumericValue).toArray());
  }

  @ParameterizedTest(name = "on nodes {0} with master {1}, rank {2} dies")
  @CsvSource({
    // the master is rank 0: home of the default resource, and root
    "0011,0,0",
    "0011,0,1",
    "0011,0,2",
    "0011,0,3",
    "0111,0,0",
    "0111,0,1",
    "0111,0,3",
    "0123,0,0",
    "0123,0,2",
    // it is another
    "0011,3,3",
    "0011,3,2",
    "0111,2,1",
    "0111,3,0",
    "0123,3,3",
    "0123,1,3",
    "0101,1,2",
    "0101,1,1"
  })
  void theOthersAreToldOrGoOn(String nodes, int master, int victim) throws Exception {
    dies(
        nodes, victim, ControllerOptions.defaults().withMaster(master).withHeartbeatTimeout(QUICK));
  }

  @Test
  void theOthersAreToldWithinTheDefaultTimes() throws Exception {
    dies("0011", 2, ControllerOptions.defaults());
  }

  private void dies(String nodes, int victim, ControllerOptions options) throws Exception {
    LocalCluster cluster = cluster(nodes);
    run(
        cluster,
        world ->
            new RankDeath(
                    world,
                    SharedWords.open(folder.resolve("death"), RankDeath.words(world.size())),
                    victim,
                    options,
                    () -> cluster.kill(victim))
                .run());
  }

  @ParameterizedTest(name = "on nodes {0}, node {1} vanishes")
  @CsvSource({"0011,0", "0011,1", "0111,0", "0111,1", "0123,0", "0123,2"})
  void aNodeThatVanishesSharesNothingAnyMore(String nodes, int lost) throws Exception {
    LocalCluster cluster = cluster(nodes);
    run(
        cluster,
        world ->
            new NodeLoss(
                    world,
                    SharedWords.open(folder.resolve("loss"), NodeLoss.WORDS),
                    lost,
                    ControllerOptions.defaults().withHeartbeatTimeout(QUICK),
                    () -> cluster.cut(lost))
                .vanish());
  }

  @ParameterizedTest(name = "on nodes {0}, node {1} stalls")
  @CsvSource({"0011,0", "0011,1", "0111,1", "0123,0", "0123,2"})
  void aNodeThatOnlyStallsLosesNothing(String nodes, int stalled) throws Exception {
    LocalCluster cluster = cluster(nodes);
    run(
        cluster,
        world ->
            new NodeLoss(
                    world,
                    SharedWords.open(folder.resolve("stall"), NodeLoss.WORDS),
                    stalled,
                    ControllerOptions.defaults(),
                    () -> {
                      cluster.stall(stalled);
                      Thread.sleep(1_500);
                      cluster.resume(stalled);
                    })
                .stall());
  }

  @Test
  void aRankThatGivesItselfUpIsToldAtOnce() throws Exception {
    LocalCluster cluster = cluster("0011");
    run(
        cluster,
        world -> {
          SharedWords words = SharedWords.open(folder.resolve("abandon"), 8);
          WindowController controller =
              WindowController.sync(
                  world, ControllerOptions.defaults().withHeartbeatTimeout(Duration.ofMinutes(1)));
          controller.write().close();
          controller.singleWrite(() -> true);
          if (world.rank() == 2) {
            controller.abandon();
            return;
          }
          assertThatThrownBy(
                  () -> {
                    for (int i = 0; ; i++) {
                      controller.resource("of " + world.rank() + ", " + i).write().close();
                    }
                  })
              .isInstanceOf(RankFailedException.class)
              .hasMessageContaining("rank 2");
          assertThatThrownBy(() -> controller.singleWrite(() -> true))
              .isInstanceOf(RankFailedException.class)
              .hasMessageContaining("rank 2");
          controller.close();
          assertThat(controller.isClosed()).isTrue();
          words.set(0, 1);
        });
  }

  /**
   * A rank that is in any close counts as closing, so that no order of closes can deadlock; but it
   * may still use this controller, and the agents stay until it has closed that one.
   */
  @Test
  void whoUsesAControllerThatAllOthersHaveClosedKeepsItsLocks() throws Exception {
    CountDownLatch closed = new CountDownLatch(2);
    run(
        cluster("011"),
        world -> {
          WindowController controller = WindowController.sync(world, ControllerOptions.defaults());
          controller.singleWrite(() -> true);
          if (world.rank() == 2) {
            world.leaving(true); // as on another thread
            Ranks.await(closed);
            for (int i = 0; i < 100; i++) {
              controller.resource("resource " + i).write(Duration.ofSeconds(60)).close();
            }
            world.leaving(false);
          }
          controller.close();
          closed.countDown();
        });
  }
}
