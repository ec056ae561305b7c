/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.internal.window.WaitRecord;
import io.mpilock.internal.window.WaitRecord.Held;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Who waits for whom (R. C. Holt, <i>Some deadlock properties of computer systems</i>, ACM
 * Computing Surveys 4, 1972): an edge leads from a thread that waits for a resource to each that
 * holds it.
 *
 * <p>Who waits to write waits for all who hold the resource. Who waits to read waits for who writes
 * it; or for another that waits to write, and that for all who read. So in both cases all who hold
 * it must leave, and a cycle is a deadlock. But from a reader to a reader there is an edge only if
 * somebody does wait to write, and it is as lasting as that wait.
 */
public final class WaitForGraph {

  /**
   * Threads that wait for each other.
   *
   * @param waits each waits for what the next one holds, and the last one for the first
   * @param writers for each of these that waits to read what the next one reads: who waits to write
   *     that
   * @param lasting whether none of the waits ends by itself
   */
  record Cycle(List<WaitRecord> waits, List<WaitRecord> writers, boolean lasting) {

    /**
     * Whether all that it rests on was so after a moment.
     *
     * @param told what this node had told the others then ({@code WaitExchange})
     */
    boolean isSeenAfter(long told) {
      return waits.stream().allMatch(wait -> wait.heard() > told)
          && writers.stream().allMatch(wait -> wait.heard() > told);
    }

    /** The request that was made last: the one to be given up. */
    WaitRecord latest() {
      WaitRecord latest = waits.getFirst();
      for (WaitRecord each : waits) {
        if (each.isLaterThan(latest)) {
          latest = each;
        }
      }
      return latest;
    }

    /** Whether it is the same one, for the same reasons; it may become lasting by and by. */
    boolean isSameAs(@Nullable Cycle other) {
      return other != null
          && lasting == other.lasting
          && areSame(waits, other.waits)
          && (!lasting || areSame(writers, other.writers));
    }

    private static boolean areSame(List<WaitRecord> some, List<WaitRecord> others) {
      if (some.size() != others.size()) {
        return false;
      }
      for (int i = 0; i < some.size(); i++) {
        if (!some.get(i).isSameAs(others.get(i))) {
          return false;
        }
      }
      return true;
    }
  }

  /** One that holds a resource, and waits for another. */
  private record Holder(WaitRecord who, boolean writes) {}

  private final Map<Long, List<Holder>> holders = new HashMap<>();

  /**
   * For each resource that somebody waits to write who does, rather in a wait that is timed: when
   * that is over, readers may be let in before the next writer.
   */
  private final Map<Long, WaitRecord> writers = new HashMap<>();

  private final Collection<WaitRecord> waits;
  private final boolean farWriters;

  WaitForGraph(Collection<WaitRecord> waits) {
    this(waits, true);
  }

  /**
   * A graph.
   *
   * @param farWriters whether a writer may keep readers out that has no part in the resource yet,
   *     as on another node; else one that does owns it, and is among those that hold it
   */
  WaitForGraph(Collection<WaitRecord> waits, boolean farWriters) {
    this.waits = waits;
    this.farWriters = farWriters;
    for (WaitRecord wait : waits) {
      for (Held held : wait.holds()) {
        holders
            .computeIfAbsent(held.resource(), _ -> new ArrayList<>())
            .add(new Holder(wait, held.writes()));
      }
      if (wait.writes()) {
        writers.merge(wait.wants(), wait, WaitForGraph::rather);
      }
    }
  }

  /** Of two that wait to write: one in time, else the earlier, which later ones do not replace. */
  private static WaitRecord rather(WaitRecord one, WaitRecord other) {
    if (one.timed() != other.timed()) {
      return one.timed() ? one : other;
    }
    return one.isLaterThan(other) ? other : one;
  }

  /**
   * Finds a shortest cycle through a wait; a lasting one, if there is one.
   *
   * @param start one of the graph's waits
   */
  @Nullable Cycle cycleThrough(WaitRecord start) {
    Cycle lasting = start.timed() ? null : cycle(start, true);
    return lasting != null ? lasting : cycle(start, false);
  }

  /**
   * Finds a cycle through a wait in a collective call.
   *
   * @param call one of the graph's waits
   * @param awaited tells which waits keep ranks from what the call waits for
   */
  @Nullable Cycle cycleThroughCall(WaitRecord call, Predicate<WaitRecord> awaited) {
    for (WaitRecord first : waits) {
      if (awaited.test(first)) {
        List<WaitRecord> path = path(first, call, false);
        if (path != null) {
          path.addFirst(call);
          return cycle(path, false);
        }
      }
    }
    return null;
  }

  private @Nullable Cycle cycle(WaitRecord start, boolean lasting) {
    List<WaitRecord> path = path(start, start, lasting);
    return path == null ? null : cycle(path, lasting);
  }

  /** Finds a shortest way from a wait to one that has an edge to another. */
  private @Nullable List<WaitRecord> path(WaitRecord start, WaitRecord end, boolean lasting) {
    Map<WaitRecord, WaitRecord> before = new HashMap<>();
    Set<WaitRecord> seen =
        new HashSet<>(List.of(start)); // a way comes to its start as its end only
    Deque<WaitRecord> queue = new ArrayDeque<>();
    queue.add(start);
    while (!queue.isEmpty()) {
      WaitRecord from = queue.remove();
      for (Holder holder : holders.getOrDefault(from.wants(), List.of())) {
        WaitRecord to = holder.who;
        if ((lasting && to.timed()) || !isEdge(from, holder, lasting)) {
          continue;
        }
        if (to.equals(end)) {
          return path(from, before);
        }
        if (seen.add(to)) {
          before.put(to, from);
          queue.add(to);
        }
      }
    }
    return null;
  }

  private boolean isEdge(WaitRecord from, Holder to, boolean lasting) {
    if (from.writes() || to.writes) {
      return !from.equals(to.who); // its own read, which it gives up to write
    }
    WaitRecord writer = farWriters ? writers.get(from.wants()) : null;
    return writer != null && !(lasting && writer.timed());
  }

  private Cycle cycle(List<WaitRecord> waits, boolean lasting) {
    List<WaitRecord> between = new ArrayList<>();
    for (int i = 0; i < waits.size(); i++) {
      WaitRecord wait = waits.get(i);
      WaitRecord next = waits.get((i + 1) % waits.size());
      boolean rests = !wait.writes() && !next.holds().contains(new Held(wait.wants(), true));
      WaitRecord writer = rests ? writers.get(wait.wants()) : null;
      if (writer != null) {
        between.add(writer);
      }
    }
    return new Cycle(waits, between, lasting);
  }

  private static List<WaitRecord> path(WaitRecord end, Map<WaitRecord, WaitRecord> before) {
    List<WaitRecord> path = new ArrayList<>();
    WaitRecord at = end;
    while (at != null) { // nothing is before the start
      path.add(at);
      at = before.get(at);
    }
    return path.reversed();
  }
}
