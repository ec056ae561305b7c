/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.failure.DeadlockException;
import io.mpilock.internal.rank.WaitForGraph.Cycle;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.internal.window.WaitRecord;
import io.mpilock.internal.window.WaitRecord.Held;
import io.mpilock.internal.window.WaitTable;
import io.mpilock.internal.window.Waiter;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Looks, for one thread's wait for a lock or for other ranks, whether it is part of a cycle of
 * waits. Used by that thread, each time that it looks for what else may have gone wrong. So a wait
 * that is over before the first look costs nothing.
 *
 * <p>A cycle counts once it was seen twice, with the same waits, and all that other nodes say of it
 * was said after the first time. <b>Why it is real then.</b> The thread that looks has waited since
 * before the first time, and holds what it says. Whoever waits for that has not been granted it, so
 * waits still, and holds what it says; and so on around the cycle, against its direction.
 *
 * <p>A cycle through a collective call is told only, since another thread of the rank that is
 * missed may still make the call. So it is with one through a wait that ends by itself.
 */
public final class DeadlockDetector implements Waiter.DeadlockCheck {
  private final RankThreads threads;
  private final RankContext node;
  private final long wants;
  private final boolean writes;
  private final boolean timed;
  private final String what;

  /** Which ranks are waited for in a collective call; null if the wait is for a lock. */
  private final @Nullable IntPredicate awaited;

  /** Of which batch of waiting readers the thread is, or less than 0 ({@link WaitTable}). */
  private final LongSupplier batch;

  private long shownBatch;
  private final long since;
  private int slot = -1;
  private @Nullable WaitRecord shown;
  private @Nullable Cycle seen;
  private long seenAt;
  private @Nullable Cycle told;

  private DeadlockDetector(
      RankThreads threads,
      long wants,
      boolean writes,
      boolean timed,
      String what,
      @Nullable IntPredicate awaited,
      LongSupplier batch,
      long waitedNanos) {
    this.threads = threads;
    this.node = threads.node();
    this.since = node.date() - TimeUnit.NANOSECONDS.toMillis(waitedNanos);
    this.wants = wants;
    this.writes = writes;
    this.timed = timed;
    this.what = what;
    this.awaited = awaited;
    this.batch = batch;
  }

  /**
   * For a wait for a lock.
   *
   * @param batch tells of which batch of waiting readers the thread is, or less than 0
   * @param waitedNanos how long it has lasted
   */
  static DeadlockDetector ofLock(
      RankThreads threads,
      RankLock lock,
      String mode,
      boolean timed,
      LongSupplier batch,
      long waitedNanos) {
    return new DeadlockDetector(
        threads,
        lock.lockLine(),
        mode.equals("write"),
        timed,
        lock.name(),
        null,
        batch,
        waitedNanos);
  }

  /**
   * For a wait in a collective call.
   *
   * @param resource the name of the call's resource
   * @param awaited which ranks of the job are waited for
   * @param waitedNanos how long it has lasted
   */
  public static DeadlockDetector ofCall(
      RankThreads threads, String resource, IntPredicate awaited, long waitedNanos) {
    return new DeadlockDetector(
        threads, WaitRecord.CALL, false, true, resource, awaited, () -> -1, waitedNanos);
  }

  /**
   * Shows the wait, and looks.
   *
   * @throws DeadlockException if this request is to be given up
   */
  @Override
  public void look() {
    WaitTable table = node.waits();
    List<Held> held = threads.holds().held();
    WaitRecord mine = show(table, held);
    if (mine == null || held.isEmpty()) {
      return;
    }
    Cycle cycle = find(table.all(), mine);
    if (cycle == null || !cycle.isSameAs(seen)) {
      seen = cycle;
      seenAt = table.told(); // behind all that was read: what hears more was said later
      return;
    }
    if (!cycle.isSeenAfter(seenAt)
        || (awaited == null && !cycle.latest().isSameAs(mine))
        || cycle.isSameAs(told)) {
      return;
    }
    told = cycle;
    if (cycle.lasting() && node.settings().failOnDeadlock()) {
      String report = text(cycle, mine);
      node.settings().stallListener().deadlocked(what, report);
      throw new DeadlockException(report);
    }
    node.stalled(what, text(cycle, mine));
  }

  private @Nullable WaitRecord show(WaitTable table, List<Held> held) {
    if (slot < 0) {
      slot = table.take();
    }
    WaitRecord before = shown;
    long reads = batch.getAsLong();
    if (slot >= 0 && (before == null || !before.holds().equals(held) || reads != shownBatch)) {
      ThreadId thread = new ThreadId(Thread.currentThread());
      shown = table.show(slot, thread, wants, writes, timed, reads, since, held);
      shownBatch = reads;
    }
    return shown;
  }

  private @Nullable Cycle find(List<WaitRecord> all, WaitRecord mine) {
    WaitForGraph graph = new WaitForGraph(all, node.agent() >= 0);
    for (WaitRecord start : all) {
      if (start.isSameAs(mine)) {
        return awaited == null
            ? graph.cycleThrough(start)
            : graph.cycleThroughCall(start, other -> isAwaited(other, all));
      }
    }
    return null;
  }

  /** Whether a thread's wait keeps its rank from what is waited for. */
  private boolean isAwaited(WaitRecord other, List<WaitRecord> all) {
    IntPredicate ranks = awaited;
    return ranks != null
        && !other.isInCall()
        && ranks.test(other.rank())
        && all.stream().noneMatch(wait -> wait.isInCall() && wait.rank() == other.rank());
  }

  /** Shows the wait no more. */
  @Override
  public void end() {
    if (slot >= 0) {
      node.waits().giveBack(slot);
      slot = -1;
    }
  }

  private String text(Cycle cycle, WaitRecord mine) {
    String others =
        cycle.waits().stream()
            .filter(wait -> !wait.isSameAs(mine))
            .map(wait -> describe(wait, "has waited for") + " since " + at(wait))
            .collect(Collectors.joining(". "));
    return describe(mine, "waits for") + ". " + others + ". " + consequence(cycle);
  }

  private String consequence(Cycle cycle) {
    if (awaited != null) {
      return "So they wait for each other, unless another thread of that rank makes the call. Make collective calls while no lock is held.";
    }
    if (!cycle.lasting()) {
      return "So they wait for each other, until the first of these waits that has a time-out is over.";
    }
    return node.settings().failOnDeadlock()
        ? "So they waited for each other, and would have done so for ever. This request was the last of them and has been given up: the others go on once this thread has released what it holds. Take locks in the same order everywhere."
        : "So they wait for each other, and will do so for ever. Take locks in the same order everywhere, or set mpilock.on-deadlock=fail.";
  }

  private String describe(WaitRecord wait, String waits) {
    return "Thread '%s' (id %d) of %s holds %s, and %s %s"
        .formatted(
            wait.name(),
            wait.thread(),
            node.whoInJob(wait.rank()),
            held(wait),
            waits,
            wanted(wait));
  }

  private String wanted(WaitRecord wait) {
    return wait.isInCall()
        ? "the other ranks in the collective call of " + CallNames.quoted(what)
        : "the " + mode(wait.writes()) + " of " + node.waits().quotedName(wait.wants());
  }

  private static Instant at(WaitRecord wait) {
    return Instant.ofEpochMilli(wait.since());
  }

  private String held(WaitRecord wait) {
    return wait.holds().isEmpty()
        ? "nothing"
        : wait.holds().stream()
            .map(held ->
                "the " + mode(held.writes()) + " of " + node.waits().quotedName(held.resource()))
            .collect(Collectors.joining(" and "));
  }

  private static String mode(boolean writes) {
    return writes ? "write" : "read";
  }
}
