/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import io.mpilock.soak.Ledger.Verdict;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Looks after one rank: an operation that takes too long, a rank that gets no further, a verdict of
 * another rank. Takes no lock. After a verdict every rank leaves its report in the folder; the rank
 * that found it waits for those, and ends the job.
 */
final class Watchdog {
  private static final long LOOK_MILLIS = 200;
  private static final long PROGRESS_NANOS = 10_000_000_000L;
  private static final long HEAR_NANOS = 10_000_000_000L;
  private static final long END_MILLIS = 20_000;

  /** To start takes as long as the machine likes; the launcher may be slow, too. */
  private static final long START_NANOS = 120_000_000_000L;

  /** A rank finds its own long operation first, and knows more about it. */
  private static final long GRACE_NANOS = 5_000_000_000L;

  /** Ends the job; may not return. */
  interface Ender {
    void end(int status);
  }

  private final Settings settings;
  private final Ledger ledger;
  private final int rank;
  private final Tally tally;
  private final Ender ender;
  private final List<Station> stations = new CopyOnWriteArrayList<>();
  private final long start = System.nanoTime();
  private final long[] operations;
  private final long[] moved;
  private long told = start;
  private volatile @Nullable List<Guarded> guarded;
  private volatile boolean off;

  Watchdog(Settings settings, Ledger ledger, int rank, Tally tally, Ender ender) {
    this.settings = settings;
    this.ledger = ledger;
    this.rank = rank;
    this.tally = tally;
    this.ender = ender;
    this.operations = new long[ledger.ranks()];
    this.moved = new long[ledger.ranks()];
  }

  void start() {
    var _ = Thread.ofPlatform().daemon().name("soak-watchdog-" + rank).start(this::watch);
  }

  /** From here on nothing is looked for. */
  void off() {
    off = true;
  }

  /** Whose state tells who holds and who waits. */
  void knows(List<Guarded> resources) {
    guarded = resources;
  }

  /** For the calling thread, which is looked after from now on. */
  Station station(String name) {
    Station station = new Station(name);
    stations.add(station);
    return station;
  }

  /** What a thread found ends the soak, unless another was first. */
  void tell(Station station, Throwable found) {
    boolean violation = found instanceof Violation;
    StringBuilder report = new StringBuilder(found(station));
    report.append(violation ? found.getMessage() : "unexpected: " + found).append('\n');
    trace(report, found.getStackTrace());
    for (Throwable cause = found.getCause(); cause != null; cause = cause.getCause()) {
      report.append("caused by ").append(cause).append('\n');
      trace(report, cause.getStackTrace());
    }
    boolean _ =
        ledger.condemn(violation ? Verdict.VIOLATION : Verdict.FAILURE, rank, report.toString());
  }

  private String found(Station station) {
    return "rank %d (process %d), %s, seed %d:%n"
        .formatted(rank, ProcessHandle.current().pid(), station, settings.seed());
  }

  private void watch() {
    try {
      while (!off) {
        Thread.sleep(LOOK_MILLIS);
        if (ledger.verdict() != Verdict.NONE) {
          obey();
          return;
        }
        long now = System.nanoTime();
        tally.publish(ledger, rank);
        lookAtThreads(now);
        lookAtRanks(now);
        if (rank == 0 && now - told >= PROGRESS_NANOS) {
          told += PROGRESS_NANOS;
          progress(now);
        }
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted by nobody", e);
    }
  }

  private void lookAtThreads(long now) {
    long bound = settings.stall().toNanos();
    long longest = guarded == null ? Math.max(bound, START_NANOS) : bound;
    for (Station station : stations) {
      long nanos = station.nanos(now);
      if (nanos > longest) {
        stall(found(station) + "has taken " + seconds(nanos) + ".\n");
      }
    }
  }

  private void lookAtRanks(long now) {
    for (int other = 0; other < ledger.ranks(); other++) {
      long count = ledger.get(other, Ledger.OPERATIONS);
      if (count != operations[other]
          || moved[other] == 0
          || ledger.get(other, Ledger.STATE) != Ledger.RUNNING) {
        operations[other] = count;
        moved[other] = now;
      } else if (now - moved[other] > settings.stall().toNanos() + GRACE_NANOS) {
        stall(
            "rank %d finds that rank %d has got no further than %d operations for %s, seed %d.%n"
                .formatted(rank, other, count, seconds(now - moved[other]), settings.seed()));
      }
    }
  }

  private void stall(String what) {
    StringBuilder report = new StringBuilder(what);
    report.append("The locks say:\n");
    List<Guarded> known = guarded;
    if (known != null) {
      known.forEach(each -> report.append("  ").append(each.lock()).append('\n'));
    }
    boolean _ = ledger.condemn(Verdict.STALL, rank, report.toString());
  }

  private static String seconds(long nanos) {
    return String.format(Locale.ROOT, "%.1f s", nanos / 1e9);
  }

  private void progress(long now) {
    long count = ledger.sum(Ledger.OPERATIONS);
    System.out.printf(
        Locale.ROOT,
        "soak: %.0f s, %,d operations (%,.0f a second), %,d given up, %,d refused as expected, 0"
            + " violations%n",
        (now - start) / 1e9,
        count,
        count / ((now - start) / 1e9),
        Figures.sum(ledger, Mode.Outcome.GAVE_UP),
        Figures.sum(ledger, Mode.Outcome.REFUSED));
  }

  private void obey() throws InterruptedException {
    Verdict verdict = ledger.verdict();
    tally.publish(ledger, rank);
    if (ledger.get(rank, Ledger.HEARD)
        == 0) { // else it stood still, and goes on because it is ended
      ledger.write("rank-" + rank, describe(verdict != Verdict.VIOLATION));
      ledger.set(rank, Ledger.HEARD, 1);
    }
    int status = 10 + verdict.index();
    if (ledger.finder() == rank) {
      long since = System.nanoTime();
      while (ledger.sum(Ledger.HEARD) < ledger.ranks() && System.nanoTime() - since < HEAR_NANOS) {
        Thread.sleep(LOOK_MILLIS);
      }
      for (int other = 0; other < ledger.ranks(); other++) {
        if (ledger.get(other, Ledger.HEARD) == 0) {
          ledger.set(other, Ledger.HEARD, 1);
          ledger.write("rank-" + other, "rank " + other + " says nothing.\n");
        }
      }
      var _ = Thread.ofPlatform().daemon().start(() -> ender.end(status));
    }
    Thread.sleep(END_MILLIS);
    Runtime.getRuntime().halt(status);
  }

  private String describe(boolean withStacks) {
    long now = System.nanoTime();
    StringBuilder text = new StringBuilder("rank " + rank + ":\n");
    for (Station station : stations) {
      long nanos = station.nanos(now);
      text.append("  ").append(station);
      text.append(nanos == 0 ? ", done" : ", for " + seconds(nanos)).append('\n');
    }
    if (withStacks) {
      for (Station station : stations) { // a virtual thread is in no other list
        text.append("  thread ").append(station).append('\n');
        trace(text, station.thread().getStackTrace());
      }
      if (!settings.transport().equals("local")) { // else they are those of all ranks
        for (Map.Entry<Thread, StackTraceElement[]> each : Thread.getAllStackTraces().entrySet()) {
          text.append("  thread ").append(each.getKey()).append('\n');
          trace(text, each.getValue());
        }
      }
    }
    return text.toString();
  }

  private static void trace(StringBuilder text, StackTraceElement[] stack) {
    for (StackTraceElement element : stack) {
      text.append("    at ").append(element).append('\n');
    }
  }
}
