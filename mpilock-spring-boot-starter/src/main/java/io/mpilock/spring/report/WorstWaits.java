package io.mpilock.spring.report;

/**
 * The events that waited longest, kept when the ring of the last events has gone around. Most
 * events only read the shortest wait that counts; one that waited longer takes the lock.
 */
final class WorstWaits {
  private final int capacity;
  private final long[] begins;
  private final long[] waits;
  private final long[] holds;
  private final long[] kinds;
  private final String[] threads;
  private int size;
  private int shortest; // the index of the shortest wait, once all places are taken
  private volatile long enough; // a wait that is not longer does not count

  WorstWaits(int capacity) {
    this.capacity = capacity;
    this.begins = new long[capacity];
    this.waits = new long[capacity];
    this.holds = new long[capacity];
    this.kinds = new long[capacity];
    this.threads = new String[capacity];
  }

  void add(long beginNanos, long waitNanos, long holdNanos, long kind, String thread) {
    if (waitNanos > enough) {
      keep(beginNanos, waitNanos, holdNanos, kind, thread);
    }
  }

  private synchronized void keep(
      long beginNanos, long waitNanos, long holdNanos, long kind, String thread) {
    if (waitNanos <= enough || capacity == 0) {
      return;
    }
    int at = size < capacity ? size++ : shortest;
    begins[at] = beginNanos;
    waits[at] = waitNanos;
    holds[at] = holdNanos;
    kinds[at] = kind;
    threads[at] = thread;
    if (size == capacity) {
      shortest = 0;
      for (int i = 1; i < capacity; i++) {
        if (waits[i] < waits[shortest]) {
          shortest = i;
        }
      }
      enough = waits[shortest];
    }
  }

  synchronized void forEach(EventSink sink) {
    for (int i = 0; i < size; i++) {
      sink.event(begins[i], waits[i], holds[i], kinds[i], threads[i]);
    }
  }
}
