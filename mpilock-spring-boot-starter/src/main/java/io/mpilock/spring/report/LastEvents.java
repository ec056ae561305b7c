/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

/** The events that were added last, in memory that is taken once. For one thread at a time. */
final class LastEvents implements NoteSink {
  // The words of a slot.
  private static final int KIND = 0;
  private static final int BEGIN = 1;
  private static final int WAIT = 2;
  private static final int HOLD = 3;
  private static final int WORDS = 4;

  private final int capacity;
  private final long[] words;
  private final String[] threads;
  private int next;
  private int size;

  LastEvents(int capacity) {
    this.capacity = capacity;
    this.words = new long[capacity * WORDS];
    this.threads = new String[capacity];
  }

  private LastEvents(LastEvents other) {
    this.capacity = other.capacity;
    this.words = other.words.clone();
    this.threads = other.threads.clone();
    this.next = other.next;
    this.size = other.size;
  }

  LastEvents copy() {
    return new LastEvents(this);
  }

  @Override
  public void take(long kind, long beginNanos, long waitNanos, long holdNanos, String thread) {
    if (capacity == 0) {
      return;
    }
    int at = next * WORDS;
    words[at + KIND] = kind;
    words[at + BEGIN] = beginNanos;
    words[at + WAIT] = waitNanos;
    words[at + HOLD] = holdNanos;
    if (!thread.equals(threads[next])) { // mostly it is the same, and a look is cheaper
      threads[next] = thread;
    }
    next = next + 1 == capacity ? 0 : next + 1;
    size = Math.min(capacity, size + 1);
  }

  /** Gives those that are still there, in no order. */
  void forEach(NoteSink sink) {
    for (int slot = 0; slot < size; slot++) {
      int at = slot * WORDS;
      sink.take(
          words[at + KIND], words[at + BEGIN], words[at + WAIT], words[at + HOLD], threads[slot]);
    }
  }
}
