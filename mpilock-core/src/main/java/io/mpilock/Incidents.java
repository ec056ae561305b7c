/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.CoreSettings;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Tells listeners what goes wrong in a job: deaths and poisoned resources once each. */
final class Incidents implements CoreSettings.StallListener {
  private final Listeners lockListeners;
  private final CopyOnWriteArrayList<JobListener> listeners = new CopyOnWriteArrayList<>();
  private final Set<Integer> failed = ConcurrentHashMap.newKeySet();
  private final Set<String> poisoned = ConcurrentHashMap.newKeySet();

  Incidents(Listeners lockListeners) {
    this.lockListeners = lockListeners;
  }

  void add(JobListener listener) {
    listeners.add(listener);
  }

  void remove(JobListener listener) {
    listeners.remove(listener);
  }

  @Override
  public void stalled(String resource, String report) {
    String shown = CallNames.shown(resource);
    LockListener listener = lockListeners.current();
    if (listener != null) {
      listener.stalled(shown, report);
    }
    each(told -> told.stalled(shown, report));
  }

  @Override
  public void rankFailed(int rank, String report) {
    if (failed.add(rank)) {
      each(told -> told.rankFailed(rank, report));
    }
  }

  @Override
  public void poisoned(String resource, int rank) {
    if (poisoned.add(rank + " " + resource)) { // it may have been given free in between
      each(told -> told.poisoned(CallNames.shown(resource), rank));
    }
  }

  @Override
  public void deadlocked(String resource, String report) {
    each(told -> told.deadlocked(CallNames.shown(resource), report));
  }

  private void each(Consumer<JobListener> call) {
    for (JobListener listener : listeners) {
      try {
        call.accept(listener);
      } catch (Throwable e) {
        Listeners.warn("A JobListener threw an exception, which is ignored: ", listener, e);
      }
    }
  }
}
