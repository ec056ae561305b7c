package io.mpilock.protocol;

import io.mpilock.failure.DeadlockException;
import io.mpilock.protocol.WaitForGraph.Circle;
import io.mpilock.protocol.Waiting.Held;
import java.time.Instant;
import java.util.List;
import java.util.function.LongFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Looks, for one thread's wait for a lock, whether it is part of a circle of waits. Used by that
 * thread, each time that it looks for what else may have gone wrong. So a wait that is over before
 * the first look costs nothing.
 *
 * <p>A circle counts once it was seen twice, with the same waits, and all that other nodes say of
 * it was said after the first time. <b>Why it is real then.</b> The thread that looks has waited
 * since before the first time, and holds what it says. Whoever waits for that has not been granted
 * it, so waits still, and holds what it says; and so on around the circle, against its direction.
 */
final class CircleWatch {
  private final Node node;
  private final ThreadHold hold;
  private final boolean writes;
  private final boolean timed;
  private final long since = System.currentTimeMillis();
  private int slot = -1;
  private @Nullable Waiting shown;
  private @Nullable Circle seen;
  private long seenAt;
  private @Nullable Circle told;

  CircleWatch(Node node, ThreadHold hold, boolean writes, boolean timed) {
    this.node = node;
    this.hold = hold;
    this.writes = writes;
    this.timed = timed;
  }

  /**
   * Shows the wait, and looks.
   *
   * @throws DeadlockException if this request is to be given up
   */
  void look() {
    WaitTable table = node.waits();
    List<Held> held = table.held();
    Waiting mine = show(table, held);
    if (mine == null || held.isEmpty()) {
      return;
    }
    long now = table.told();
    Circle circle = find(table, mine);
    if (circle == null || !circle.isSameAs(seen)) {
      seen = circle;
      seenAt = now;
      return;
    }
    if (!circle.isSeenAfter(seenAt) || !circle.latest().isSameAs(mine) || circle.isSameAs(told)) {
      return;
    }
    told = circle;
    if (circle.lasting() && node.settings().failOnDeadlock()) {
      throw new DeadlockException(text(circle, mine));
    }
    node.stalled(table.name(hold.home()), text(circle, mine));
  }

  private @Nullable Waiting show(WaitTable table, List<Held> held) {
    if (slot < 0) {
      slot = table.take();
    }
    Waiting before = shown;
    if (slot >= 0 && (before == null || !before.holds().equals(held))) {
      shown = table.show(slot, hold.id(), hold.home(), writes, timed, since, held);
    }
    return shown;
  }

  private static @Nullable Circle find(WaitTable table, Waiting mine) {
    List<Waiting> all = table.all();
    for (Waiting each : all) {
      if (each.isSameAs(mine)) {
        return new WaitForGraph(all).circleThrough(each);
      }
    }
    return null;
  }

  /** Shows the wait no more. */
  void end() {
    if (slot >= 0) {
      node.waits().giveBack(slot);
      slot = -1;
    }
  }

  private String text(Circle circle, Waiting mine) {
    LongFunction<String> names = node.waits()::quotedName;
    String others =
        circle.waits().stream()
            .filter(wait -> !wait.isSameAs(mine))
            .map(wait -> describe(wait, names))
            .collect(Collectors.joining("; "));
    String what =
        "Thread '%s' of %s waits for the %s of %s, and so for itself. It holds %s. %s. "
            .formatted(
                Thread.currentThread().getName(),
                node.whoInJob(mine.rank()),
                mode(mine.writes()),
                names.apply(mine.wants()),
                held(mine, names),
                others);
    if (!circle.lasting()) {
      return what + "At least one of these waits is timed, so it will end.";
    }
    return what
        + (node.settings().failOnDeadlock()
            ? "This request was the last of them, so it was given up: the others go on once this thread has released what it holds. Take locks in the same order everywhere."
            : "They will wait for ever. Take locks in the same order everywhere, or set mpilock.on-deadlock=fail.");
  }

  private String describe(Waiting wait, LongFunction<String> names) {
    return "Thread '%s' (id %d) of %s holds %s, and has waited for the %s of %s since %s"
        .formatted(
            wait.name(),
            wait.thread(),
            node.whoInJob(wait.rank()),
            held(wait, names),
            mode(wait.writes()),
            names.apply(wait.wants()),
            Instant.ofEpochMilli(wait.since()));
  }

  private static String held(Waiting wait, LongFunction<String> names) {
    return wait.holds().stream()
        .map(held -> "the " + mode(held.writes()) + " of " + names.apply(held.resource()))
        .collect(Collectors.joining(", "));
  }

  private static String mode(boolean writes) {
    return writes ? "write" : "read";
  }
}
