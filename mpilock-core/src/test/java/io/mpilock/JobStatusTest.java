/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.status.JobStatus;
import io.mpilock.status.LockUser;
import io.mpilock.status.RankStatus;
import io.mpilock.status.ResourceStatus;
import io.mpilock.testing.Silent;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** What the status tells of ranks that die and of nodes that do not answer. */
@Timeout(60)
@ExtendWith(Silent.class)
class JobStatusTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final ControllerOptions OPTIONS =
      ControllerOptions.defaults().withHeartbeatTimeout(Duration.ofMinutes(5));

  /** A controller of each rank; nobody closes them. */
  private static List<WindowController> open(LocalCluster cluster) throws Exception {
    List<CompletableFuture<WindowController>> opening = new ArrayList<>();
    for (int rank = 0; rank < cluster.size(); rank++) {
      int mine = rank;
      opening.add(onThread(() -> WindowController.sync(cluster.world(mine), OPTIONS)));
    }
    List<WindowController> controllers = new ArrayList<>();
    for (CompletableFuture<WindowController> one : opening) {
      controllers.add(one.get(30, TimeUnit.SECONDS));
    }
    return controllers;
  }

  private static <T> CompletableFuture<T> onThread(Supplier<T> task) {
    return CompletableFuture.supplyAsync(
        task, body -> Thread.ofPlatform().daemon().name("rank").start(body));
  }

  private static void abandon(List<WindowController> controllers) {
    controllers.forEach(WindowController::abandon);
  }

  private static List<RankStatus.State> states(JobStatus status) {
    return status.ranks().stream().map(RankStatus::state).toList();
  }

  @Test
  void aRankThatDiedInItsWriteIsDeadAndItsResourcePoisoned() throws Exception {
    LocalCluster cluster = new LocalCluster(2, 2);
    List<WindowController> controllers = open(cluster);
    WriteLease _ = onThread(() -> controllers.get(3).resource("r").write()).join();
    cluster.kill(3);
    for (int rank = 0; rank < 3; rank++) {
      JobStatus status = controllers.get(rank).status(LONG);
      while (status.ranks().get(3).state() != RankStatus.State.DEAD) {
        status = controllers.get(rank).status(LONG);
      }
      assertThat(states(status).subList(0, 3)).containsOnly(RankStatus.State.OPEN);
      assertThat(status.silentNodes()).isEmpty();
      assertThatThrownBy(() -> controllers.get(2).resource("r").write().close())
          .hasMessageContaining("rank 3");
      ResourceStatus poisoned =
          controllers.get(rank).status(LONG).resources().stream()
              .filter(one -> one.name().equals("r"))
              .findFirst()
              .orElseThrow();
      assertThat(poisoned.poisonedBy()).isEqualTo(controllers.get(0).member(3));
      assertThat(poisoned.holders()).isEmpty();
      assertThat(poisoned.permissions().values())
          .doesNotContain(ResourceStatus.Permission.EXCLUSIVE);
    }
    abandon(controllers);
  }

  @Test
  void aNodeThatDoesNotAnswerIsNamedAndTheOthersAreTold() throws Exception {
    LocalCluster cluster = new LocalCluster(1, 2, 1);
    List<WindowController> controllers = open(cluster);
    WriteLease held = controllers.get(2).resource("r").write();
    cluster.stall(2);
    JobStatus status = controllers.get(0).status(Duration.ofSeconds(2));
    assertThat(status.silentNodes()).containsExactly(2);
    assertThat(states(status))
        .containsExactly(
            RankStatus.State.OPEN,
            RankStatus.State.OPEN,
            RankStatus.State.OPEN,
            RankStatus.State.UNKNOWN);
    assertThat(status.resources().getFirst().holders())
        .singleElement()
        .matches(user -> user.member().rank() == 2 && user.mode() == LockUser.Mode.WRITE);
    cluster.resume(2);
    assertThat(controllers.get(0).status(LONG).silentNodes()).isEmpty();
    held.close();
    abandon(controllers);
  }

  @Test
  void aNodeThatIsLostIsNotWaitedFor() throws Exception {
    LocalCluster cluster = new LocalCluster(1, 1, 1);
    List<WindowController> controllers = open(cluster);
    controllers.get(2).abandon();
    JobStatus status = controllers.get(0).status(LONG);
    while (status.ranks().get(2).state() != RankStatus.State.DEAD) {
      status = controllers.get(0).status(Duration.ofMillis(100));
    }
    status = controllers.get(0).status(Duration.ofDays(1)); // and comes back
    assertThat(status.silentNodes()).containsExactly(2);
    assertThat(states(status))
        .containsExactly(RankStatus.State.OPEN, RankStatus.State.OPEN, RankStatus.State.DEAD);
    abandon(controllers);
  }

  @Test
  void anInterruptEndsTheWaitForOthersAndStays() throws Exception {
    LocalCluster cluster = new LocalCluster(1, 1);
    List<WindowController> controllers = open(cluster);
    cluster.stall(1);
    CompletableFuture<JobStatus> asked = new CompletableFuture<>();
    Thread asker =
        Thread.ofPlatform()
            .start(() -> {
              JobStatus status = controllers.get(0).status(Duration.ofDays(1));
              if (Thread.currentThread().isInterrupted()) {
                asked.complete(status);
              }
            });
    asker.interrupt();
    assertThat(asked.get(30, TimeUnit.SECONDS).silentNodes()).contains(1);
    abandon(controllers);
  }

  @Test
  void aClosedControllerHasNoStatus() throws Exception {
    WindowController[] closed = new WindowController[1];
    LocalRanks.run(1, controller -> closed[0] = controller);
    assertThatThrownBy(() -> closed[0].status(LONG)).isInstanceOf(ControllerClosedException.class);
  }

  @Test
  void whoClosesAndWhoHasClosedIsToldApart() throws Exception {
    LocalCluster cluster = new LocalCluster(3);
    List<WindowController> controllers = open(cluster);
    CompletableFuture<Void> closing =
        CompletableFuture.runAsync(
            () -> controllers.get(2).close(), body -> Thread.ofPlatform().daemon().start(body));
    JobStatus status = controllers.get(0).status(LONG);
    while (states(status).get(2) == RankStatus.State.OPEN) {
      status = controllers.get(0).status(LONG);
    }
    assertThat(states(status).get(2)).isEqualTo(RankStatus.State.CLOSING);
    assertThat(states(status)).startsWith(RankStatus.State.OPEN, RankStatus.State.OPEN);
    controllers.get(1).abandon();
    CompletableFuture<Void> other =
        CompletableFuture.runAsync(
            () -> controllers.get(0).close(), body -> Thread.ofPlatform().daemon().start(body));
    closing.get(30, TimeUnit.SECONDS);
    other.get(30, TimeUnit.SECONDS);
  }

  /** Its own rank sees it, and says so when somebody there waits, or asks for the status. */
  @Test
  void aHolderWhoseThreadHasEndedIsSaidToHaveOnEveryRank() throws Exception {
    LocalCluster cluster = new LocalCluster(2, 2);
    List<WindowController> controllers = open(cluster);
    AtomicReference<WriteLease> lost = new AtomicReference<>();
    Thread ends =
        Thread.ofPlatform()
            .name("ends")
            .start(() -> lost.set(controllers.get(3).resource("r").write()));
    ends.join();
    assertThat(holder(controllers.get(3)).ended()).isTrue();
    assertThat(holder(controllers.get(0)).ended()).isTrue();
    assertThatThrownBy(() -> controllers.get(0).resource("r").write(Duration.ofSeconds(2)))
        .isInstanceOf(LockTimeoutException.class)
        .hasMessageContaining(
            ("thread 'ends' (id %d), which has ended and releases nothing, write with" + " token 1")
                .formatted(ends.threadId()));
    abandon(controllers);
  }

  @Test
  void aHolderWhoseThreadLivesIsNotSaidToHaveEnded() throws Exception {
    List<WindowController> controllers = open(new LocalCluster(1));
    try (WriteLease _ = controllers.getFirst().resource("r").write()) {
      assertThat(holder(controllers.getFirst()).ended()).isFalse();
    }
    abandon(controllers);
  }

  private static LockUser holder(WindowController controller) {
    return controller.status("r", LONG).orElseThrow().holders().getFirst();
  }
}
