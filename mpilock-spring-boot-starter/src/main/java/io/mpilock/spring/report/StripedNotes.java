/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Takes notes of many threads, and passes them on some at a time. There are about twice as many
 * stripes as processors, whatever the number of threads; each is an open page of {@value #NOTES}
 * notes in memory of its own. A thread writes to the page that its number leads to, or to the next
 * one that nobody writes to at the moment, and so two threads seldom want the same word. Who finds
 * its page full passes it on, under the sink's monitor.
 *
 * <p>A page is written under a lock that is a word of it: one compare-and-set for a note. Nobody
 * waits for it. If all pages are taken, since as many threads have lost their processor or their
 * carrier meanwhile, the note goes to the sink directly. So no note is lost, and a thread waits for
 * the sink's monitor only, whose holder waits for nothing.
 */
final class StripedNotes {
  /** On a page. */
  static final int NOTES = 64;

  private static final int MOST_STRIPES = 64;
  private static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final int PROCESSORS = Runtime.getRuntime().availableProcessors();

  private final Page[] pages;
  private final int shift;
  private final NoteSink sink;

  /**
   * Makes the pages.
   *
   * @param sink is given the notes, by one thread at a time, which holds its monitor
   */
  StripedNotes(NoteSink sink) {
    this(sink, PROCESSORS);
  }

  StripedNotes(NoteSink sink, int processors) {
    int stripes = stripes(processors);
    this.sink = sink;
    this.shift = Long.SIZE - Integer.numberOfTrailingZeros(stripes);
    this.pages = new Page[stripes];
    for (int i = 0; i < stripes; i++) {
      pages[i] = new Page();
    }
  }

  static int stripes(int processors) {
    return Math.min(MOST_STRIPES, 2 * Integer.highestOneBit(2 * processors - 1));
  }

  /** How many notes may be on the pages, so that others overtake them. */
  static int mostRoom() {
    return stripes(PROCESSORS) * NOTES;
  }

  void add(long kind, long beginNanos, long waitNanos, long holdNanos, String thread) {
    int at = page(Thread.currentThread().threadId());
    Page page = pages[at].tryLock() ? pages[at] : another(at);
    if (page == null) {
      synchronized (sink) {
        sink.take(kind, beginNanos, waitNanos, holdNanos, thread);
      }
      return;
    }
    try {
      if (page.isFull()) {
        pass(page);
      }
      page.write(kind, beginNanos, waitNanos, holdNanos, thread);
    } finally {
      unlock(page);
    }
  }

  private static void unlock(Page page) {
    try {
      page.unlock();
    } catch (Throwable noStack) { // which the plain store does not need
      page.words[Page.LOCK] = 0;
      throw noStack;
    }
  }

  /** By Fibonacci hashing: numbers that follow each other, as a pool's, are spread evenly. */
  int page(long thread) {
    return (int) ((thread * 0x9E3779B97F4A7C15L) >>> shift);
  }

  /** One that nobody writes to now, or null. */
  private @Nullable Page another(int first) {
    for (int i = 1; i < pages.length; i++) {
      Page page = pages[(first + i) & (pages.length - 1)];
      if (page.tryLock()) {
        return page;
      }
    }
    return null;
  }

  @SuppressWarnings("ThreadPriorityCheck") // a hint only: who holds a page runs or will run
  private static void letOthersRun() {
    Thread.yield();
  }

  /** Passes on what is on all pages, but for those whose writers stand still for a second. */
  void flush() {
    long start = System.nanoTime();
    for (Page page : pages) {
      boolean locked = page.tryLock();
      while (!locked && System.nanoTime() - start < LONGEST_NANOS) {
        letOthersRun();
        locked = page.tryLock();
      }
      if (locked) {
        try {
          pass(page);
        } finally {
          unlock(page);
        }
      }
    }
  }

  private void pass(Page page) {
    synchronized (sink) {
      page.passTo(sink);
    }
  }

  /** Guarded by its lock, which is a word of it, as is all else that changes with each note. */
  private static final class Page {
    // The words, after what may share a cache line with somebody else's.
    private static final int LOCK = 8;
    private static final int SIZE = 9;
    private static final int FIRST = 10;

    // The words of a note.
    private static final int KIND = 0;
    private static final int BEGIN = 1;
    private static final int WAIT = 2;
    private static final int HOLD = 3;
    private static final int WORDS = 4;

    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] words = new long[FIRST + NOTES * WORDS + 6];
    private final String[] threads = new String[NOTES];

    Page() {
      Arrays.fill(threads, "");
    }

    boolean tryLock() {
      return (long) WORD.getOpaque(words, LOCK) == 0 && WORD.compareAndSet(words, LOCK, 0L, 1L);
    }

    void unlock() {
      WORD.setRelease(words, LOCK, 0L);
    }

    boolean isFull() {
      return words[SIZE] == NOTES;
    }

    void write(long kind, long begin, long wait, long hold, String thread) {
      int note = (int) words[SIZE];
      int at = FIRST + note * WORDS;
      words[at + KIND] = kind;
      words[at + BEGIN] = begin;
      words[at + WAIT] = wait;
      words[at + HOLD] = hold;
      if (!thread.equals(threads[note])) { // mostly it is the same: a look is cheaper than a write
        threads[note] = thread;
      }
      words[SIZE] = note + 1L;
    }

    /**
     * The last first, so that whatever is thrown meanwhile repeats no note, and costs this one and
     * the next.
     */
    void passTo(NoteSink sink) {
      for (int note = (int) words[SIZE] - 1; note >= 0; note--) {
        words[SIZE] = note;
        int at = FIRST + note * WORDS;
        sink.take(
            words[at + KIND], words[at + BEGIN], words[at + WAIT], words[at + HOLD], threads[note]);
      }
    }
  }
}
