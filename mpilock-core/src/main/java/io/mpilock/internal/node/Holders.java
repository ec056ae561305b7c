/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.node;

import io.mpilock.internal.job.NodeReport.Use;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.transport.NodeWindow;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads from the window who holds a resource and who waits for it. A snapshot, for people. */
public final class Holders {
  /** How often a picture that cannot be is looked at again; it lasts some nanoseconds. */
  private static final int LOOKS = 8;

  private final RankContext node;
  private final NodeWindow window;
  private final NodeLock words;

  public Holders(RankContext node, NodeLock words) {
    this.node = node;
    this.window = node.window();
    this.words = words;
  }

  public String describe() {
    long now = System.currentTimeMillis();
    return describe(node, uses(), words.token() & ~LockWords.STALE, now);
  }

  /**
   * Says in words what the ranks of some node do.
   *
   * @param now when that node was looked at, by its clock in milliseconds of the epoch
   */
  public static String describe(RankContext node, List<Use> uses, long token, long now) {
    Map<Integer, List<String>> holders = new LinkedHashMap<>();
    Map<Integer, List<String>> waiters = new LinkedHashMap<>();
    for (Use use : uses) {
      (use.holds() ? holders : waiters)
          .computeIfAbsent(use.rank(), rank -> new ArrayList<>())
          .add(use.holds() ? held(use, token, now) : wanted(use, now));
    }
    String held =
        holders.entrySet().stream()
            .map(of -> node.whoInJob(of.getKey()) + ", " + String.join(", and ", of.getValue()))
            .collect(Collectors.joining("; "));
    String wanted =
        waiters.entrySet().stream()
            .map(of -> "rank " + of.getKey() + " (" + String.join(", ", of.getValue()) + ")")
            .collect(Collectors.joining(", "));
    return (held.isEmpty() ? "Nobody holds it now" : "Held by " + held)
        + (wanted.isEmpty() ? "." : "; waiting: " + wanted + ".");
  }

  public @Nullable String heldBy(int rank) {
    List<Use> held = new ArrayList<>();
    addHeld(rank, ownership(rank) == Ownership.WRITES, 0, held);
    long token = words.token() & ~LockWords.STALE;
    long now = System.currentTimeMillis();
    return held.isEmpty()
        ? null
        : held.stream().map(use -> held(use, token, now)).collect(Collectors.joining(", and "));
  }

  private static String held(Use use, long token, long now) {
    if (use.writes()) {
      return thread(use)
          + ", write with token "
          + token
          + since(use, now)
          + (use.kept().isEmpty() ? "" : ", " + use.kept());
    }
    return (use.threads() == 1 ? "1 read, " : use.threads() + " reads, the last by ")
        + thread(use)
        + since(use, now);
  }

  private static String wanted(Use use, long now) {
    String others = use.threads() == 2 ? "another thread" : use.threads() - 1 + " other threads";
    if (use.writes()) {
      return "write, "
          + thread(use)
          + since(use, now)
          + (use.threads() == 1 ? "" : ", and " + others);
    }
    return (use.threads() == 1 ? "1 reader" : use.threads() + " readers")
        + (use.threadId() == 0 ? "" : ", " + thread(use) + since(use, now));
  }

  private static String thread(Use use) {
    return "thread '%s' (id %d)%s"
        .formatted(
            use.thread(),
            use.threadId(),
            !use.ended()
                ? ""
                : use.kept().isEmpty()
                    ? ", which has ended and releases nothing"
                    : ", which has ended");
  }

  private static String since(Use use, long now) {
    if (use.since() == 0) {
      return "";
    }
    return use.atLeast()
        ? " for at least " + RankContext.seconds(TimeUnit.MILLISECONDS.toNanos(now - use.since()))
        : " since " + Instant.ofEpochMilli(use.since()).truncatedTo(ChronoUnit.MILLIS);
  }

  /**
   * What threads of the node's ranks do with the resource, rank by rank.
   *
   * <p>A rank that has just become the owner, and has not yet looked for readers, cannot be told
   * from one that writes; but for those readers. So a write beside another rank's read is looked at
   * again, and left out if it stays: its rank is about to wait.
   */
  public List<Use> uses() {
    List<Use> uses = look();
    for (int looks = 1; isWriteBesideReads(uses); looks++) {
      if (looks == LOOKS) {
        uses.removeIf(use -> use.holds() && use.writes());
        break;
      }
      Thread.onSpinWait();
      uses = look();
    }
    return uses;
  }

  private List<Use> look() {
    long waitsSince = writerWaitsSince();
    List<Use> uses = new ArrayList<>();
    for (int rank = 0; rank < node.ranks(); rank++) {
      Ownership ownership = ownership(rank);
      addHeld(rank, ownership == Ownership.WRITES, waitsSince, uses);
      if (node.life(rank) < RankContext.LEFT) {
        addWanted(rank, ownership, uses);
      }
    }
    return uses;
  }

  private static boolean isWriteBesideReads(List<Use> uses) {
    for (Use write : uses) {
      if (write.holds() && write.writes()) {
        return uses.stream()
            .anyMatch(use -> use.holds() && !use.writes() && use.rank() != write.rank());
      }
    }
    return false;
  }

  /**
   * Since when a writer has waited on this node, or 0: who reads now began before that. With
   * phase-fair nobody knows.
   */
  private long writerWaitsSince() {
    long first = 0;
    for (int rank = 0; rank < node.ranks() && !words.isPhaseFair(); rank++) {
      long since = waitsToWriteSince(rank);
      first = first == 0 || (since != 0 && since < first) ? since : first;
    }
    return first;
  }

  private long waitsToWriteSince(int rank) {
    return switch (ownership(rank)) {
      case DRAINS -> since(rank, Layout.WRITER_SINCE);
      case CLAIMED -> since(rank, Layout.WAITER_SINCE);
      default -> isAsking(rank) ? since(rank, Layout.WAITER_SINCE) : 0;
    };
  }

  private boolean isAsking(int rank) {
    return phase(rank) == LockWords.WAITING;
  }

  private int phase(int rank) {
    return LockWords.phase(window.get(words.line(rank) + Layout.REQUEST));
  }

  private enum Ownership {
    NONE,
    /** Is about to own. */
    CLAIMED,
    /** Owns, and waits for readers to leave. */
    DRAINS,
    WRITES
  }

  /** Read once for a look, or a rank that goes from one to the next would be seen in both. */
  private Ownership ownership(int rank) {
    // The owner first: who is named by it and waits for readers says so later.
    boolean owns = LockWords.owner(window.get(words.lockLine() + Layout.STATE)) == rank + 1;
    int phase = phase(rank);
    if (phase == LockWords.ABANDONED || phase == LockWords.RETURNING) {
      return Ownership.NONE; // it gave up, and is about to be named the owner, or was
    }
    if (phase == LockWords.CLAIMED) {
      return Ownership.CLAIMED;
    }
    if (owns && window.get(words.line(rank) + Layout.DRAINS) != 0) {
      return Ownership.DRAINS;
    }
    return owns ? Ownership.WRITES : Ownership.NONE;
  }

  private long since(int rank, int word) {
    return window.get(words.line(rank) + word);
  }

  private void addHeld(int rank, boolean writes, long waitsSince, List<Use> uses) {
    long line = words.line(rank);
    if (writes) {
      long since = window.get(line + Layout.WRITER_SINCE);
      uses.add(
          use(
                  rank,
                  true,
                  true,
                  1,
                  line + Layout.WRITER_THREAD,
                  since != 0 ? since : words.tokenSince())
              .kept(kept(line))
              .atLeast(since == 0)
              .ended(hasEnded(line, Layout.WRITER_THREAD)));
    }
    int reads = (int) LockWords.holds(window.get(line + Layout.READS));
    if (reads > 0) {
      uses.add(
          use(rank, true, false, reads, line + Layout.READER, waitsSince)
              .atLeast(true)
              .ended(hasEnded(line, Layout.READER)));
    }
  }

  /** Whether the thread that is named there is the one of which its rank has said so. */
  private boolean hasEnded(long line, int thread) {
    long ended = window.get(line + Layout.ENDED_THREAD);
    return ended != 0 && ended == window.get(line + thread);
  }

  /** Says that a thread that writes is not in the code any more that took the write; or "". */
  private String kept(long line) {
    long since = window.get(line + Layout.KEPT_SINCE);
    if (since == 0) {
      return "";
    }
    String transaction = ThreadId.nameAlone(window, line + Layout.KEPT_FOR);
    return "body ended, kept for %s since %s"
        .formatted(
            transaction.isEmpty() ? "its transaction" : "transaction " + transaction,
            Instant.ofEpochMilli(since).truncatedTo(ChronoUnit.MILLIS));
  }

  private void addWanted(int rank, Ownership ownership, List<Use> uses) {
    long line = words.line(rank);
    boolean asks = ownership == Ownership.CLAIMED || isAsking(rank);
    int threads = asks ? 1 + (int) window.get(line + Layout.WAITING_WRITERS) : 0;
    if (ownership == Ownership.DRAINS) { // it goes before those who ask
      long since = window.get(line + Layout.WRITER_SINCE);
      uses.add(use(rank, false, true, 1 + threads, line + Layout.WRITER_THREAD, since));
    } else if (asks) {
      long since = window.get(line + Layout.WAITER_SINCE);
      uses.add(use(rank, false, true, threads, line + Layout.WAITER, since));
    }
    int readers = (int) window.get(line + Layout.WAITING_READERS);
    if (readers > 0) {
      boolean known = window.get(line + Layout.WAITING_READER) != 0;
      uses.add(
          known
              ? use(
                  rank,
                  false,
                  false,
                  readers,
                  line + Layout.WAITING_READER,
                  window.get(line + Layout.WAITING_READER_SINCE))
              : new Use(node.jobRank(rank), false, false, readers, 0, "", 0));
    }
  }

  private Use use(int rank, boolean holds, boolean writes, int threads, long thread, long since) {
    return new Use(
        node.jobRank(rank),
        holds,
        writes,
        threads,
        window.get(thread),
        ThreadId.name(window, thread),
        since);
  }
}
