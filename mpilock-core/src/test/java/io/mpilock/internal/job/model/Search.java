/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job.model;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Looks at every state that a model can reach.
 *
 * <p>{@link #exhaust} goes depth first, so it also sees whether a state can be reached from itself.
 * If none can, every run ends, however it is scheduled: then nobody waits for ever if nobody waits
 * at an end, and no assumption of fairness is needed. {@link #shortest} goes breadth first.
 */
final class Search {
  /**
   * What was seen.
   *
   * @param states how many, where those that differ in names only count as one
   * @param transitions from one to another
   * @param depth of the longest path that was followed
   * @param millis how long it took
   */
  record Result(long states, long transitions, int depth, long millis) {}

  private record Known(long one, long other, @Nullable Known before) {
    @Override
    public boolean equals(@Nullable Object that) {
      return that instanceof Known known && one == known.one && other == known.other;
    }

    @Override
    public int hashCode() {
      return (int) one;
    }
  }

  private static final class Frame {
    private final byte[] state;
    private final long one;
    private final long other;
    private final List<byte[]> next = new ArrayList<>();
    private int done;

    Frame(byte[] state, long one, long other) {
      this.state = state;
      this.one = one;
      this.other = other;
    }
  }

  private final JobModel model;
  private final long mostStates;

  Search(JobModel model, long mostStates) {
    this.model = model;
    this.mostStates = mostStates;
  }

  /**
   * Looks at all states.
   *
   * @throws Violation with a path to it, if a property does not hold in one
   */
  Result exhaust() {
    long start = System.nanoTime();
    Fingerprints seen = new Fingerprints();
    Deque<Frame> path = new ArrayDeque<>();
    byte[] first = model.initial();
    path.push(new Frame(first, Fingerprints.one(first), Fingerprints.other(first)));
    seen.enter(path.element().one, path.element().other);
    long transitions = 0;
    int depth = 1;
    try {
      grow(path.element());
      while (!path.isEmpty()) {
        Frame top = path.element();
        if (top.done == top.next.size()) {
          seen.leave(top.one, top.other);
          path.pop();
          continue;
        }
        byte[] next = top.next.get(top.done++);
        transitions++;
        long one = Fingerprints.one(next);
        long other = Fingerprints.other(next);
        int colour = seen.enter(one, other);
        if (colour == Fingerprints.NEW) {
          if (seen.size() > mostStates) {
            throw new IllegalStateException("more than " + mostStates + " states");
          }
          path.push(new Frame(next, one, other));
          depth = Math.max(depth, path.size());
          grow(path.element());
        } else if (colour == Fingerprints.ON_PATH) {
          path.push(new Frame(next, one, other));
          throw new Violation(Violation.ENDS, "the last state has been before");
        }
      }
    } catch (Violation violation) {
      List<Known> way = new ArrayList<>();
      path.descendingIterator()
          .forEachRemaining(frame -> way.add(new Known(frame.one, frame.other, null)));
      throw new Violation(violation.property(), tell(violation, way));
    }
    return new Result(seen.size(), transitions, depth, (System.nanoTime() - start) / 1_000_000);
  }

  private void grow(Frame frame) {
    model.expand(frame.state, (next, step) -> frame.next.add(next));
  }

  /**
   * Looks for the nearest state in which a property does not hold.
   *
   * @throws Violation with a shortest path to it, if there is one
   */
  Result shortest() {
    long start = System.nanoTime();
    Map<Known, Known> seen = new HashMap<>();
    List<byte[]> level = new ArrayList<>(List.of(model.initial()));
    Known root = known(level.getFirst(), null);
    seen.put(root, root);
    long[] transitions = new long[1];
    int depth = 0;
    while (!level.isEmpty()) {
      depth++;
      List<byte[]> nextLevel = new ArrayList<>();
      for (byte[] state : level) {
        Known here = seen.get(known(state, null));
        try {
          model.expand(
              state,
              (next, step) -> {
                transitions[0]++;
                Known there = known(next, here);
                if (seen.putIfAbsent(there, there) == null) {
                  nextLevel.add(next);
                }
              });
        } catch (Violation violation) {
          List<Known> way = new ArrayList<>();
          for (Known known = here; known != null; known = known.before) {
            way.addFirst(known);
          }
          throw new Violation(violation.property(), tell(violation, way));
        }
        if (seen.size() > mostStates) {
          throw new IllegalStateException("more than " + mostStates + " states");
        }
      }
      level = nextLevel;
    }
    return new Result(seen.size(), transitions[0], depth, (System.nanoTime() - start) / 1_000_000);
  }

  private static Known known(byte[] state, @Nullable Known before) {
    return new Known(Fingerprints.one(state), Fingerprints.other(state), before);
  }

  /** Goes the way again, and tells each step. Names change where states that differ in them met. */
  private String tell(Violation violation, List<Known> way) {
    StringBuilder text = new StringBuilder();
    text.append(violation.getMessage()).append("\n  with ").append(model.setup).append('\n');
    List<String> lines = new ArrayList<>();
    model.traceTo(lines);
    byte[] state = model.initial();
    for (int place = 1; place < way.size(); place++) {
      Known wanted = way.get(place);
      byte[][] found = new byte[1][];
      byte[] here = state;
      try {
        model.expand(
            here,
            (next, step) -> {
              if (found[0] == null && known(next, null).equals(wanted)) {
                found[0] = next;
                lines.forEach(line -> text.append("  ").append(line).append('\n'));
                text.append(model.describe(next)).append('\n');
                model.reload(here);
              }
            });
      } catch (Violation other) {
        // Another step from here violates something, too.
      }
      if (found[0] == null) {
        throw new IllegalStateException("the way cannot be gone again, after\n" + text);
      }
      state = found[0];
    }
    lines.clear();
    try {
      model.expand(state, (next, step) -> {});
    } catch (Violation last) {
      lines.forEach(line -> text.append("  ").append(line).append('\n'));
    }
    return text.append("  ").append(violation.getMessage()).toString();
  }
}
