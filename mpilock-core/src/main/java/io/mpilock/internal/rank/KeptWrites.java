/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The writes of a rank that its threads keep beyond the code that took them. */
public final class KeptWrites {
  private final Map<ThreadHold, RankLock> kept = new ConcurrentHashMap<>();

  void add(ThreadHold hold, RankLock lock) {
    kept.put(hold, lock);
  }

  void remove(ThreadHold hold) {
    kept.remove(hold);
  }

  /** Tells what a thread keeps. */
  public List<RankLock> of(Thread thread) {
    return kept.entrySet().stream()
        .filter(one -> one.getKey().isOf(thread))
        .map(Map.Entry::getValue)
        .toList();
  }

  /** Gives one that a thread keeps, other than a resource's, or null. */
  public @Nullable RankLock beside(Thread thread, @Nullable RankLock lock) {
    return of(thread).stream().filter(one -> !one.equals(lock)).findAny().orElse(null);
  }

  /** The setting by which writes of a resource end with their bodies. */
  public static String remedy(String resource) {
    return "mpilock.resources%s.until=body"
        .formatted(resource.matches("[a-z0-9-]+") ? "." + resource : "[" + resource + "]");
  }
}
