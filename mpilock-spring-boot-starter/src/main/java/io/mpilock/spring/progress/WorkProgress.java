/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.progress;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The work that this rank takes part in: a bean, for whoever wants to show how far it is. Safe for
 * use by many threads.
 *
 * @since 0.1.0
 */
public final class WorkProgress {
  private final List<SharedWork> works = new CopyOnWriteArrayList<>();
  private final List<WorkListener> listeners;

  /**
   * Makes one without work.
   *
   * @param listeners who is told
   */
  public WorkProgress(List<WorkListener> listeners) {
    this.listeners = List.copyOf(listeners);
  }

  /**
   * Notes a work that begins on this rank.
   *
   * @param name for people
   * @param units how many units it has
   * @param before how many of them were done before this start of the job
   * @param done tells how many of them are done on all ranks; called by any thread
   * @return the work, to be closed at its end
   */
  public SharedWork begin(String name, long units, long before, LongSupplier done) {
    SharedWork work = new SharedWork(this, name, units, before, done);
    works.add(work);
    try {
      listeners.forEach(listener -> listener.begins(work));
    } catch (Throwable e) {
      try (work) {
        throw e;
      }
    }
    return work;
  }

  /** Tells all, whatever one of them throws. */
  void end(SharedWork work) {
    if (works.remove(work)) {
      @Nullable RuntimeException thrown = null;
      for (WorkListener listener : listeners) {
        try {
          listener.ended(work);
        } catch (RuntimeException e) {
          thrown = e;
        }
      }
      if (thrown != null) {
        throw thrown;
      }
    }
  }

  /**
   * Tells what this rank takes part in now.
   *
   * @return in the order in which it began
   */
  public List<SharedWork> current() {
    return List.copyOf(works);
  }
}
