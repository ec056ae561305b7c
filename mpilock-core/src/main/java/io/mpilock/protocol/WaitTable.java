package io.mpilock.protocol;

import io.mpilock.protocol.Waiting.Held;
import io.mpilock.transport.NodeWindow;
import java.lang.ref.WeakReference;
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
final class WaitTable {
  private final Node node;
  private final NodeWindow window;

  /** Which of this rank's records are taken: a bit for each. */
  private final AtomicLong taken = new AtomicLong();

  private final AtomicLong numbers = new AtomicLong();

  /** What the calling thread may hold. Must not lead to the node: see {@link ThreadHold}. */
  private final ThreadLocal<Mine> mine = ThreadLocal.withInitial(Mine::new);

  /**
   * A thread's holds, by home lines: of locks that can be reached, or of which it holds something.
   * One table for all locks, since a value of a ThreadLocal that is gone stays with its thread.
   */
  private static final class Mine {
    private static final int FEW = 16;

    private @Nullable Part[] parts = new Part[FEW];
    private int size;

    private record Part(ThreadHold hold, WeakReference<ProcessLock> lock) {
      boolean isNeeded() {
        return !lock.refersTo(null) || hold.isHeld();
      }
    }

    private static int slot(long home, int length) {
      return (int) (home / Layout.LINE) & (length - 1);
    }

    private int find(long home) {
      int slot = slot(home, parts.length);
      while (true) {
        Part part = parts[slot];
        if (part == null || part.hold().home() == home) {
          return slot;
        }
        slot = (slot + 1) & (parts.length - 1);
      }
    }

    /** The hold of a lock, or of one before it of the same resource; or null. */
    @Nullable ThreadHold get(ProcessLock lock) {
      Part part = parts[find(lock.home())];
      return part != null && (part.lock().refersTo(lock) || part.hold().isHeld())
          ? part.hold()
          : null;
    }

    void add(ThreadHold hold, WeakReference<ProcessLock> lock) {
      if (2 * size >= parts.length) {
        renew();
      }
      put(new Part(hold, lock));
    }

    private void put(Part part) {
      int slot = find(part.hold().home());
      size += parts[slot] == null ? 1 : 0;
      parts[slot] = part;
    }

    /** Leaves out what is needed no more. */
    private void renew() {
      @Nullable Part[] old = parts;
      int needed = 0;
      for (Part part : old) {
        needed += part != null && part.isNeeded() ? 1 : 0;
      }
      parts = new Part[Math.max(FEW, 4 * Integer.highestOneBit(Math.max(1, 2 * needed - 1)))];
      size = 0;
      for (Part part : old) {
        if (part != null && part.isNeeded()) {
          put(part);
        }
      }
    }

    int slots() {
      return parts.length;
    }

    /** Null where there is none. */
    @Nullable ThreadHold at(int slot) {
      Part part = parts[slot];
      return part == null ? null : part.hold();
    }
  }

  private volatile LongFunction<String> names = Long::toString;

  WaitTable(Node node) {
    this.node = node;
    this.window = node.window();
  }

  /** Says how resources are named in messages, by their home lines. */
  void nameBy(LongFunction<String> names) {
    this.names = names;
  }

  /** The name of a resource for messages. */
  String quotedName(long home) {
    return names.apply(home);
  }

  /** The calling thread's part in a resource, to be looked at when it waits. */
  ThreadHold hold(ProcessLock lock, WeakReference<ProcessLock> self) {
    Mine all = mine.get();
    ThreadHold known = all.get(lock);
    if (known != null) {
      return known;
    }
    ThreadHold made = new ThreadHold(Thread.currentThread(), lock.home());
    all.add(made, self);
    return made;
  }

  /** Lets go of the calling thread's holds, as {@link ProcessLock#forget} does. */
  void forget() {
    mine.remove();
  }

  /** What the calling thread holds, as far as a record has room for it. */
  List<Held> held() {
    List<Held> held = new ArrayList<>();
    Mine all = mine.get();
    for (int i = 0; i < all.slots(); i++) {
      ThreadHold hold = all.at(i);
      if (hold != null && hold.isHeld() && held.size() < Layout.WAIT_HOLDS) {
        held.add(new Held(hold.home(), hold.isWriting()));
      }
    }
    return held;
  }

  /** Whether the calling thread holds anything. */
  boolean holdsAny() {
    Mine all = mine.get();
    for (int i = 0; i < all.slots(); i++) {
      ThreadHold hold = all.at(i);
      if (hold != null && hold.isHeld()) {
        return true;
      }
    }
    return false;
  }

  /** Says, before anybody reads them, that there is nothing in a member's records. */
  void clear(int member, int records) {
    for (int slot = 0; slot < records; slot++) {
      window.setRelease(record(member, slot) + Layout.WAIT_VERSION, 0);
    }
  }

  /** Takes one of this rank's records, or gives -1 if there is none left. */
  int take() {
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
  Waiting show(
      int slot,
      ThreadId thread,
      long wants,
      boolean writes,
      boolean timed,
      long batch,
      long since,
      List<Held> held) {
    Waiting wait =
        new Waiting(
            node.myJobRank(),
            numbers.incrementAndGet(),
            thread.value(),
            Thread.currentThread().getName(),
            wants,
            writes,
            timed,
            since,
            List.copyOf(held),
            Waiting.HERE);
    write(record(node.me(), slot), wait.number(), wait, thread, batch);
    return wait;
  }

  /** Shows the waits of other nodes, in place of what it showed of them. Called by the agent. */
  void showOthers(List<Waiting> waits) {
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
      long record, long version, Waiting wait, @Nullable ThreadId thread, long batch) {
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
  void giveBack(int slot) {
    try {
      window.set(record(node.me(), slot) + Layout.WAIT_VERSION, 0);
    } catch (IllegalStateException freed) {
      node.requireFreed(freed); // nobody reads it any more
    }
    taken.getAndUpdate(now -> now & ~(1L << slot));
  }

  /** What the agent has told the other nodes last. */
  long told() {
    return window.get(Layout.WAITS_TOLD);
  }

  /** The waits of all ranks that live. */
  List<Waiting> all() {
    List<Waiting> all = ofRanks();
    for (int slot = 0; node.agent() >= 0 && slot < Layout.OTHERS_WAITS; slot++) {
      Waiting wait = read(node.agent(), slot);
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
  List<Waiting> ofRanks() {
    List<Waiting> waits = new ArrayList<>();
    for (int rank = 0; rank < node.ranks(); rank++) {
      for (int slot = 0; node.life(rank) == Node.OPEN && slot < Layout.WAITS; slot++) {
        Waiting wait = read(rank, slot);
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
  private @Nullable Waiting read(int member, int slot) {
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
    return new Waiting(
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
  private boolean isLetIn(int member, long home, long batch) {
    long reads = home + Layout.LINE + (long) member * Layout.RANK_WORDS + Layout.READS;
    return batch >= 0
        && reads >= 0
        && reads < window.words()
        && LockWords.batch(window.get(reads)) != batch;
  }
}
