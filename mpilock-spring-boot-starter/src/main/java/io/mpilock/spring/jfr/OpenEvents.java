/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.jfr;

import io.mpilock.LockMode;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What one thread waits for, which is one thing at a time, and what it holds. Its own. */
final class OpenEvents {
  /** More than these at once are not remembered: what another thread ends would stay for good. */
  private static final int MOST_HOLDS = 64;

  private final LockWaitEvent wait = new LockWaitEvent();
  private boolean waits;

  private @Nullable String[] resources = new @Nullable String[4];
  private @Nullable LockMode[] modes = new @Nullable LockMode[4];

  /** Of each hold; those behind are to be used again. */
  private LockHoldEvent[] holds = {
    new LockHoldEvent(), new LockHoldEvent(), new LockHoldEvent(), new LockHoldEvent()
  };

  private int size;

  void request() {
    waits = wait.isEnabled();
    if (waits) {
      wait.begin();
    }
  }

  /** Gives the event of the request; null if none was begun. */
  @Nullable LockWaitEvent endWait() {
    LockWaitEvent event = waits ? wait : null;
    waits = false;
    return event;
  }

  void grant(String resource, LockMode mode) {
    endHold(resource, mode); // of a write that was kept, and ended by another thread
    if (!holds[0].isEnabled()) {
      return;
    }
    if (size == MOST_HOLDS) {
      takeOut(0);
    } else if (size == holds.length) {
      resources = Arrays.copyOf(resources, 2 * size);
      modes = Arrays.copyOf(modes, 2 * size);
      holds = Arrays.copyOf(holds, 2 * size);
      for (int i = size; i < holds.length; i++) {
        holds[i] = new LockHoldEvent();
      }
    }
    resources[size] = resource;
    modes[size] = mode;
    holds[size].begin();
    size++;
  }

  /** Gives the event of a hold, to be used before the next one begins; null if none was begun. */
  @Nullable LockHoldEvent endHold(String resource, LockMode mode) {
    for (int i = size - 1; i >= 0; i--) {
      if (modes[i] == mode && resource.equals(resources[i])) {
        return takeOut(i);
      }
    }
    return null;
  }

  /** Those behind it keep their order. */
  private LockHoldEvent takeOut(int hold) {
    LockHoldEvent event = holds[hold];
    size--;
    System.arraycopy(resources, hold + 1, resources, hold, size - hold);
    System.arraycopy(modes, hold + 1, modes, hold, size - hold);
    System.arraycopy(holds, hold + 1, holds, hold, size - hold);
    resources[size] = null;
    modes[size] = null;
    holds[size] = event;
    return event;
  }
}
