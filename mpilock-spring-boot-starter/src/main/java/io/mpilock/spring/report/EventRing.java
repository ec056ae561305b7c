package io.mpilock.spring.report;

import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The last events of all threads of a rank, in memory that is taken once. A writer has a slot of
 * its own while it writes, so writers do not wait for each other; if the ring has gone around while
 * one of them still writes, the later event is lost. Slots are read as under a sequence lock
 * (Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012).
 */
final class EventRing {
  // The words of a slot.
  private static final int TURN = 0; // 0 for empty, WRITING, or 1 more than the event's number
  private static final int BEGIN = 1;
  private static final int WAIT = 2;
  private static final int HOLD = 3;
  private static final int KIND = 4;
  private static final int WORDS = 5;

  private static final long WRITING = -1;

  private final int capacity;
  private final AtomicLongArray words;
  private final String[] threads;
  private final AtomicLong next = new AtomicLong();

  EventRing(int capacity) {
    this.capacity = capacity;
    this.words = new AtomicLongArray(capacity * WORDS);
    this.threads = new String[capacity];
  }

  void add(long beginNanos, long waitNanos, long holdNanos, long kind, String thread) {
    long number = next.getAndIncrement();
    if (capacity == 0) {
      return;
    }
    int slot = (int) (number % capacity);
    int at = slot * WORDS;
    long turn = words.getAcquire(at + TURN);
    if (turn == WRITING || !words.compareAndSet(at + TURN, turn, WRITING)) {
      return;
    }
    VarHandle.storeStoreFence(); // WRITING before the words; pairs with loadLoadFence
    words.setOpaque(at + BEGIN, beginNanos);
    words.setOpaque(at + WAIT, waitNanos);
    words.setOpaque(at + HOLD, holdNanos);
    words.setOpaque(at + KIND, kind);
    threads[slot] = thread;
    words.setRelease(at + TURN, number + 1); // pairs with getAcquire in forEach
  }

  /** How many events there were. */
  long added() {
    return next.get();
  }

  /** Gives the events that are still there; not those that are being written or written over. */
  void forEach(EventSink sink) {
    for (int slot = 0; slot < capacity; slot++) {
      int at = slot * WORDS;
      long turn = words.getAcquire(at + TURN);
      if (turn > 0) {
        long begin = words.getOpaque(at + BEGIN);
        long wait = words.getOpaque(at + WAIT);
        long hold = words.getOpaque(at + HOLD);
        long kind = words.getOpaque(at + KIND);
        String thread = threads[slot];
        VarHandle.loadLoadFence();
        if (words.getOpaque(at + TURN) == turn) {
          sink.event(begin, wait, hold, kind, thread);
        }
      }
    }
  }
}
