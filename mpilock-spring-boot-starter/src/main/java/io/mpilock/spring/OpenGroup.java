/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.LockMode;
import io.mpilock.failure.LockUseException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The holds of several resources, of which the last is ended first. */
final class OpenGroup implements OpenHold {
  private final List<OpenHold> holds = new ArrayList<>();

  private OpenGroup() {}

  /**
   * Takes several resources in the order of their names.
   *
   * @param template says how; of any resource
   * @param timeToTry how long to try for all of them together, or null not to give up but by the
   *     template's time-outs
   * @return null if not all were granted in the time to try
   */
  static @Nullable OpenGroup of(
      ControllerLockTemplate template,
      SortedMap<String, LockMode> modes,
      @Nullable Duration timeToTry) {
    Duration limit = timeToTry == null ? template.askedTimeout() : timeToTry;
    if (limit == null) {
      checkOrder(template, modes.keySet());
    }
    long start = System.nanoTime();
    OpenGroup group = new OpenGroup();
    try {
      for (Map.Entry<String, LockMode> each : modes.entrySet()) {
        ControllerLockTemplate one = template.beside(each.getKey());
        Duration left = limit == null ? one.timeout() : left(limit, start);
        OpenHold hold = one.open(each.getValue(), left, timeToTry != null);
        if (hold == null) {
          group.giveUp();
          return null;
        }
        group.holds.add(hold);
      }
      return group;
    } catch (Throwable failure) {
      group.giveUp();
      throw failure;
    }
  }

  private static Duration left(Duration limit, long start) {
    Duration left = limit.minusNanos(System.nanoTime() - start);
    return left.isNegative() ? Duration.ZERO : left;
  }

  /** Refuses to wait without an end for a resource while this thread holds one that comes later. */
  private static void checkOrder(ControllerLockTemplate template, Collection<String> sorted) {
    String free = null;
    for (String name : sorted) {
      ControllerLockTemplate one = template.beside(name);
      if (!one.isHeldByCurrentThread()) {
        free = free == null && one.timeout() == null ? name : free;
      } else if (free != null) {
        throw new LockUseException(
            ("Thread '%s' of rank %d asks for a group with resource '%s' while it holds"
                    + " '%s', which comes later in their order: a thread that takes them in order"
                    + " would wait for this one, and this one for that. Take all of them together"
                    + " from the start, or use a time-out.")
                .formatted(Thread.currentThread().getName(), template.rank(), free, name));
      }
    }
  }

  @Override
  public void close() {
    end(OpenHold::close);
  }

  @Override
  public void giveUp() {
    end(OpenHold::giveUp);
  }

  /** Each, whatever becomes of the others. */
  private void end(Consumer<OpenHold> way) {
    if (!holds.isEmpty()) {
      try {
        way.accept(holds.removeLast());
      } finally {
        end(way);
      }
    }
  }
}
