/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.status.JobStatus;
import io.mpilock.status.LockUser;
import io.mpilock.status.RankStatus;
import io.mpilock.status.ResourceStatus;
import io.mpilock.testing.Ranks;
import io.mpilock.testing.SharedWords;
import io.mpilock.transport.Member;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the status of a job tells, on any rank, also while a lock is stuck. */
public abstract class StatusContract {
  private static final Duration LONG = Duration.ofSeconds(30);

  /** The ranks to run on. */
  protected abstract Ranks ranks();

  private static void barrier(WindowController controller) {
    controller.resource("barrier").singleWrite(() -> true);
  }

  private static ResourceStatus find(JobStatus status, String resource) {
    return status.resources().stream()
        .filter(one -> one.name().equals(resource))
        .findFirst()
        .orElseThrow(() -> new AssertionError(resource + " is not in " + status));
  }

  @Test
  void everyRankIsThere() throws Exception {
    ranks()
        .run(controller -> {
          barrier(controller); // all have named the default resource
          JobStatus status = controller.status(LONG);
          assertThat(status.transport()).isEqualTo(controller.transport());
          assertThat(status.rank()).isEqualTo(controller.rank());
          assertThat(status.ranks()).hasSize(controller.size());
          Set<Integer> nodes = new HashSet<>();
          for (int rank = 0; rank < controller.size(); rank++) {
            assertThat(status.ranks().get(rank))
                .isEqualTo(new RankStatus(controller.member(rank), RankStatus.State.OPEN));
            nodes.add(controller.member(rank).node());
          }
          assertThat(status.nodes()).isEqualTo(nodes.size());
          assertThat(status.silentNodes()).isEmpty();
          assertThat(status.leftOut()).isZero();
          ResourceStatus unused = find(status, WindowController.DEFAULT_RESOURCE);
          assertThat(unused.token()).isZero();
          assertThat(unused.poisonedBy()).isNull();
          assertThat(unused.home()).isEqualTo(controller.member(0).node());
          assertThat(unused.holders()).isEmpty();
          assertThat(unused.waiters()).isEmpty();
          assertThat(unused.permissions().keySet()).isEqualTo(nodes);
          barrier(controller);
        });
  }

  /** Rank 0 writes for good; a thread of each rank waits to write, and one to read. */
  @Test
  void aStuckWriteIsSeenFromEverywhere() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("stuck", 8);
          ResourceLock lock = controller.resource("stuck");
          WriteLease held = controller.rank() == 0 ? lock.write() : null;
          barrier(controller);
          Thread writer = start("asks to write", () -> lock.write().close());
          Thread reader = start("asks to read", () -> lock.read().close());
          int size = controller.size();
          JobStatus status = controller.status(LONG);
          while (!allAreNamed(find(status, "stuck"), size)) {
            status = controller.status(LONG);
          }
          ResourceStatus stuck = find(status, "stuck");
          assertThat(status.resources().getFirst()).as("who waits comes first").isEqualTo(stuck);
          assertThat(stuck.token()).isEqualTo(1);
          Member first = controller.member(0);
          assertThat(stuck.holders()).singleElement().matches(user -> user.member().equals(first));
          LockUser holder = stuck.holders().getFirst();
          assertThat(holder.mode()).isEqualTo(LockUser.Mode.WRITE);
          assertThat(holder.threads()).isEqualTo(1);
          assertThat(holder.elapsed()).isNotNull();
          if (controller.rank() == 0) {
            assertThat(holder.threadId()).isEqualTo(Thread.currentThread().threadId());
          }
          ResourceStatus.Permission expected = ResourceStatus.Permission.EXCLUSIVE;
          for (int node = 0; node < status.nodes(); node++) {
            assertThat(stuck.permissions()).containsEntry(node, expected);
            expected = ResourceStatus.Permission.NONE;
          }
          checkWaiters(stuck.waiters(), LockUser.Mode.WRITE, "asks to write", size);
          checkWaiters(stuck.waiters(), LockUser.Mode.READ, "asks to read", size);
          words.set(controller.rank(), 1);
          if (held != null) {
            awaitAll(words, size);
            held.close();
          }
          writer.join();
          reader.join();
          barrier(controller);
          ResourceStatus free = find(controller.status(LONG), "stuck");
          assertThat(free.token()).as("with a write of each rank").isEqualTo(1 + size);
          assertThat(free.waiters()).isEmpty();
          barrier(controller);
        });
  }

  private static void awaitAll(SharedWords words, int ranks) throws InterruptedException {
    for (int rank = 0; rank < ranks; rank++) {
      while (words.get(rank) == 0) {
        Thread.sleep(1);
      }
    }
  }

  private static Thread start(String name, Runnable body) {
    return Thread.ofPlatform().name(name).start(body);
  }

  private static boolean allAreNamed(ResourceStatus resource, int ranks) {
    return resource.waiters().size() == 2 * ranks
        && Stream.concat(resource.holders().stream(), resource.waiters().stream())
            .allMatch(user -> user.elapsed() != null && user.threadId() != 0);
  }

  private static void checkWaiters(
      List<LockUser> waiters, LockUser.Mode mode, String thread, int ranks) {
    assertThat(waiters)
        .filteredOn(waiter -> waiter.mode() == mode)
        .hasSize(ranks)
        .allMatch(waiter -> thread.equals(waiter.thread()) && waiter.threads() == 1)
        .extracting(waiter -> waiter.member().rank())
        .doesNotHaveDuplicates();
  }

  /** Rank 0 writes; of the last rank two threads wait to write, and two to read. */
  @Test
  void whoWaitsBehindAnotherThreadOfItsRankIsCounted() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("counted", 8);
          ResourceLock lock = controller.resource("counted");
          Thread holder = null;
          CountDownLatch holds = new CountDownLatch(1);
          CountDownLatch enough = new CountDownLatch(1);
          if (controller.rank() == 0) {
            holder =
                start(
                    "holds",
                    () -> {
                      try (WriteLease _ = lock.write()) {
                        holds.countDown();
                        Ranks.await(enough);
                      }
                    });
            Ranks.await(holds);
          }
          barrier(controller);
          int last = controller.size() - 1;
          List<Thread> waiting = new ArrayList<>();
          for (int i = 0; i < 2 && controller.rank() == last; i++) {
            waiting.add(start("asks to write", () -> lock.write().close()));
            waiting.add(start("asks to read", () -> lock.read().close()));
          }
          while (counted(controller, LockUser.Mode.WRITE) != 2
              || counted(controller, LockUser.Mode.READ) != 2) {
            Thread.sleep(1);
          }
          words.set(controller.rank(), 1);
          awaitAll(words, controller.size());
          enough.countDown();
          for (Thread thread : waiting) {
            thread.join();
          }
          if (holder != null) {
            holder.join();
          }
          barrier(controller);
        });
  }

  private static int counted(WindowController controller, LockUser.Mode mode) {
    return find(controller.status(LONG), "counted").waiters().stream()
        .filter(user -> user.mode() == mode)
        .mapToInt(LockUser::threads)
        .sum();
  }

  /** All ranks read, and one waits to write. */
  @Test
  void readersAreSeenAndThoseThatTheyKeepWaiting() throws Exception {
    ranks()
        .run(controller -> {
          SharedWords words = ranks().words("read", 8);
          ResourceLock lock = controller.resource("read");
          CountDownLatch read = new CountDownLatch(1);
          CountDownLatch enough = new CountDownLatch(1);
          Thread reader =
              start(
                  "reads",
                  () -> {
                    try (ReadLease lease = lock.read()) {
                      read.countDown();
                      Ranks.await(enough);
                    }
                  });
          Ranks.await(read);
          barrier(controller);
          int last = controller.size() - 1;
          Thread writer =
              controller.rank() == last ? start("writes", () -> lock.write().close()) : null;
          ResourceStatus now = find(controller.status(LONG), "read");
          while (now.waiters().isEmpty()) {
            now = find(controller.status(LONG), "read");
          }
          assertThat(now.holders())
              .hasSize(controller.size())
              .allMatch(user -> user.mode() == LockUser.Mode.READ && user.threads() == 1)
              .allMatch(user -> "reads".equals(user.thread()));
          assertThat(now.waiters())
              .singleElement()
              .matches(user -> user.member().rank() == last && "writes".equals(user.thread()))
              .matches(user -> user.mode() == LockUser.Mode.WRITE && user.elapsed() != null);
          words.set(controller.rank(), 1);
          awaitAll(words, controller.size());
          enough.countDown();
          reader.join();
          if (writer != null) {
            writer.join();
          }
          barrier(controller);
        });
  }

  /** With so many that a node's answer has no room for all, those that are held are there. */
  @Test
  void ofTooManyResourcesTheIdleOnesAreLeftOut() throws Exception {
    ranks()
        .run(controller -> {
          int many = 1000;
          if (controller.rank() == 0) {
            for (int i = 0; i < many; i++) {
              ResourceLock _ = controller.resource("%04d".formatted(i) + "x".repeat(100));
            }
          }
          WriteLease held = controller.rank() == 0 ? controller.resource("zzz").write() : null;
          barrier(controller);
          JobStatus status = controller.status(LONG);
          assertThat(status.resources().getFirst().name()).isEqualTo("zzz");
          assertThat(status.resources().getFirst().holders()).hasSize(1);
          assertThat(status.leftOut()).isBetween(1, many);
          String last = "%04d".formatted(many - 1) + "x".repeat(100);
          if (controller.member(controller.rank()).node() == controller.member(0).node()) {
            assertThat(status.resources()).extracting(ResourceStatus::name).doesNotContain(last);
            assertThat(controller.status(last, LONG))
                .hasValueSatisfying(one -> assertThat(one.name()).isEqualTo(last));
          }
          assertThat(controller.status("zzz", LONG))
              .hasValueSatisfying(one -> assertThat(one.holders()).hasSize(1));
          assertThat(controller.status("nobody named this", LONG)).isEmpty();
          assertThat(status.resources().size() + status.leftOut())
              .as("default, zzz and barrier, too")
              .isGreaterThanOrEqualTo(many + 3);
          barrier(controller);
          if (held != null) {
            held.close();
          }
          barrier(controller);
        });
  }
}
