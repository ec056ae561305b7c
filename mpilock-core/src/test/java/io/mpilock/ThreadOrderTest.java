/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.status.LockUser;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.Lock;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The order among the threads of all ranks of a node, who wait in their place. */
@Timeout(120)
class ThreadOrderTest {
  private static final String NAME = "orders";

  private final List<WindowController> ranks = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final List<Integer> served = Collections.synchronizedList(new ArrayList<>());

  private void start(int size) throws Exception {
    LocalCluster cluster = new LocalCluster(size);
    List<Thread> starting = new ArrayList<>();
    WindowController[] controllers = new WindowController[size];
    for (int rank = 0; rank < size; rank++) {
      int mine = rank;
      starting.add(
          Thread.startVirtualThread(
              () -> controllers[mine] = WindowController.sync(cluster.world(mine), 0)));
    }
    for (Thread thread : starting) {
      thread.join();
    }
    ranks.addAll(List.of(controllers));
  }

  /** Starts a thread that asks, and waits until the words show that it waits behind the others. */
  private Thread asks(Thread.Builder builder, Runnable body) throws Exception {
    int before = waiting();
    Thread thread = builder.start(body);
    threads.add(thread);
    while (waiting() == before) {
      Thread.sleep(1);
    }
    return thread;
  }

  private int waiting() {
    return ranks.get(0).status(Duration.ZERO).resources().stream()
        .filter(resource -> resource.name().equals(NAME))
        .flatMap(resource -> resource.waiters().stream())
        .mapToInt(LockUser::threads)
        .sum();
  }

  private ResourceLock lock(int rank) {
    return ranks.get(rank).resource(NAME);
  }

  private Runnable writes(int rank, int number) {
    return () -> {
      try (WriteLease lease = lock(rank).write()) {
        served.add(number);
      }
    };
  }

  private void joinAll() throws InterruptedException {
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private static List<Integer> numbers(int end) {
    return IntStream.range(0, end).boxed().toList();
  }

  /** A thread that left its place to look at something else would come behind the next ones. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void threadsOfARankAreServedInTheOrderInWhichTheyAsked(boolean virtual) throws Exception {
    start(1);
    WriteLease held = lock(0).write();
    for (int i = 0; i < 10; i++) {
      asks(virtual ? Thread.ofVirtual() : Thread.ofPlatform(), writes(0, i));
      Thread.sleep(9); // longer than nothing: each has waited for another time
    }
    held.close();
    joinAll();
    assertThat(served).isEqualTo(numbers(10));
  }

  @Test
  void threadsOfAllRanksAreServedInTheOrderInWhichTheyAsked() throws Exception {
    start(3);
    WriteLease held = lock(0).write();
    int[] rankOf = {1, 1, 2, 0, 1, 0, 2, 2, 0, 1, 0, 2};
    for (int i = 0; i < rankOf.length; i++) {
      asks(Thread.ofPlatform(), writes(rankOf[i], i));
    }
    held.close();
    joinAll();
    assertThat(served).isEqualTo(numbers(rankOf.length));
  }

  @Test
  void whoGivesUpLeavesTheOthersInTheirPlaces() throws Exception {
    start(2);
    WriteLease held = lock(0).write();
    List<Thread> interrupted = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      int rank = i % 2;
      int number = i;
      Thread thread =
          asks(
              Thread.ofPlatform(),
              () -> {
                try {
                  writes(rank, number).run();
                } catch (LockInterruptedException e) {
                  Thread.interrupted();
                }
              });
      if (i % 3 == 0) { // the first of each rank, one in the middle, and more
        interrupted.add(thread);
      }
    }
    for (Thread thread : interrupted) {
      thread.interrupt();
      thread.join();
    }
    assertThat(waiting()).isEqualTo(8);
    held.close();
    joinAll();
    assertThat(served).containsExactly(1, 2, 4, 5, 7, 8, 10, 11);
  }

  @Test
  void lockKeepsItsPlaceWhenItIsInterrupted() throws Exception {
    start(1);
    WriteLease held = lock(0).write();
    List<Boolean> told = Collections.synchronizedList(new ArrayList<>());
    Function<Integer, Runnable> locks =
        number ->
            () -> {
              Lock lock = lock(0).asReadWriteLock().writeLock();
              lock.lock();
              try {
                served.add(number);
                told.add(Thread.interrupted());
              } finally {
                lock.unlock();
              }
            };
    for (int i = 0; i < 4; i++) {
      asks(Thread.ofPlatform(), locks.apply(i));
    }
    for (int round = 0; round < 3; round++) {
      threads.get(0).interrupt();
      threads.get(2).interrupt();
      Thread.sleep(5);
    }
    held.close();
    joinAll();
    assertThat(served).isEqualTo(numbers(4));
    assertThat(told).containsExactly(true, false, true, false);
  }

  @Test
  void aTryDoesNotPassThoseWhoWait() throws Exception {
    start(1);
    WriteLease held = lock(0).write();
    for (int i = 0; i < 3; i++) {
      asks(Thread.ofPlatform(), writes(0, i));
    }
    Thread trier =
        Thread.ofPlatform()
            .start(() -> {
              while (lock(0).tryWrite().isEmpty()) {
                Thread.onSpinWait();
              }
              served.add(3);
            });
    held.close();
    joinAll();
    trier.join();
    assertThat(served).isEqualTo(numbers(4));
  }

  @Test
  void aWaitInTheQueueEndsWithItsTime() throws Exception {
    start(1);
    WriteLease held = lock(0).write();
    asks(Thread.ofPlatform(), writes(0, 0));
    asks(
        Thread.ofPlatform(),
        () -> {
          try (WriteLease lease = lock(0).write(Duration.ofMillis(50))) {
            served.add(1);
          } catch (LockTimeoutException e) {
            served.add(2);
          }
        });
    threads.get(1).join();
    held.close();
    joinAll();
    assertThat(served).containsExactly(2, 0);
  }

  /** Threads that each look about now and then keep the processor from who has the lock. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void thousandsOfThreadsComeToTheirEnd(boolean virtual) throws Exception {
    start(1);
    int[] count = new int[1];
    WriteLease held = lock(0).write();
    for (int i = 0; i < 3_000; i++) {
      Thread.Builder builder = virtual ? Thread.ofVirtual() : Thread.ofPlatform();
      threads.add(
          builder.start(() -> {
            try (WriteLease lease = lock(0).write()) {
              count[0]++;
            }
          }));
    }
    held.close();
    joinAll();
    assertThat(count[0]).isEqualTo(3_000);
  }

  @Test
  void aCloseEndsTheWaitsOfAllThreads() throws Exception {
    start(2);
    WriteLease held = lock(1).write();
    List<String> ends = Collections.synchronizedList(new ArrayList<>());
    for (int i = 0; i < 5; i++) {
      asks(
          Thread.ofPlatform(),
          () -> {
            try {
              writes(0, 0).run();
            } catch (RuntimeException e) {
              ends.add(e.getClass().getSimpleName());
            }
          });
    }
    ranks.get(0).abandon();
    joinAll();
    assertThat(ends).hasSize(5).containsOnly("ControllerClosedException");
    held.close();
  }
}
