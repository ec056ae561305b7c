package io.mpilock.protocol;

import io.mpilock.protocol.job.NodeReport.Use;
import io.mpilock.transport.NodeWindow;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads from the window who holds a resource and who waits for it. A snapshot, for people. */
final class Holders {
  private final Node node;
  private final NodeWindow window;
  private final NodeLock words;

  Holders(Node node, NodeLock words) {
    this.node = node;
    this.window = node.window();
    this.words = words;
  }

  String describe() {
    return describe(node, uses(), words.token() & ~LockWords.STALE);
  }

  /** Says in words what the ranks of some node do. */
  static String describe(Node node, List<Use> uses, long token) {
    Map<Integer, List<String>> holders = new LinkedHashMap<>();
    Map<Integer, List<String>> waiters = new LinkedHashMap<>();
    for (Use use : uses) {
      (use.holds() ? holders : waiters)
          .computeIfAbsent(use.rank(), rank -> new ArrayList<>())
          .add(use.holds() ? held(use, token) : wanted(use));
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

  @Nullable String heldBy(int rank) {
    List<Use> held = new ArrayList<>();
    addHeld(rank, 0, held);
    long token = words.token() & ~LockWords.STALE;
    return held.isEmpty()
        ? null
        : held.stream().map(use -> held(use, token)).collect(Collectors.joining(", and "));
  }

  private static String held(Use use, long token) {
    if (use.writes()) {
      return thread(use) + ", write with token " + token + since(use);
    }
    return (use.threads() == 1 ? "1 read, " : use.threads() + " reads, the last by ")
        + thread(use)
        + since(use);
  }

  private static String wanted(Use use) {
    String others = use.threads() == 2 ? "another thread" : use.threads() - 1 + " other threads";
    if (use.writes()) {
      return "write, " + thread(use) + since(use) + (use.threads() == 1 ? "" : ", and " + others);
    }
    return (use.threads() == 1 ? "1 reader" : use.threads() + " readers")
        + (use.threadId() == 0 ? "" : ", " + thread(use) + since(use));
  }

  private static String thread(Use use) {
    return "thread '" + use.thread() + "' (id " + use.threadId() + ")";
  }

  private static String since(Use use) {
    return use.since() == 0
        ? ""
        : " since " + Instant.ofEpochMilli(use.since()).truncatedTo(ChronoUnit.MILLIS);
  }

  /** What threads of the node's ranks do with the resource, rank by rank. */
  List<Use> uses() {
    long waitsSince = writerWaitsSince();
    List<Use> uses = new ArrayList<>();
    for (int rank = 0; rank < node.ranks(); rank++) {
      addHeld(rank, waitsSince, uses);
      if (node.life(rank) < Node.LEFT) {
        addWanted(rank, uses);
      }
    }
    return uses;
  }

  /**
   * Since when a writer has waited on this node, or 0: who reads now began before that. With
   * phase-fair nobody knows.
   */
  private long writerWaitsSince() {
    long first = 0;
    for (int rank = 0; rank < node.ranks() && !node.settings().phaseFair(); rank++) {
      long since = isWaitingToWrite(rank) ? since(rank, Layout.WAITER_SINCE) : 0;
      first = first == 0 || (since != 0 && since < first) ? since : first;
    }
    return first;
  }

  private boolean isWaitingToWrite(int rank) {
    return LockWords.phase(window.get(words.line(rank) + Layout.REQUEST)) == LockWords.WAITING
        || isDraining(rank);
  }

  private boolean isDraining(int rank) {
    return owns(rank) && window.get(words.line(rank) + Layout.DRAINS) != 0;
  }

  private boolean owns(int rank) {
    return LockWords.owner(window.get(words.home() + Layout.STATE)) == rank + 1;
  }

  private long since(int rank, int word) {
    return window.get(words.line(rank) + word);
  }

  private void addHeld(int rank, long waitsSince, List<Use> uses) {
    long line = words.line(rank);
    if (owns(rank) && !isDraining(rank)) {
      long since = window.get(line + Layout.WRITER_SINCE);
      uses.add(
          use(
              rank,
              true,
              true,
              1,
              line + Layout.WRITER_THREAD,
              since != 0 ? since : words.tokenSince()));
    }
    int reads = (int) LockWords.holds(window.get(line + Layout.READS));
    if (reads > 0) {
      uses.add(use(rank, true, false, reads, line + Layout.READER, waitsSince));
    }
  }

  private void addWanted(int rank, List<Use> uses) {
    long line = words.line(rank);
    int behind = (int) window.get(line + Layout.WAITING_WRITERS);
    if (isWaitingToWrite(rank)) {
      long since = window.get(line + Layout.WAITER_SINCE);
      uses.add(use(rank, false, true, 1 + behind, line + Layout.WAITER, since));
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
