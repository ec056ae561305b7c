/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Sees at any moment who holds what and who asks for what, and judges by that what the product says
 * of cycles of waits. It is told by the threads themselves, around each call, and knows nothing of
 * the words in the window.
 */
final class WaitJudge {
  private static final Pattern WAIT =
      Pattern.compile(
          "Thread '([^']+)' \\(id \\d+\\) of (.+?) holds (.+?), and (?:waits|has waited) for the (read|write) of resource '([^']+)'");

  /** One request of a thread. */
  static final class Ask {
    final String thread;
    final String resource;
    final boolean writes;
    final boolean timed;
    final long at;

    private Ask(String thread, String resource, boolean writes, boolean timed, long at) {
      this.thread = thread;
      this.resource = resource;
      this.writes = writes;
      this.timed = timed;
      this.at = at;
    }

    @Override
    public String toString() {
      return "%s asks for the %s of %s%s at %d"
          .formatted(thread, writes ? "write" : "read", resource, timed ? " in time" : "", at);
    }
  }

  /** A thread's part: how often it holds each resource, and what it asks for. */
  private static final class Part {
    final Map<String, Integer> reads = new HashMap<>();
    final Map<String, Integer> writes = new HashMap<>();
    @Nullable Ask ask;

    Part() {}

    Part(Part other) {
      reads.putAll(other.reads);
      writes.putAll(other.writes);
      ask = other.ask;
    }

    boolean holds(String resource, boolean any) {
      return writes.containsKey(resource) || (any && reads.containsKey(resource));
    }
  }

  /** All threads' parts just before a request was given up, or granted. */
  private record Past(long at, boolean victim, Map<String, Part> parts) {}

  private final Map<String, Part> parts = new HashMap<>();
  private final List<Past> pasts = new ArrayList<>();
  private final Set<Set<Ask>> ended = new HashSet<>();
  private final long mostAge;
  private final long mostTime;
  private final long sameTime;
  private long stuckSince = -1;
  private int cycles;

  /**
   * A judge.
   *
   * @param mostAge how old what the product knows of a thread may be, in nanoseconds
   * @param mostTime within which it must end a cycle
   * @param sameTime requests may be so far apart, and count as made at the same time
   */
  WaitJudge(long mostAge, long mostTime, long sameTime) {
    this.mostAge = mostAge;
    this.mostTime = mostTime;
    this.sameTime = sameTime;
  }

  private Part part(String thread) {
    return parts.computeIfAbsent(thread, _ -> new Part());
  }

  Ask asks(String thread, String resource, boolean writes, boolean timed, long now) {
    Ask ask = new Ask(thread, resource, writes, timed, now);
    part(thread).ask = ask;
    return ask;
  }

  void granted(Ask ask, long now) {
    remember(now, false); // by one who has given up, and is not here yet to say so
    ended(ask);
    Part part = part(ask.thread);
    (ask.writes ? part.writes : part.reads).merge(ask.resource, 1, Integer::sum);
  }

  private void remember(long now, boolean victim) {
    pasts.add(
        new Past(
            now,
            victim,
            parts.entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, each -> new Part(each.getValue())))));
  }

  /** It was not granted. */
  void ended(Ask ask) {
    part(ask.thread).ask = null;
  }

  void released(String thread, String resource, boolean writes) {
    Part part = part(thread);
    (writes ? part.writes : part.reads)
        .computeIfPresent(resource, (_, count) -> count == 1 ? null : count - 1);
  }

  int cycles() {
    return cycles;
  }

  /**
   * A request was given up: there must have been a cycle, of just the threads that are named, which
   * nothing but this would have ended, and nothing else has.
   *
   * @return the other requests in it, which go on waiting until this thread gives something back
   */
  List<Ask> givenUp(Ask ask, String message, long now) {
    remember(now, true);
    List<Ask> cycle = null;
    String why = "";
    for (Past past : pasts.reversed()) {
      if (past.at < now - mostAge) {
        break;
      }
      List<Ask> found = new ArrayList<>();
      why = wrong(ask, message, past.parts, found);
      if (why.isEmpty()) {
        cycle = found;
        break;
      }
    }
    if (cycle == null) {
      throw new AssertionError("False alarm: " + why + "; " + message + "; " + this);
    }
    if (!ended.add(Set.copyOf(cycle))) {
      throw new AssertionError("Two requests were given up for " + cycle);
    }
    stuckSince = -1;
    cycles++;
    ended(ask);
    Ask behind = cycle.getLast();
    cycle.remove(ask);
    boolean letIn = !part(ask.thread).holds(behind.resource, true);
    return letIn ? List.of() : cycle; // it was behind the very request
  }

  /** What is wrong with a message, if things stood so; or "". */
  private String wrong(Ask victim, String message, Map<String, Part> parts, List<Ask> cycle) {
    Matcher waits = WAIT.matcher(message);
    while (waits.find()) {
      Part part = parts.get(waits.group(1));
      Ask ask = part == null ? null : part.ask;
      if (ask == null
          || !ask.resource.equals(waits.group(5))
          || ask.writes != waits.group(4).equals("write")) {
        return "that is not what %s asks for: %s".formatted(waits.group(1), ask);
      }
      if (ask.timed) {
        return "that ends by itself: " + ask;
      }
      if (ask.at > victim.at + sameTime) {
        return "that is later: " + ask;
      }
      cycle.add(ask);
    }
    if (cycle.isEmpty() || cycle.getFirst() != victim) {
      return "it does not begin with " + victim;
    }
    for (int i = 0; i < cycle.size(); i++) {
      Ask from = cycle.get(i);
      Ask to = cycle.get((i + 1) % cycle.size());
      Part next = Objects.requireNonNull(parts.get(to.thread));
      boolean reads = !from.writes && next.holds(from.resource, true);
      boolean asked = reads && parts.values().stream().anyMatch(part -> asksToWrite(part, from));
      if (!next.holds(from.resource, from.writes) && !asked && !asksToWrite(next, from)) {
        return "%s does not keep out %s".formatted(to.thread, from);
      }
    }
    return "";
  }

  private static boolean asksToWrite(Part part, Ask reader) {
    Ask ask = part.ask;
    return ask != null && ask.writes && !ask.timed && ask.resource.equals(reader.resource);
  }

  /** Those that were in a cycle with a request that was given up must not have got on since. */
  void stillWait(List<Ask> asks, String message) {
    for (Ask ask : asks) {
      if (part(ask.thread).ask != ask) {
        throw new AssertionError(
            "False alarm: it got on by itself, %s; %s; %s".formatted(ask, message, this));
      }
    }
  }

  /** Whether nobody was given up but the one at that moment, about then and since. */
  boolean isAlone(long moment) {
    return pasts.stream().filter(past -> past.victim && past.at >= moment - mostAge).count() <= 1;
  }

  /** Who waits for ever must not do so for long. */
  void look(long now) {
    List<Ask> stuck = stuck();
    if (stuck.isEmpty()) {
      stuckSince = -1;
    } else if (stuckSince < 0) {
      stuckSince = now;
    } else if (now - stuckSince > mostTime) {
      throw new AssertionError("They have waited for each other: " + stuck + "; " + this);
    }
  }

  /** Who is left when all others have come to their end who can, one after the other. */
  private List<Ask> stuck() {
    List<Ask> stuck = new ArrayList<>();
    for (Part part : parts.values()) {
      Ask ask = part.ask;
      if (ask != null && !ask.timed) {
        stuck.add(ask);
      }
    }
    boolean goesOn = true;
    while (goesOn) {
      goesOn = stuck.removeIf(ask -> stuck.stream().noneMatch(other -> keepsOut(other, ask)));
    }
    return stuck;
  }

  private boolean keepsOut(Ask other, Ask ask) {
    boolean writer =
        !ask.writes
            && other.writes
            && other.resource.equals(ask.resource)
            && !isAskedInTime(ask.resource);
    return other != ask && (writer || part(other.thread).holds(ask.resource, ask.writes));
  }

  /** When a wait to write is over, readers may be let in, whoever else waits to write. */
  private boolean isAskedInTime(String resource) {
    return parts.values().stream()
        .map(part -> part.ask)
        .anyMatch(ask -> ask != null && ask.writes && ask.timed && ask.resource.equals(resource));
  }

  @Override
  public String toString() {
    return parts.entrySet().stream()
        .map(each ->
            "%s reads %s, writes %s, %s"
                .formatted(
                    each.getKey(),
                    each.getValue().reads.keySet(),
                    each.getValue().writes.keySet(),
                    each.getValue().ask))
        .sorted()
        .collect(Collectors.joining("; "));
  }
}
