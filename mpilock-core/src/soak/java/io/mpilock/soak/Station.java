/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import org.jspecify.annotations.Nullable;

/** What a thread is doing, for those who watch it. */
final class Station {
  private final String name;
  private final Thread thread;
  private volatile long since;
  private volatile long operation;
  private volatile @Nullable Mode mode;
  private volatile int resource = -1;

  Station(String name) {
    this.name = name;
    this.thread = Thread.currentThread();
  }

  void begin(long number, Mode what, int where) {
    operation = number;
    mode = what;
    resource = where;
    since = System.nanoTime() | 1;
  }

  void begin(long number, @Nullable Mode what) {
    operation = number;
    mode = what;
    resource = -1;
    since = System.nanoTime() | 1;
  }

  void end() {
    since = 0;
  }

  Thread thread() {
    return thread;
  }

  /** How long the operation has lasted; 0 between operations. */
  long nanos(long now) {
    long start = since;
    return start == 0 ? 0 : Math.max(0, now - start);
  }

  /** The thread, the operation, the resource. */
  @Override
  public String toString() {
    Mode what = mode;
    return "%s, operation %d (%s%s)"
        .formatted(
            name,
            operation,
            what == null ? "a meeting of all ranks" : what.label(),
            resource < 0 ? "" : ", resource r" + resource);
  }
}
