/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.StartupException;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One resource may have another fairness than the rest. */
@Timeout(60)
class FairnessTest {
  private static final ControllerOptions WRITER_FIRST =
      ControllerOptions.defaults().withFairness("fair", Fairness.PHASE_FAIR);
  private static final ControllerOptions PHASE_FAIR =
      ControllerOptions.defaults()
          .withFairness(Fairness.PHASE_FAIR)
          .withFairness("first", Fairness.WRITER_FIRST);

  @ParameterizedTest
  @ValueSource(strings = {"3", "1 1 1", "1 2"})
  void readersOfAPhaseFairResourceGoBeforeTheNextWriterAndOthersDoNot(String nodes)
      throws Exception {
    int[] ranks = List.of(nodes.split(" ")).stream().mapToInt(Integer::parseInt).toArray();
    assertThat(afterAWrite(ranks, WRITER_FIRST, "fair")).containsExactly("reader", "writer");
    assertThat(afterAWrite(ranks, WRITER_FIRST, "default")).containsExactly("writer", "reader");
    assertThat(afterAWrite(ranks, PHASE_FAIR, "first")).containsExactly("writer", "reader");
    assertThat(afterAWrite(ranks, PHASE_FAIR, "default")).containsExactly("reader", "writer");
  }

  /** Rank 0 writes while rank 1 asks for the write, and then rank 2 for a read. */
  private static Queue<String> afterAWrite(int[] ranks, ControllerOptions options, String resource)
      throws Exception {
    Queue<String> order = new ConcurrentLinkedQueue<>();
    CyclicBarrier held = new CyclicBarrier(3);
    LocalRanks.run(
        ranks,
        options,
        controller -> {
          ResourceLock lock = controller.resource(resource);
          switch (controller.rank()) {
            case 0 -> {
              try (WriteLease _ = lock.write()) {
                held.await(30, TimeUnit.SECONDS);
                awaitWaiters(controller, resource, 2);
              }
            }
            case 1 -> {
              held.await(30, TimeUnit.SECONDS);
              try (WriteLease _ = lock.write()) {
                order.add("writer");
              }
            }
            default -> {
              held.await(30, TimeUnit.SECONDS);
              awaitWaiters(controller, resource, 1);
              try (ReadLease _ = lock.read()) {
                order.add("reader");
              }
            }
          }
        });
    return order;
  }

  private static void awaitWaiters(WindowController controller, String resource, int count) {
    while (controller.status(Duration.ofSeconds(10)).resources().stream()
        .noneMatch(one -> one.name().equals(resource) && one.waiters().size() >= count)) {
      Thread.onSpinWait();
    }
  }

  @Test
  void ranksThatDifferInTheFairnessOfOneResourceAreToldAtTheStart() throws Exception {
    LocalCluster cluster = new LocalCluster(1, 1);
    CompletableFuture<Void> other =
        CompletableFuture.runAsync(
            () -> assertRefused(cluster, 1, WRITER_FIRST), task -> Thread.ofPlatform().start(task));
    assertRefused(cluster, 0, ControllerOptions.defaults());
    other.join();
  }

  private static void assertRefused(LocalCluster cluster, int rank, ControllerOptions options) {
    assertThatThrownBy(() -> WindowController.sync(cluster.world(rank), options))
        .isInstanceOfSatisfying(
            StartupException.class,
            e -> assertThat(e.problem()).isEqualTo(StartupException.Problem.SETTINGS_DIFFER));
  }

  @Test
  void whatIsSaidOfOneResourceAsOfAllIsNoDifference() throws Exception {
    LocalCluster cluster = new LocalCluster(2);
    CompletableFuture<WindowController> other =
        CompletableFuture.supplyAsync(
            () ->
                WindowController.sync(
                    cluster.world(1),
                    ControllerOptions.defaults().withFairness("a", Fairness.WRITER_FIRST)),
            task -> Thread.ofPlatform().start(task));
    WindowController mine = WindowController.sync(cluster.world(0), ControllerOptions.defaults());
    mine.abandon();
    other.join().abandon();
  }
}
