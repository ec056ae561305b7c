/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.mpilock.LockMode;
import io.mpilock.transport.Member;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LockRecorderTests {
  private static final Member MEMBER = new Member(3, 0, "host", 42);

  private static void lock(LockRecorder recorder, String resource, long wait, long hold) {
    recorder.granted(resource, LockMode.WRITE, wait, wait > 0);
    recorder.released(resource, LockMode.WRITE, hold);
  }

  @Test
  void aLockIsCountedAndBecomesAnEventWithItsWaitAndItsHold() {
    LockRecorder recorder = new LockRecorder(10);
    lock(recorder, "orders", 1_000, 2_000);
    recorder.timedOut("orders", LockMode.READ, 500);
    recorder.failed("orders", LockMode.READ, 700, new IllegalStateException());
    recorder.singleWrite("orders", false, 9_000, 0, null);

    RankRecord record = recorder.snapshot(MEMBER);

    assertThat(record.rank()).isEqualTo(3);
    assertThat(record.modes()).extracting(ModeRecord::use).containsExactly(LockUse.values());
    ModeRecord write = record.modes().get(LockUse.WRITE.code());
    assertThat(write.granted()).isEqualTo(1);
    assertThat(write.contended()).isEqualTo(1);
    assertThat(write.waitNanos()).isEqualTo(1_000);
    assertThat(write.holdNanos()).isEqualTo(2_000);
    ModeRecord read = record.modes().get(LockUse.READ.code());
    assertThat(read.granted()).isZero();
    assertThat(read.gaveUp()).isEqualTo(1);
    assertThat(read.failed()).isEqualTo(1);
    assertThat(record.events())
        .extracting(LockEvent::outcome)
        .containsExactlyInAnyOrder(
            LockOutcome.GRANTED, LockOutcome.GAVE_UP, LockOutcome.FAILED, LockOutcome.GRANTED);
    assertThat(record.events())
        .filteredOn(event -> event.use() == LockUse.WRITE)
        .singleElement()
        .satisfies(event -> {
          assertThat(event.waitNanos()).isEqualTo(1_000);
          assertThat(event.holdNanos()).isEqualTo(2_000);
          assertThat(event.thread()).isEqualTo(Thread.currentThread().getName());
          assertThat(event.endNanos()).isBetween(record.beginNanos(), record.endNanos());
        });
  }

  @Test
  void aReadInsideAWriteKeepsItsOwnWait() {
    LockRecorder recorder = new LockRecorder(10);
    recorder.granted("orders", LockMode.WRITE, 1, false);
    recorder.granted("orders", LockMode.READ, 2, false);
    recorder.granted("stock", LockMode.WRITE, 3, true);
    recorder.released("orders", LockMode.WRITE, 10); // a downgrade
    recorder.released("stock", LockMode.WRITE, 30);
    recorder.released("orders", LockMode.READ, 20);
    assertThat(recorder.snapshot(MEMBER).events())
        .extracting(event -> event.waitNanos() + " " + event.holdNanos())
        .containsExactlyInAnyOrder("1 10", "2 20", "3 30");
  }

  @Test
  void theLongestWaitsAreKeptWhenTheRingHasGoneAround() {
    LockRecorder recorder = new LockRecorder(5);
    lock(recorder, "orders", 1_000_000, 1);
    for (int i = 1; i <= 1000; i++) {
      lock(recorder, "orders", i, 1);
    }
    RankRecord record = recorder.snapshot(MEMBER);
    assertThat(record.recorded()).isEqualTo(1001);
    assertThat(record.events())
        .extracting(LockEvent::waitNanos)
        .contains(1_000_000L, 1000L, 999L, 998L, 997L, 996L)
        .hasSizeLessThanOrEqualTo(10)
        .doesNotHaveDuplicates();
    assertThat(record.modes().getFirst().waits().getMaxValue()).isGreaterThanOrEqualTo(1_000_000);
  }

  @Test
  void resourcesBeyondTheLimitAreCountedTogether() {
    LockRecorder recorder = new LockRecorder(0);
    for (int i = 0; i < LockRecorder.MOST_RESOURCES + 20; i++) {
      lock(recorder, "resource " + i, 0, 1);
    }
    RankRecord record = recorder.snapshot(MEMBER);
    assertThat(record.events()).isEmpty();
    assertThat(record.modes()).hasSize(LockRecorder.MOST_RESOURCES + 1);
    assertThat(record.modes().getLast().resource()).isEqualTo(LockRecorder.OTHERS);
    assertThat(record.modes().getLast().granted()).isEqualTo(20);
  }

  @Test
  void manyThreadsLoseNoCountAndTearNoEvent() throws Exception {
    LockRecorder recorder = new LockRecorder(7);
    List<Thread> threads = new ArrayList<>();
    for (int t = 1; t <= 4; t++) {
      long mine = t * 1_000_000L;
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < 20_000; i++) {
                  lock(recorder, "orders", mine, mine + 1);
                }
              }));
    }
    for (int i = 0; i < 200; i++) { // while they write
      assertThat(recorder.snapshot(MEMBER).events())
          .allMatch(event -> event.holdNanos() == event.waitNanos() + 1, "whole");
    }
    for (Thread thread : threads) {
      thread.join();
    }
    RankRecord record = recorder.snapshot(MEMBER);
    assertThat(record.granted()).isEqualTo(80_000);
    assertThat(record.recorded()).isEqualTo(80_000);
    assertThat(record.waitNanos()).isEqualTo(20_000 * 10_000_000L);
  }

  @Test
  void aMillionLocksOfManyVirtualThreadsAreAllCounted() throws Exception {
    LockRecorder recorder = new LockRecorder(100);
    int threads = 10_000;
    int each = 100;
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int t = 0; t < threads; t++) {
        executor.execute(() -> {
          for (int i = 0; i < each; i++) {
            lock(recorder, "orders", i, 1);
            if (i == each / 2) {
              LockSupport.parkNanos(1); // its carrier runs others
            }
          }
        });
      }
    }
    RankRecord record = recorder.snapshot(MEMBER);
    ModeRecord write = record.modes().getFirst();
    assertThat(write.waits().getTotalCount()).isEqualTo(1_000_000);
    assertThat(write.holds().getTotalCount()).isEqualTo(1_000_000);
    assertThat(write.contended()).isEqualTo((long) threads * (each - 1));
    assertThat(write.waitNanos()).isEqualTo((long) threads * each * (each - 1) / 2);
    assertThat(record.recorded()).isEqualTo(1_000_000);
    assertThat(recorder.snapshot(MEMBER).granted()).as("read again").isEqualTo(1_000_000);
  }

  /** What a thread noted an hour ago is passed on when its page is full, behind later events. */
  @Test
  void theLastEventsAreThoseThatEndedLastWhoeverNotedThem() throws Exception {
    LockRecorder recorder = new LockRecorder(10);
    long now = System.nanoTime();
    for (int i = 0; i < StripedNotes.NOTES - 2; i++) { // not yet a full page
      recorder.released("orders", LockMode.READ, 0, now - 1_000_000 + i);
    }
    List<Thread> others = new ArrayList<>();
    for (int t = 0; t < 4; t++) { // no two threads need have the same page
      int first = t * 1_000;
      Thread other =
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < 1_000; i++) {
                  recorder.released("orders", LockMode.WRITE, 0, now + first + i);
                }
              });
      other.join();
      others.add(other);
    }
    for (int i = 0; i < StripedNotes.NOTES; i++) { // now it is
      recorder.released("orders", LockMode.READ, 0, now - 500_000 + i);
    }
    List<LockEvent> events = recorder.snapshot(MEMBER).events();
    assertThat(others).hasSize(4);
    assertThat(events).hasSize(10).allMatch(event -> event.use() == LockUse.WRITE);
    assertThat(events.getLast().beginNanos() - events.getFirst().beginNanos()).isEqualTo(9);
  }

  @Test
  void aGrantCountsBeforeItsReleaseAndWhoeverReleasesIt() throws Exception {
    LockRecorder recorder = new LockRecorder(10);
    recorder.granted("orders", LockMode.WRITE, 0, false, System.nanoTime());
    assertThat(recorder.snapshot(MEMBER).granted()).isEqualTo(1);
    assertThat(recorder.snapshot(MEMBER).recorded()).isZero();
    Thread other =
        Thread.ofPlatform().start(() -> recorder.released("orders", LockMode.WRITE, 7)); // kept
    other.join();
    RankRecord record = recorder.snapshot(MEMBER);
    assertThat(record.granted()).isEqualTo(1);
    assertThat(record.holdNanos()).isEqualTo(7);
    assertThat(record.recorded()).isEqualTo(1);
  }

  @Test
  void anEventAllocatesNothing() {
    LockRecorder recorder = new LockRecorder(100);
    for (int i = 0; i < 1_000; i++) {
      lock(recorder, "orders", 1L << 40, 1L << 40); // the distributions have their length
    }
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int rounds = 50_000;
    long allocated = Long.MAX_VALUE;
    for (int attempt = 0; attempt < 5; attempt++) { // the first ones load classes
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < rounds; i++) {
        lock(recorder, "orders", i, 1);
      }
      allocated = Math.min(allocated, threads.getCurrentThreadAllocatedBytes() - before);
    }
    assertThat(allocated).isLessThan(rounds);
  }
}
