package io.mpilock.protocol;

import io.mpilock.transport.NodeWindow;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
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
    List<String> holders = new ArrayList<>();
    List<String> waiters = new ArrayList<>();
    for (int rank = 0; rank < node.ranks(); rank++) {
      String held = heldBy(rank);
      if (held != null) {
        holders.add(node.who(rank) + ", " + held);
      }
      String wanted = wantedBy(rank);
      if (wanted != null) {
        waiters.add("rank " + node.jobRank(rank) + " (" + wanted + ")");
      }
    }
    return (holders.isEmpty() ? "Nobody holds it now" : "Held by " + String.join("; ", holders))
        + (waiters.isEmpty() ? "." : "; waiting: " + String.join(", ", waiters) + ".");
  }

  @Nullable String heldBy(int rank) {
    long line = words.line(rank);
    long state = window.get(words.home() + Layout.STATE);
    List<String> held = new ArrayList<>();
    if (LockWords.owner(state) == rank + 1) {
      held.add(
          ThreadId.describe(window, line + Layout.WRITER_THREAD)
              + ", write with token "
              + words.token()
              + since(window.get(line + Layout.WRITER_SINCE)));
    }
    long reads = LockWords.holds(window.get(line + Layout.READS));
    if (reads > 0) {
      held.add(
          (reads == 1 ? "1 read, " : reads + " reads, the last by ")
              + ThreadId.describe(window, line + Layout.READER));
    }
    return held.isEmpty() ? null : String.join(", and ", held);
  }

  private @Nullable String wantedBy(int rank) {
    long line = words.line(rank);
    List<String> wanted = new ArrayList<>();
    if (LockWords.phase(window.get(line + Layout.REQUEST)) == LockWords.WAITING) {
      wanted.add(
          "write, "
              + ThreadId.describe(window, line + Layout.WAITER)
              + since(window.get(line + Layout.WAITER_SINCE)));
    }
    long readers = window.get(line + Layout.WAITING_READERS);
    if (readers > 0) {
      wanted.add(readers == 1 ? "1 reader" : readers + " readers");
    }
    return wanted.isEmpty() ? null : String.join(", ", wanted);
  }

  private static String since(long epochMillis) {
    return epochMillis == 0
        ? ""
        : " since " + Instant.ofEpochMilli(epochMillis).truncatedTo(ChronoUnit.MILLIS);
  }
}
