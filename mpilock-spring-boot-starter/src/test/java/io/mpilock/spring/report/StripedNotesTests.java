/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StripedNotesTests {

  private static final class Counter implements NoteSink {
    private long notes;
    private long sum;
    private long torn;

    @Override
    public void take(long kind, long begin, long wait, long hold, String thread) {
      notes++;
      sum += kind;
      if (begin != kind + 1 || wait != kind + 2 || hold != kind + 3) {
        torn++;
      }
    }
  }

  private static void note(StripedNotes notes, long value) {
    notes.add(value, value + 1, value + 2, value + 3, "thread");
  }

  @Test
  void noNoteIsLostOrTornHoweverFewPagesTheThreadsHave() throws Exception {
    for (int processors : new int[] {1, 2, 100}) {
      Counter counter = new Counter();
      StripedNotes notes = new StripedNotes(counter, processors);
      List<Thread> threads = new ArrayList<>();
      for (int t = 0; t < 16; t++) {
        Thread.Builder builder = t % 2 == 0 ? Thread.ofPlatform() : Thread.ofVirtual();
        threads.add(
            builder.start(() -> {
              for (int i = 0; i < 20_000; i++) {
                note(notes, i);
              }
            }));
      }
      for (int i = 0; i < 100; i++) { // while they write
        notes.flush();
      }
      for (Thread thread : threads) {
        thread.join();
      }
      notes.flush();
      synchronized (counter) {
        assertThat(counter.notes).isEqualTo(16 * 20_000);
        assertThat(counter.sum).isEqualTo(16 * 20_000L * 19_999 / 2);
        assertThat(counter.torn).isZero();
      }
    }
  }

  @Test
  void thePagesAreBoundedByTheProcessorsAndSpreadAmongThreads() throws Exception {
    assertThat(StripedNotes.stripes(1)).isEqualTo(2);
    assertThat(StripedNotes.stripes(2)).isEqualTo(4);
    assertThat(StripedNotes.stripes(3)).isEqualTo(8);
    assertThat(StripedNotes.stripes(4)).isEqualTo(8);
    assertThat(StripedNotes.stripes(32)).isEqualTo(64);
    assertThat(StripedNotes.stripes(1_000)).isEqualTo(64);
    StripedNotes notes = new StripedNotes(new Counter(), 8);
    Set<Integer> pages = new HashSet<>();
    for (long thread = 100; thread < 116; thread++) { // as a pool of as many has them
      pages.add(notes.page(thread));
    }
    assertThat(pages).hasSizeGreaterThan(12).allMatch(page -> page >= 0 && page < 16);
  }

  /** A note may be lost then, but no page. */
  @Test
  void whatTheSinkThrowsCostsOneNoteAndLeavesThePageFree() {
    AtomicLong taken = new AtomicLong();
    NoteSink broken =
        (kind, begin, wait, hold, thread) -> {
          if (kind == 7) {
            throw new OutOfMemoryError("no room for a distribution");
          }
          taken.incrementAndGet();
        };
    StripedNotes notes = new StripedNotes(broken, 1);
    for (int i = 0; i < StripedNotes.NOTES; i++) {
      note(notes, i == 10 ? 7 : 0);
    }
    assertThatExceptionOfType(OutOfMemoryError.class).isThrownBy(() -> note(notes, 0));
    note(notes, 0);
    notes.flush();
    assertThat(taken).hasValue(StripedNotes.NOTES);
  }

  /** Threads of a report that is being read may hold all pages, and none may spin meanwhile. */
  @Test
  void whereAllPagesAreTakenANoteGoesToTheSinkItself() throws Exception {
    CountDownLatch goesOn = new CountDownLatch(1);
    AtomicLong taken = new AtomicLong();
    NoteSink slow =
        (kind, begin, wait, hold, thread) -> {
          try {
            goesOn.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          taken.incrementAndGet();
        };
    StripedNotes notes = new StripedNotes(slow, 1);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int note = 0; note < 2 * StripedNotes.NOTES; note++) {
                  note(notes, 0);
                }
              }));
    }
    while (!threads.stream().allMatch(StripedNotesTests::sleeps)) {
      Thread.onSpinWait();
    }
    goesOn.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    notes.flush();
    assertThat(taken).hasValue(6L * 2 * StripedNotes.NOTES);
  }

  private static boolean sleeps(Thread thread) {
    return thread.getState() == Thread.State.BLOCKED || thread.getState() == Thread.State.WAITING;
  }

  @Test
  void aFullPageIsPassedOnByWhoFindsItAndTheRestByWhoReads() throws Exception {
    Counter counter = new Counter();
    StripedNotes notes = new StripedNotes(counter, 1);
    for (int i = 0; i < StripedNotes.NOTES + 1; i++) {
      note(notes, i);
    }
    assertThat(counter.notes).isEqualTo(StripedNotes.NOTES);
    CountDownLatch noted = new CountDownLatch(1);
    Thread.ofVirtual()
        .start(() -> {
          note(notes, 0);
          noted.countDown();
        });
    noted.await();
    notes.flush();
    notes.flush();
    assertThat(counter.notes).isEqualTo(StripedNotes.NOTES + 2);
  }
}
