/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How long one thread waited for what it holds now, until the release makes an event of it. What it
 * did not wait for is not kept. Leads to nothing that leads to the recorder: it is a thread's value
 * of a ThreadLocal.
 */
final class OpenHolds {
  /** More than these at once are not remembered, so that leases never closed do not pile up. */
  private static final int MOST = 64;

  private @Nullable String[] resources = new @Nullable String[4];
  private LockUse[] uses = new LockUse[4];
  private long[] waits = new long[4]; // the wait in nanoseconds, twice; 1 more if contended
  private int size;

  void push(String resource, LockUse use, long waitNanos, boolean contended) {
    if (size != 0) {
      take(resource, use); // of a write that was kept, and ended by another thread
    }
    if (size == MOST || (waitNanos == 0 && !contended)) {
      return;
    }
    if (size == waits.length) {
      resources = Arrays.copyOf(resources, 2 * size);
      uses = Arrays.copyOf(uses, 2 * size);
      waits = Arrays.copyOf(waits, 2 * size);
    }
    resources[size] = resource;
    uses[size] = use;
    waits[size] = waitNanos << 1 | (contended ? 1 : 0);
    size++;
  }

  /** Takes the last hold of a resource off: twice its wait, 1 more if contended; 0 by default. */
  long take(String resource, LockUse use) {
    for (int i = size - 1; i >= 0; i--) {
      if (uses[i] == use && resource.equals(resources[i])) {
        long wait = waits[i];
        size--;
        System.arraycopy(resources, i + 1, resources, i, size - i);
        System.arraycopy(uses, i + 1, uses, i, size - i);
        System.arraycopy(waits, i + 1, waits, i, size - i);
        resources[size] = null;
        return wait;
      }
    }
    return 0;
  }
}
