/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import io.mpilock.internal.window.WaitRecord.Held;
import io.mpilock.transport.NodeWindow;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The threads of a node's ranks that have waited for a while, with what they hold: each rank writes
 * its own part of the window, and any thread that waits reads all.
 *
 * <p>A record is written under a sequence lock: its VERSION is negative meanwhile, and another one
 * afterwards. A reader takes what it read if VERSION was the same before and after. It is gone when
 * VERSION is 0. The thread that waits writes it, and takes it away before it goes on; so while it
 * stands there unchanged, the thread waits, and holds what it held, or has been granted what it
 * waits for and has not taken note yet. Of a reader that others let in, this is seen: then the
 * record says nothing any more. Of a writer it need not be, since nobody lets one in while somebody
 * holds who is in the way.
 */
public final class WaitTable {
  private final RankContext node;
  private final NodeWindow window;

  /** Which of this rank's records are taken: a bit for each. */
  private final AtomicLong taken = new AtomicLong();

  private final AtomicLong numbers = new AtomicLong();

  private volatile LongFunction<String> names = Long::toString;

  WaitTable(RankContext node) {
    this.node = node;
    this.window = node.window();
  }

  /** Says how resources are named in messages, by their lock lines. */
  public void nameBy(LongFunction<String> names) {
    this.names = names;
  }

  /** The name of a resource for messages. */
  public String quotedName(long lockLine) {
    return names.apply(lockLine);
  }

  /** Says, before anybody reads them, that there is nothing in a member's records. */
  public void clear(int member, int records) {
    for (int slot = 0; slot < records; slot++) {
      window.setRelease(record(member, slot) + Layout.WAIT_VERSION, 0);
    }
  }

  /** Takes one of this rank's records, or gives -1 if there is none left. */
  public int take() {
    while (true) {
      long now = taken.get();
      int slot = Long.numberOfTrailingZeros(~now);
      if (slot == Long.SIZE) {
        return -1;
      }
      if (taken.compareAndSet(now, now | 1L << slot)) {
        return slot;
      }
    }
  }

  /**
   * Shows a wait of this rank in a record that was taken, in place of what it showed.
   *
   * @param batch the batch of readers in which the thread waits to be let in; or less than 0
   */
  public WaitRecord show(
      int slot,
      ThreadId thread,
      long wants,
      boolean writes,
      boolean timed,
      long batch,
      long since,
      List<Held> held) {
    WaitRecord wait =
        new WaitRecord(
            node.myJobRank(),
            numbers.incrementAndGet(),
            thread.value(),
            Thread.currentThread().getName(),
            wants,
            writes,
            timed,
            since,
            List.copyOf(held),
            WaitRecord.HERE);
    write(record(node.me(), slot), wait.number(), wait, thread, batch);
    return wait;
  }

  /** Shows the waits of other nodes, in place of what it showed of them. Called by the agent. */
  public void showOthers(List<WaitRecord> waits) {
    for (int slot = 0; slot < Layout.OTHERS_WAITS; slot++) {
      long record = record(node.agent(), slot);
      if (slot < waits.size()) {
        write(record, numbers.incrementAndGet(), waits.get(slot), null, -1);
      } else if (window.get(record + Layout.WAIT_VERSION) != 0) {
        window.set(record + Layout.WAIT_VERSION, 0);
      } else {
        break; // and so are all behind it
      }
    }
  }

  private void write(
      long record, long version, WaitRecord wait, @Nullable ThreadId thread, long batch) {
    window.set(record + Layout.WAIT_VERSION, -version);
    if (thread != null) {
      thread.put(window, record + Layout.WAIT_THREAD);
    } else {
      window.setRelease(record + Layout.WAIT_THREAD, wait.thread());
      ThreadId.putName(window, record + Layout.WAIT_THREAD + 1, wait.name());
    }
    window.setRelease(record + Layout.WAIT_WANTS, wait.wants());
    window.setRelease(
        record + Layout.WAIT_KIND,
        (wait.writes() ? 1 : 0) | (wait.timed() ? 2 : 0) | (batch + 1) << 2);
    window.setRelease(record + Layout.WAIT_SINCE, wait.since());
    window.setRelease(record + Layout.WAIT_RANK, wait.rank() + 1L);
    window.setRelease(record + Layout.WAIT_HEARD, wait.heard());
    window.setRelease(record + Layout.WAIT_NUMBER, wait.number());
    int count = Math.min(wait.holds().size(), Layout.WAIT_HOLDS);
    window.setRelease(record + Layout.WAIT_HELD, count);
    for (int i = 0; i < count; i++) {
      Held held = wait.holds().get(i);
      window.setRelease(
          record + Layout.WAIT_HELD + 1 + i, held.resource() << 1 | (held.writes() ? 1 : 0));
    }
    window.set(record + Layout.WAIT_VERSION, version);
  }

  private long record(int member, int slot) {
    return Layout.wait(member, node.members(), node.jobSize(), slot);
  }

  /** Shows the wait no more. */
  public void giveBack(int slot) {
    try {
      window.set(record(node.me(), slot) + Layout.WAIT_VERSION, 0);
    } catch (IllegalStateException freed) {
      node.requireFreed(freed); // nobody reads it any more
    }
    taken.getAndUpdate(now -> now & ~(1L << slot));
  }

  /** What the agent has told the other nodes last. */
  public long told() {
    return window.get(Layout.WAITS_TOLD);
  }

  /** The waits of all ranks that live. */
  public List<WaitRecord> all() {
    List<WaitRecord> all = ofRanks();
    for (int slot = 0; node.agent() >= 0 && slot < Layout.OTHERS_WAITS; slot++) {
      WaitRecord wait = read(node.agent(), slot);
      if (wait == null) {
        break;
      }
      if (!node.isLost(wait.rank())) {
        all.add(wait);
      }
    }
    return all;
  }

  /** The waits of this node's ranks that live. */
  public List<WaitRecord> ofRanks() {
    List<WaitRecord> waits = new ArrayList<>();
    for (int rank = 0; rank < node.ranks(); rank++) {
      for (int slot = 0; node.life(rank) == RankContext.OPEN && slot < Layout.WAITS; slot++) {
        WaitRecord wait = read(rank, slot);
        if (wait != null) {
          waits.add(wait);
        }
      }
    }
    return waits;
  }

  /**
   * Reads a record; null if there is none, if the thread has been let in, or if it is changed now:
   * then it is to be read again.
   */
  private @Nullable WaitRecord read(int member, int slot) {
    long record = record(member, slot);
    long version = window.get(record + Layout.WAIT_VERSION);
    if (version <= 0) {
      return null;
    }
    long thread = window.get(record + Layout.WAIT_THREAD);
    String name = ThreadId.name(window, record + Layout.WAIT_THREAD);
    long wants = window.get(record + Layout.WAIT_WANTS);
    long kind = window.get(record + Layout.WAIT_KIND);
    long since = window.get(record + Layout.WAIT_SINCE);
    long rank = window.get(record + Layout.WAIT_RANK) - 1;
    long heard = window.get(record + Layout.WAIT_HEARD);
    long number = window.get(record + Layout.WAIT_NUMBER);
    int count = Math.clamp(window.get(record + Layout.WAIT_HELD), 0, Layout.WAIT_HOLDS);
    List<Held> held = new ArrayList<>(count);
    for (int i = 1; i <= count; i++) {
      long word = window.get(record + Layout.WAIT_HELD + i);
      held.add(new Held(word >> 1, (word & 1) != 0));
    }
    if (window.get(record + Layout.WAIT_VERSION) != version
        || rank < 0
        || rank >= node.jobSize()
        || isLetIn(member, wants, (kind >> 2) - 1)) {
      return null;
    }
    return new WaitRecord(
        (int) rank,
        number,
        thread,
        name,
        wants,
        (kind & 1) != 0,
        (kind & 2) != 0,
        since,
        held,
        heard);
  }

  /** Whether a batch of a member's readers has been let in; each that waits is in the next one. */
  private boolean isLetIn(int member, long lockLine, long batch) {
    long reads = lockLine + Layout.LINE + (long) member * Layout.RANK_WORDS + Layout.READS;
    return batch >= 0
        && reads >= 0
        && reads < window.words()
        && LockWords.batch(window.get(reads)) != batch;
  }
}
