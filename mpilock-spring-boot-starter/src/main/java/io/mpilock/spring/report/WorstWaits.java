/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

/** The events that waited longest. For one thread at a time. */
final class WorstWaits implements NoteSink {
  private final int capacity;
  private final long[] begins;
  private final long[] waits;
  private final long[] holds;
  private final long[] kinds;
  private final String[] threads;
  private int size;
  private int shortest; // the index of the shortest wait, once all places are taken
  private long enough; // a wait that is not longer does not count

  WorstWaits(int capacity) {
    this.capacity = capacity;
    this.begins = new long[capacity];
    this.waits = new long[capacity];
    this.holds = new long[capacity];
    this.kinds = new long[capacity];
    this.threads = new String[capacity];
  }

  /** Gives what there is now. */
  WorstWaits copy() {
    WorstWaits copy = new WorstWaits(capacity);
    forEach(copy);
    return copy;
  }

  @Override
  public void take(long kind, long beginNanos, long waitNanos, long holdNanos, String thread) {
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

  void forEach(NoteSink sink) {
    for (int i = 0; i < size; i++) {
      sink.take(kinds[i], begins[i], waits[i], holds[i], threads[i]);
    }
  }
}
