/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.testing.Ranks;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What listeners are told, and when. */
@Timeout(60)
class LockListenerTest {

  /** Writes down what it is told, and checks the times. */
  private static class Recorder implements LockListener {
    final List<String> events = new CopyOnWriteArrayList<>();
    final CountDownLatch stalled = new CountDownLatch(1);
    volatile String report = "";

    private void note(String event, long nanos) {
      assertThat(nanos).isBetween(0L, Duration.ofMinutes(1).toNanos());
      events.add(event);
    }

    @Override
    public void requested(String resource, LockMode mode) {
      note("requested " + mode + " " + resource, 0);
    }

    @Override
    public void granted(String resource, LockMode mode, long waitNanos, boolean contended) {
      note("granted " + mode + (contended ? " contended" : ""), waitNanos);
    }

    @Override
    public void released(String resource, LockMode mode, long holdNanos) {
      note("released " + mode, holdNanos);
    }

    @Override
    public void timedOut(String resource, LockMode mode, long waitNanos) {
      note("timed out " + mode, waitNanos);
    }

    @Override
    public void failed(String resource, LockMode mode, long waitNanos, Throwable failure) {
      note("failed " + mode + " " + failure.getClass().getSimpleName(), waitNanos);
    }

    @Override
    public void singleWrite(
        String resource, boolean writer, long nanos, long bytes, @Nullable Throwable failure) {
      note(
          "single write of "
              + resource
              + (writer ? " as writer" : "")
              + (bytes > 0 ? " shared" : "")
              + (failure == null ? "" : " failed " + failure.getClass().getSimpleName()),
          nanos);
    }

    @Override
    public void stalled(String resource, String report) {
      if (stalled.getCount() > 0) { // the first: the holder goes when it is told
        this.report = resource + ": " + report;
      }
      stalled.countDown();
    }
  }

  private static WindowController alone(LockListener... listeners) {
    WindowController controller =
        WindowController.sync(new LocalCluster(1).world(0), ControllerOptions.defaults());
    for (LockListener listener : listeners) {
      controller.addListener(listener);
    }
    return controller;
  }

  private static void onThread(Runnable body) {
    CompletableFuture.runAsync(body, task -> Thread.ofPlatform().name("other").start(task)).join();
  }

  @Test
  void readsAndWritesAreToldInOrder() {
    Recorder recorder = new Recorder();
    try (WindowController controller = alone(recorder)) {
      controller.read().close();
      controller.resource("orders").write().close();
      controller.tryWrite().orElseThrow().close();
      controller.read(Duration.ofSeconds(1)).close();
    }
    assertThat(recorder.events)
        .containsExactly(
            "requested read default",
            "granted read",
            "released read",
            "requested write orders",
            "granted write",
            "released write",
            "requested write default",
            "granted write",
            "released write",
            "requested read default",
            "granted read",
            "released read");
  }

  /** With the times at which they were granted and released, which both are in the order of. */
  @Test
  void aLockThatNobodyIsInTheWayOfHasNoWaitAndIsHeldFromItsRequestOn() {
    List<Long> grants = new ArrayList<>();
    List<Long> waits = new ArrayList<>();
    List<Long> begins = new ArrayList<>();
    LockListener timed =
        new LockListener() {
          @Override
          public void granted(
              String resource, LockMode mode, long waitNanos, boolean contended, long now) {
            assertThat(contended).isFalse();
            waits.add(waitNanos);
            grants.add(now);
          }

          @Override
          public void released(String resource, LockMode mode, long holdNanos, long now) {
            begins.add(now - holdNanos);
          }
        };
    long before = System.nanoTime();
    try (WindowController controller = alone(timed)) {
      controller.read().close();
      controller.write().close();
      controller.write(Duration.ofSeconds(1)).close();
    }
    assertThat(waits).containsExactly(0L, 0L, 0L);
    assertThat(grants).hasSize(3).isSorted().allMatch(grant -> grant - before >= 0);
    for (int i = 0; i < 3; i++) {
      assertThat(begins.get(i)).isBetween(grants.get(i), grants.get(i) + 1);
    }
  }

  @Test
  void refusalsAreToldWithTheirKind() {
    Recorder recorder = new Recorder();
    try (WindowController controller = alone()) {
      try (WriteLease write = controller.write()) {
        controller.addListener(recorder);
        onThread(() -> {
          assertThat(controller.tryRead()).isEmpty();
          assertThatThrownBy(() -> controller.write(Duration.ofMillis(1)))
              .isInstanceOf(LockTimeoutException.class);
          Thread.currentThread().interrupt();
          assertThatThrownBy(controller::read).isInstanceOf(LockInterruptedException.class);
        });
      }
    }
    assertThat(recorder.events)
        .containsExactly(
            "requested read default", "timed out read",
            "requested write default", "timed out write",
            "requested read default", "failed read LockInterruptedException");
  }

  @Test
  void aGrantThatHadToWaitIsContended() throws Exception {
    Recorder recorder = new Recorder();
    try (WindowController controller = alone(recorder)) {
      WriteLease write = controller.write();
      Thread waiter = Thread.ofPlatform().start(() -> controller.write().close());
      while (!waits(controller)) {
        Thread.onSpinWait();
      }
      write.close();
      waiter.join();
    }
    assertThat(recorder.events).contains("granted write contended");
  }

  /** Whether a thread waits for the write: a timed request that fails says so. */
  private static boolean waits(WindowController controller) {
    List<String> seen = new ArrayList<>();
    onThread(() -> {
      try {
        controller.read(Duration.ofMillis(1)).close();
      } catch (LockTimeoutException e) {
        seen.add(Objects.requireNonNull(e.getMessage()));
      }
    });
    return seen.toString().contains("waiting: rank 0 (write");
  }

  @Test
  void onlyTheOutermostHoldsAreTold() {
    Recorder recorder = new Recorder();
    try (WindowController controller = alone(recorder)) {
      try (ReadLease outer = controller.read();
          ReadLease inner = controller.read()) {
        assertThatThrownBy(controller::write).isInstanceOf(LockUseException.class);
      }
      try (WriteLease outer = controller.write();
          WriteLease inner = controller.write();
          ReadLease read = controller.read()) {
        assertThat(read.token()).isEqualTo(1);
      }
    }
    assertThat(recorder.events)
        .containsExactly(
            "requested read default",
            "granted read",
            "released read",
            "requested write default",
            "granted write",
            "released write");
  }

  @Test
  void anUpgradeIsTheEndOfTheReadAndARequestForTheWrite() {
    Recorder recorder = new Recorder();
    try (WindowController controller = alone(recorder)) {
      try (ReadLease read = controller.read()) {
        read.upgrade().close();
      }
    }
    assertThat(recorder.events)
        .containsExactly(
            "requested read default",
            "granted read",
            "released read",
            "requested write default",
            "granted write",
            "released write");
  }

  @Test
  void aDowngradeEndsTheWriteAndTheReadInsideItIsNotTold() {
    Recorder recorder = new Recorder();
    try (WindowController controller = alone(recorder)) {
      WriteLease write = controller.write();
      ReadLease read = controller.read();
      write.close();
      assertThat(recorder.events).endsWith("released write");
      read.close();
    }
    assertThat(recorder.events)
        .containsExactly("requested write default", "granted write", "released write");
  }

  @Test
  void singleWritesAreToldOnEveryRankWithTheirOutcome() throws Exception {
    List<Recorder> recorders = List.of(new Recorder(), new Recorder());
    LocalRanks.run(
        2,
        controller -> {
          Recorder recorder = recorders.get(controller.rank());
          controller.addListener(recorder);
          controller.resource("orders").singleWrite(() -> "shared");
          try {
            controller.singleWrite(() -> {
              throw new IllegalStateException("on purpose");
            });
          } catch (RuntimeException expected) {
            assertThat(expected).hasMessageContaining(controller.isMaster() ? "purpose" : "rank 0");
          }
        });
    assertThat(recorders.get(0).events)
        .containsExactly(
            "single write of orders as writer shared",
            "single write of default as writer failed SingleWriteFailedException");
    assertThat(recorders.get(1).events)
        .containsExactly(
            "single write of orders shared",
            "single write of default failed SingleWriteFailedException");
  }

  @Test
  void whatMpilockLocksForItselfIsNotTold() throws Exception {
    LocalRanks.run(
        1,
        controller -> {
          Recorder recorder = new Recorder();
          controller.addListener(recorder);
          controller.resource("mpilock.batch.schema").write().close();
          controller.resource("mpilock.report").singleWrite(() -> "shared");
          assertThat(recorder.events).isEmpty();
          controller.resource("mpilocker").read().close();
          assertThat(recorder.events).isNotEmpty();
        });
  }

  @Test
  void aListenerThatThrowsBreaksNeitherTheLockNorTheOthers() {
    LockListener broken =
        new Recorder() {
          @Override
          public void requested(String resource, LockMode mode) {
            throw new IllegalStateException("broken listener");
          }

          @Override
          public void granted(String resource, LockMode mode, long nanos, boolean contended) {
            throw new IllegalStateException("broken listener");
          }

          @Override
          public void released(String resource, LockMode mode, long nanos) {
            throw new IllegalStateException("broken listener");
          }
        };
    Recorder recorder = new Recorder();
    Captured log = new Captured();
    try (log;
        WindowController controller = alone(broken, recorder)) {
      controller.write().close();
      controller.read().close();
      onThread(() -> controller.tryWrite().orElseThrow().close());
    }
    assertThat(recorder.events).hasSize(9);
    assertThat(log.records.stream().filter(text -> text.contains("A LockListener threw")))
        .hasSize(1);
  }

  @Test
  void aListenerThatIsRemovedIsToldNoMoreAndNothingIsMeasured() {
    Recorder recorder = new Recorder();
    try (WindowController controller = alone(recorder)) {
      WriteLease write = controller.write();
      controller.removeListener(recorder);
      write.close();
      controller.read().close();
      ReadLease read = controller.read();
      controller.addListener(recorder);
      read.close(); // its grant was not observed
      assertThat(recorder.events).containsExactly("requested write default", "granted write");
    }
  }

  @Test
  void aStalledWaitSaysWhoHoldsTheLockAndWhoElseWaits() throws Exception {
    Recorder recorder = new Recorder();
    CountDownLatch held = new CountDownLatch(1);
    Captured log = new Captured();
    try (log) {
      LocalRanks.run(
          3,
          ControllerOptions.defaults().withStallWarning(Duration.ofMillis(100)),
          controller -> {
            ResourceLock orders = controller.resource("orders");
            switch (controller.rank()) {
              case 0 -> {
                Thread.currentThread().setName("holder");
                try (ReadLease earlier = orders.read();
                    WriteLease write = earlier.upgrade()) {
                  held.countDown();
                  Ranks.await(recorder.stalled);
                }
              }
              case 1 -> {
                Ranks.await(held);
                Thread.currentThread().setName("other waiter");
                orders.write().close();
              }
              default -> {
                Ranks.await(held);
                while (!othersWait(orders)) {
                  Thread.onSpinWait();
                }
                Thread.currentThread().setName("stalled waiter");
                controller.addListener(recorder);
                orders.read().close();
              }
            }
          });
    }
    long pid = ProcessHandle.current().pid();
    assertThat(recorder.report)
        .startsWith("orders: Thread 'stalled waiter' of rank 2 (host localhost, pid " + pid + ")")
        .containsPattern("has waited \\d+\\.\\d s for the read of resource 'orders'")
        .contains("Held by rank 0 (host localhost, pid " + pid + "), thread 'holder' (id ")
        .contains("write with token 1")
        .contains("waiting: rank 1 (write, thread 'other waiter' (id ")
        .containsPattern("since 20\\d\\d-")
        .contains("rank 2 (1 reader)");
    assertThat(log.records).anyMatch(text -> text.contains("Thread 'stalled waiter' of rank 2"));
  }

  /** The time between two reports of a rank is at least that of the warning. */
  @Test
  void manyThreadsThatWaitForOneResourceReportItOnceInEachTime() throws Exception {
    int threads = 30;
    Duration warning = Duration.ofMillis(300);
    Queue<String> reports = new ConcurrentLinkedQueue<>();
    Captured log = new Captured();
    AtomicLong waited = new AtomicLong();
    try (log) {
      LocalRanks.run(
          1,
          ControllerOptions.defaults().withStallWarning(warning),
          controller -> {
            controller.addListener(
                new LockListener() {
                  @Override
                  public void stalled(String resource, String report) {
                    reports.add(report);
                  }
                });
            List<Thread> waiting = new ArrayList<>();
            long start = System.nanoTime();
            try (WriteLease _ = controller.write()) {
              for (int i = 0; i < threads; i++) {
                waiting.add(Thread.ofPlatform().start(() -> controller.read().close()));
              }
              while (reports.size() < 3) {
                Thread.sleep(1);
              }
              waited.set(System.nanoTime() - start);
            }
            for (Thread thread : waiting) {
              thread.join();
            }
          });
    }
    assertThat((long) reports.size()).isBetween(3L, 1 + waited.get() / warning.toNanos());
    assertThat(reports)
        .allMatch(report -> report.contains(", as one of " + threads + " threads of this rank."));
    assertThat(log.records.stream().filter(text -> text.contains(" has waited ")))
        .hasSameSizeAs(reports);
  }

  private static boolean othersWait(ResourceLock lock) {
    try {
      lock.read(Duration.ofMillis(1)).close();
      return false;
    } catch (LockTimeoutException e) {
      return Objects.requireNonNull(e.getMessage()).contains("waiting: rank 1 (write");
    }
  }

  /** What System.Logger "io.mpilock" wrote. */
  private static final class Captured extends Handler implements AutoCloseable {
    final List<String> records = new CopyOnWriteArrayList<>();
    private final Logger logger = Logger.getLogger("io.mpilock");

    Captured() {
      logger.addHandler(this);
    }

    @Override
    public void publish(LogRecord record) {
      records.add(
          record.getParameters() == null || record.getParameters().length == 0
              ? record.getMessage()
              : record.getMessage().replace("{0}", String.valueOf(record.getParameters()[0])));
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
      logger.removeHandler(this);
    }
  }
}
