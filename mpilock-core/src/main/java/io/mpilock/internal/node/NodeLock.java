package io.mpilock.internal.node;

import static io.mpilock.internal.window.LockWords.ABANDONED;
import static io.mpilock.internal.window.LockWords.CLAIMED;
import static io.mpilock.internal.window.LockWords.COUNT_MASK;
import static io.mpilock.internal.window.LockWords.DRAINING;
import static io.mpilock.internal.window.LockWords.INTENT;
import static io.mpilock.internal.window.LockWords.MANY_HOLDS;
import static io.mpilock.internal.window.LockWords.MANY_WAITING;
import static io.mpilock.internal.window.LockWords.NONE;
import static io.mpilock.internal.window.LockWords.ONE_BATCH;
import static io.mpilock.internal.window.LockWords.ONE_HOLD;
import static io.mpilock.internal.window.LockWords.ONE_PENDING;
import static io.mpilock.internal.window.LockWords.ONE_SEQUENCE;
import static io.mpilock.internal.window.LockWords.ONE_WAITING;
import static io.mpilock.internal.window.LockWords.OWNER_MASK;
import static io.mpilock.internal.window.LockWords.POISONED;
import static io.mpilock.internal.window.LockWords.RETURNING;
import static io.mpilock.internal.window.LockWords.WAITING;
import static io.mpilock.internal.window.LockWords.batch;
import static io.mpilock.internal.window.LockWords.holds;
import static io.mpilock.internal.window.LockWords.isBefore;
import static io.mpilock.internal.window.LockWords.isFree;
import static io.mpilock.internal.window.LockWords.owner;
import static io.mpilock.internal.window.LockWords.pending;
import static io.mpilock.internal.window.LockWords.phase;
import static io.mpilock.internal.window.LockWords.request;
import static io.mpilock.internal.window.LockWords.sequence;
import static io.mpilock.internal.window.LockWords.waiting;
import static io.mpilock.internal.window.LockWords.withOwner;
import static io.mpilock.internal.window.LockWords.withPending;

import io.mpilock.failure.LockUseException;
import io.mpilock.internal.job.Permission;
import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.internal.window.Waiter;
import io.mpilock.transport.NodeWindow;
import java.lang.invoke.VarHandle;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The lock of one resource among the ranks of a node: an abortable readers-writer lock with a first
 * come, first served request table, on the words of {@link Layout} and {@link LockWords}.
 *
 * <h2>Invariants</h2>
 *
 * <ol>
 *   <li>Only the owner gives ownership away or claims a request, and there is one owner:
 *       STATE.owner goes from 0 to a rank, from a rank to another or to 0, by compare-and-set, and
 *       only the rank that it names does the last two; but for a rank that is gone ({@link
 *       Recovery}), and one that was named when it had given up (ABANDONED, {@link #takeBack}).
 *   <li>The owner writes only after it has seen every rank's holds at 0 once. A reader enters only
 *       if it sees pending = 0 after it has counted itself in holds. Both are sequentially
 *       consistent, so of a reader and a writer that come together at least one sees the other
 *       (Dekker); the reader gives way.
 *   <li>pending counts every request from before it is published until it is withdrawn or its
 *       ownership has ended. So pending = 0 means that nobody writes and nobody asks.
 *   <li>A rank that owns nothing is counted in pending just as its REQUEST says: once while it is
 *       WAITING, CLAIMED or ABANDONED, not while it is NONE, and INTENT while that changes. So what
 *       a dead rank left in pending can be counted anew ({@link Recovery}).
 *   <li>Nobody sleeps for ever next to a free lock: a requester publishes and then looks at owner;
 *       one that sets owner to 0 looks at the requests again (Dekker).
 *   <li>In a job of several nodes the agent is a member like the ranks. While the node may not
 *       write the agent owns; while it may not even read, the agent is counted in pending too. So
 *       the permission of the node costs a rank that has it nothing. A requester that finds the
 *       agent the owner tells it, whenever it has published; the agent looks at the requests after
 *       it has become the owner (Dekker). Its own request goes before those of the ranks.
 *   <li>A rank that is gone changes nothing any more that others recover. What takes one step (a
 *       release with nobody else asking) compares the owner in that step; what takes several is
 *       between {@link RankContext#enter} and {@link RankContext#leave}.
 *   <li>Nobody waits for another process between two of its steps but in a {@link Waiter}, which
 *       ends. A rank whose request is claimed and that gives up marks it ABANDONED and then looks
 *       at owner; whoever names it the owner looks at the mark afterwards (Dekker): one of the two
 *       takes ownership back.
 *   <li>Whatever is thrown between two steps, a thread's {@link UndoRecord} says what it has in the
 *       words ({@code published} and {@code counted} what its rank has), so that it gives it back:
 *       {@link #giveBack}, {@link #finish}.
 * </ol>
 *
 * <h2>Order</h2>
 *
 * A request takes its number and its place in pending in one step. The fast path needs pending = 0,
 * and whoever finds the lock free in the slow path hands it to the smallest published number first.
 * A thread that stands behind others of its rank takes its number when it comes, too; then its
 * rank's request shows its number or a smaller one, unless its rank owns ({@link WriteQueue}). So a
 * thread that had its place before another asked is granted before it.
 *
 * <p>Source: the table of requests that the releaser scans is that of the readers-writer lock of
 * the design document; the readers' side is the distributed counter of Hsieh and Weihl, "Scalable
 * Reader-Writer Locks for Parallel Systems" (IPPS 1992); phase-fairness is Brandenburg and
 * Anderson, "Spin-Based Reader-Writer Synchronization for Multiprocessor Real-Time Systems" (2010).
 */
public final class NodeLock {
  private static final String STANDS_STILL =
      "; that normally takes no time, so if this is reported again, check"
          + " whether the process is stopped.";

  static final long NOBODY = -1;
  private static final int LOST = -1;
  private static final int ANYBODY = -1;

  /** Somebody writes, or asks to. Not a token: those are not negative. */
  public static final long BUSY = -1;

  /** The lock is owned now, but not all readers have left. */
  public static final long READ = -2;

  private final RankContext node;
  private final @Nullable String name;
  private final String resource;
  private final NodeWindow window;
  private final int members;
  private final int agent;
  private final int me;
  private final long lockLine;
  private final long state;
  private final long myReads;
  private final long myRequest;

  /** The lower half of STATE while this member owns and nobody asks. */
  private final int alone;

  private final Bell readerBell;
  private final boolean phaseFair;
  private final boolean releaseOnDeath;
  private final WriteQueue queue;

  /** The request that stands in the table for a thread of this rank; guarded by the queue. */
  private long published;

  /** While the request is INTENT: whether pending counts it. Guarded by the queue, as above. */
  private boolean counted;

  /** ATTENTION says that this rank has told the agent, and it was cut short before it had. */
  private volatile boolean untold;

  /**
   * How often in a row this rank's threads passed the write among themselves; guarded by ownership.
   */
  private int handovers;

  /** One of this rank's threads; or the agent, by its number. */
  public NodeLock(RankContext node, long lockLine, int me) {
    this(node, lockLine, me, null);
  }

  /** One of this rank's threads; with the resource's name for messages. */
  public NodeLock(RankContext node, long lockLine, int me, @Nullable String name) {
    this(
        node,
        lockLine,
        me,
        name,
        name == null ? node.settings().phaseFair() : node.settings().phaseFair(name));
  }

  private NodeLock(
      RankContext node, long lockLine, int me, @Nullable String name, boolean phaseFair) {
    this.node = node;
    this.name = name;
    this.resource = name == null ? "a resource" : CallNames.quoted(name);
    this.window = node.window();
    this.members = node.members();
    this.agent = node.agent();
    this.me = me;
    this.lockLine = lockLine;
    this.state = lockLine + Layout.STATE;
    this.myReads = line(me) + Layout.READS;
    this.myRequest = line(me) + Layout.REQUEST;
    this.alone = (int) ONE_PENDING + me + 1;
    this.phaseFair = phaseFair;
    this.releaseOnDeath = node.settings().releaseOnDeath();
    this.readerBell =
        new Bell(window, lockLine + Layout.READER_BELL, node.bellWatcher(), 0, node.ranks(), true);
    this.queue = new WriteQueue(node, this);
  }

  /** The agent's, which tells nobody of what becomes of the resource: the ranks do. */
  public static NodeLock ofAgent(RankContext node, long lockLine, String name) {
    return new NodeLock(node, lockLine, node.agent(), null, node.settings().phaseFair(name));
  }

  /** Whether readers that wait go before the next writer. */
  public boolean isPhaseFair() {
    return phaseFair;
  }

  /** The index of the lock line: the identity of the resource on this node. */
  public long lockLine() {
    return lockLine;
  }

  public long line(int rank) {
    return lockLine + Layout.LINE + (long) rank * Layout.RANK_WORDS;
  }

  public Bell bell(int rank) {
    long epoch = line(rank) + Layout.WRITER_BELL;
    return new Bell(window, epoch, node.bellWatcher(), rank, rank + 1, false);
  }

  public int me() {
    return me;
  }

  /** Wakes a member that waits for its request, or for readers to leave. */
  void ring(int member) {
    if (member == agent) {
      tellAgent();
    } else {
      bell(member).ring();
    }
  }

  // The node's agent, in a job of several nodes.

  /** Whether the node may not write now, or is about to be told that it may. */
  boolean isAgents() {
    return agent >= 0 && owner(window.get(state)) == agent + 1;
  }

  /** Whether the node may not even read now. */
  boolean isClosedToReaders() {
    long now = window.get(state);
    return agent >= 0 && owner(now) == agent + 1 && pending(now) != 0;
  }

  /** Has the agent look at this resource. */
  void tellAgent() {
    if (untold) {
      tellAnew();
    }
    if (window.compareAndSet(lockLine + Layout.ATTENTION, 0, me + 1)) {
      boolean told = false;
      try {
        putInInbox();
        told = true;
      } finally {
        if (!told) {
          untold = true;
        }
      }
      new Bell(window, Layout.AGENT_BELL).ring();
    }
  }

  /** Whoever comes next tells in place of one that was cut short: nobody else can. */
  private void tellAnew() {
    synchronized (this) {
      if (untold) {
        window.set(lockLine + Layout.ATTENTION, 0);
        untold = false;
      }
    }
  }

  private void putInInbox() {
    long first;
    do {
      first = window.get(Layout.INBOX);
      window.set(lockLine + Layout.NEXT, first);
    } while (!window.compareAndSet(Layout.INBOX, first, lockLine));
  }

  /** Has the agent look at this resource, if it is the agent that can go on. */
  void tellAgentOwner() {
    if (isAgents()) {
      tellAgent();
    }
  }

  /** In case that a rank died between its request and its word to the agent. */
  public void remindAgent() {
    if (isAgents()) {
      tellAgent();
      new Bell(window, Layout.AGENT_BELL).ring();
    }
  }

  /** Says that this thread tries and does not wait for holds; gives the number of its try. */
  public long countTry(UndoRecord undo) {
    long before = window.getAndAdd(lockLine + Layout.TRIES, 1);
    undo.tries = true;
    return before + 1;
  }

  /** Ends what {@link #countTry} began. */
  public void endTry(UndoRecord undo) {
    window.getAndAdd(lockLine + Layout.ENDED_TRIES, 1);
    undo.tries = false;
  }

  /**
   * Whether it is the agent that keeps ranks out, and not a rank: it owns, or is about to, since
   * nobody does.
   */
  public boolean isKeptByAgent() {
    int owner = owner(window.get(state));
    return agent >= 0
        && (owner == agent + 1
            || (owner == 0 && (window.get(line(agent) + Layout.REQUEST) != NONE || isAgents())));
  }

  /** As {@link #isKeptByAgent}, for a rank that wants to read. */
  public boolean isKeptFromReading() {
    return isKeptByAgent() && pending(window.get(state)) != 0;
  }

  /**
   * Whether a try must give up: the home has refused it, or a rank of this node is in its way, or
   * the agent is not, so that there is nothing to wait for.
   */
  public boolean isRefused(long tries, boolean reads) {
    return window.get(lockLine + Layout.REFUSED) >= tries
        || (reads
            ? !isKeptFromReading() || wanted() == Permission.EXCLUSIVE
            : !isKeptByAgent() || !isUnread());
  }

  /** Nobody can grant what the agent would have to ask for, or take back what it has begun. */
  public void throwIfBroken() {
    if (isAgents() || (agent >= 0 && window.get(line(agent) + Layout.REQUEST) != NONE)) {
      node.throwIfBroken();
    }
  }

  // Readers.

  /** Enters as a reader if no write is held or requested. */
  public boolean tryRead() {
    return tryRead(new UndoRecord());
  }

  public boolean tryRead(UndoRecord undo) {
    return tryRead(window, undo);
  }

  /** As {@link #tryRead()}; gives the token of the last write, or {@link #BUSY}. */
  public long enterRead(UndoRecord undo) {
    NodeWindow words = window; // once: the compiler takes what follows an atomic for changed
    return tryRead(words, undo) ? words.get(lockLine + Layout.TOKEN) : BUSY;
  }

  private boolean tryRead(NodeWindow words, UndoRecord undo) {
    if (pending(words.get(state)) != 0) {
      return false;
    }
    long before = words.getAndAdd(myReads, ONE_HOLD);
    undo.reads = 1;
    if (pending(words.get(state)) == 0 && (before & MANY_HOLDS) == 0) {
      return true;
    }
    releaseRead(undo);
    if ((before & MANY_HOLDS) != 0) {
      refuse(MANY_HOLDS, "read");
    }
    return false;
  }

  /** But of a rank that has gone others clear the holds, and what it gives back later carries. */
  private void refuse(long most, String what) {
    if (!node.hasGone()) {
      throw new LockUseException(
          ("More than %d threads of rank %d %s %s at once. Close the leases of"
                  + " threads that no longer need it.")
              .formatted(most, node.jobRank(me), what, resource));
    }
  }

  /** Counts a hold for a thread that owns the write: it becomes a reader when the write ends. */
  public void addReadUnderWrite() {
    window.getAndAdd(myReads, ONE_HOLD);
  }

  public void releaseRead() {
    releaseRead(new UndoRecord());
  }

  public void releaseRead(UndoRecord undo) {
    long before = window.getAndAdd(myReads, -ONE_HOLD);
    undo.reads = 0;
    if ((before & DRAINING) != 0 && holds(before) == 1) {
      ringDrainer();
    }
  }

  void ringDrainer() {
    int owner = owner(window.get(state));
    if (owner != 0 && owner != POISONED) {
      ring(owner - 1);
    }
  }

  /** Waits to enter as a reader; false if the wait was given up. */
  public boolean awaitRead(Waiter waiter) {
    return alone(new UndoRecord(), undo -> awaitRead(undo, waiter));
  }

  /** As {@link #awaitRead(Waiter)}. If it throws, the caller is to {@link #giveBack}. */
  public boolean awaitRead(UndoRecord undo, Waiter waiter) {
    window.getAndAdd(line(me) + Layout.WAITING_READERS, 1);
    undo.shows = true;
    // The agent lets waiting readers in by name too, or a recall could come before they look.
    boolean reads =
        (phaseFair || agent >= 0) ? awaitBatch(undo, waiter) : awaitNoWriter(undo, waiter);
    showNoMore(undo);
    return reads;
  }

  private void showNoMore(UndoRecord undo) {
    window.getAndAdd(line(me) + Layout.WAITING_READERS, -1);
    undo.shows = false;
  }

  private boolean awaitNoWriter(UndoRecord undo, Waiter waiter) {
    BooleanSupplier mayEnter = () -> pending(window.get(state)) == 0 || isPoisoned();
    while (!tryRead(undo)) {
      throwIfPoisoned();
      if (!waiter.pause(readerBell, mayEnter)) {
        return false;
      }
    }
    return true;
  }

  private boolean awaitBatch(UndoRecord undo, Waiter waiter) {
    long before = window.getAndAdd(myReads, ONE_WAITING);
    undo.waitsSince = before;
    undo.waits = true;
    if (waiting(before) >= MANY_WAITING) {
      giveBackRead(undo);
      refuse(MANY_WAITING, "wait to read");
      return false;
    }
    tellAgentOwner();
    BooleanSupplier goesOn =
        () ->
            batch(window.get(myReads)) != batch(undo.waitsSince)
                || pending(window.get(state)) == 0
                || isPoisoned();
    while (true) {
      long reads = window.get(myReads);
      if (batch(reads) != batch(undo.waitsSince)) {
        undo.reads = 1; // the releasing writer turned this thread's wait into a hold
        undo.waits = false;
        return true;
      }
      if (pending(window.get(state)) == 0) {
        if ((reads & MANY_HOLDS) != 0) {
          leaveBatch(undo);
          if (undo.reads != 0) {
            return true;
          }
          refuse(MANY_HOLDS, "read");
          return false;
        }
        if (window.compareAndSet(myReads, reads, reads - ONE_WAITING + ONE_HOLD)) {
          undo.reads = 1;
          undo.waits = false;
          if (pending(window.get(state)) == 0) {
            return true;
          }
          waitAgain(undo);
          tellAgentOwner(); // which may have looked in between, and seen nobody wait
        }
        continue;
      }
      boolean poisoned = isPoisoned();
      if (poisoned || !waiter.pause(readerBell, goesOn)) {
        leaveBatch(undo);
        poisoned |= isPoisoned();
        if (undo.reads != 0 && (poisoned || isTooLate(waiter))) {
          releaseRead(undo);
        }
        if (poisoned) {
          throw poisoned();
        }
        return undo.reads != 0;
      }
    }
  }

  private void waitAgain(UndoRecord undo) {
    while (true) {
      long reads = window.get(myReads);
      if (window.compareAndSet(myReads, reads, reads - ONE_HOLD + ONE_WAITING)) {
        undo.reads = 0;
        undo.waitsSince = reads;
        undo.waits = true;
        if ((reads & DRAINING) != 0 && holds(reads) == 1) {
          ringDrainer();
        }
        return;
      }
    }
  }

  /** Waits no more; if it was let in at the last moment, it holds. */
  private void leaveBatch(UndoRecord undo) {
    while (true) {
      long reads = window.get(myReads);
      if (batch(reads) != batch(undo.waitsSince)) {
        undo.reads = 1;
        undo.waits = false;
        return;
      }
      if (waiting(reads) == 0) {
        undo.waits = false;
        return; // this rank has gone, and was recovered
      }
      if (window.compareAndSet(myReads, reads, reads - ONE_WAITING)) {
        undo.waits = false;
        tellAgentOwner();
        return;
      }
    }
  }

  /** Waits for somebody whose thread keeps no grip: what is cut short is given back at once. */
  private boolean alone(UndoRecord undo, Predicate<UndoRecord> wait) {
    try {
      return wait.test(undo);
    } catch (Throwable failure) {
      giveBack(undo);
      throw failure;
    }
  }

  private void giveBackRead(UndoRecord undo) {
    if (undo.waits) {
      leaveBatch(undo);
    }
    if (undo.reads != 0) {
      releaseRead(undo);
    }
  }

  // What was cut short.

  /**
   * Gives back all that a request has left which was cut short: nobody else would. Where it is cut
   * short itself it goes on, if it is called again.
   */
  public void giveBack(UndoRecord undo) {
    unlockQueue(undo);
    if (undo.drains) {
      drainNoMore(undo);
    }
    if (undo.shows) {
      showNoMore(undo);
    }
    if (undo.turn != null) {
      queue.leave(undo, false);
    }
    giveBackRead(undo);
    if (undo.tries) {
      endTry(undo);
    }
    finish(undo);
  }

  /** Lets the other threads of this rank go on, whatever this one could not give back. */
  public void unlockQueue(UndoRecord undo) {
    if (undo.locks) {
      queue.unlock(undo);
    }
  }

  /** Goes on with a release of ownership that was cut short; as {@link #giveBack}. */
  public void finish(UndoRecord undo) {
    if (undo.returning != NONE) {
      returnOwn(undo);
    }
    if (undo.ends != NOBODY) {
      end(undo);
    }
    letGo(undo);
    if (undo.recovers) {
      endRecovery(undo);
    }
    while (undo.entered != 0) {
      leave(undo);
    }
    if (undo.silent) {
      takeBack(); // if who was named had given up
      ringAll();
      undo.silent = false;
    }
  }

  /**
   * Gives ownership away in one step, and without waking anybody: to whom it was promised, or to
   * nobody. Who asks takes it then, in order.
   */
  public void letGo(UndoRecord undo) {
    while (undo.writes != 0) {
      long now = window.get(state);
      if ((now & OWNER_MASK) != me + 1) { // this rank is gone, and was recovered
        lose(undo);
        return;
      }
      long left = undo.uncounted ? now : now - ONE_PENDING;
      if (window.compareAndSet(state, now, (left & ~OWNER_MASK) | (undo.heir + 1))) {
        lose(undo);
        undo.silent = true;
        return;
      }
    }
  }

  private static void lose(UndoRecord undo) {
    undo.writes = 0;
    undo.uncounted = false;
    undo.heir = UndoRecord.NOBODY;
  }

  boolean enter(UndoRecord undo) {
    if (!node.enter()) {
      return false;
    }
    undo.entered++;
    return true;
  }

  void leave(UndoRecord undo) {
    node.leave();
    undo.entered--;
  }

  /** Whether a grant after the wait was given up is of no use. A try asks for no more than that. */
  static boolean isTooLate(Waiter waiter) {
    return !waiter.isTry() || waiter.wasInterrupted();
  }

  /** Lets the waiting readers in, as the owner, before the write is given away. */
  public void admitReaders() {
    boolean any = false;
    for (int rank = 0; rank < members; rank++) {
      long index = line(rank) + Layout.READS;
      long reads = window.get(index);
      while (waiting(reads) != 0 && holds(reads) + waiting(reads) <= COUNT_MASK) {
        long admitted = reads - waiting(reads) * ONE_WAITING + waiting(reads) + ONE_BATCH;
        if (window.compareAndSet(index, reads, admitted)) {
          any = true;
          break;
        }
        reads = window.get(index);
      }
    }
    if (any) {
      readerBell.ring();
    }
  }

  // Writers.

  /**
   * Begins a write if nobody owns, asks, or reads: gives its token, or {@link #BUSY}, or {@link
   * #READ}.
   */
  public long enterWrite(UndoRecord undo) {
    NodeWindow words = window; // once, as in enterRead
    if (!tryOwn(words, undo)) {
      return BUSY;
    }
    return isUnread(words) ? beginWrite(words) : READ;
  }

  /** Becomes the owner if nobody owns or asks. The readers may not have left yet. */
  public boolean tryOwn() {
    return tryOwn(new UndoRecord());
  }

  public boolean tryOwn(UndoRecord undo) {
    return tryOwn(window, undo);
  }

  private boolean tryOwn(NodeWindow words, UndoRecord undo) {
    long now = words.get(state);
    if (isFree(now)
        && words.compareAndSet(state, now, now + ONE_SEQUENCE + ONE_PENDING + (me + 1))) {
      undo.writes = 1;
      return true;
    }
    return false;
  }

  public boolean isUnread() {
    return isUnread(window);
  }

  private boolean isUnread(NodeWindow words) {
    for (int rank = 0; rank < members; rank++) {
      if (holds(words.get(line(rank) + Layout.READS)) != 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * Says which process keeps the lock from going on because it stands still between two of its
   * steps: stopped, or in a long garbage collection. "" if none does.
   */
  public String describeStandstill() {
    int owner = owner(window.get(state));
    long recoverer = window.get(lockLine + Layout.RECOVERER);
    for (int member = 0; member < members; member++) {
      int phase = phase(window.get(line(member) + Layout.REQUEST));
      if (phase == CLAIMED && owner != 0 && owner <= members && owner != member + 1) {
        return "%s is about to give the write to %s%s"
            .formatted(node.who(owner - 1), node.who(member), STANDS_STILL);
      }
      if (phase == INTENT && !node.isGone(member)) {
        return node.who(member) + " is about to ask for the write, or to give up" + STANDS_STILL;
      }
    }
    return recoverer > 0 && recoverer <= members
        ? node.who((int) recoverer - 1) + " recovers what a dead rank left" + STANDS_STILL
        : "";
  }

  /**
   * Waits to become the owner; false if the wait was given up.
   *
   * @param id who waits, for diagnosis
   */
  public boolean awaitOwnership(ThreadId id, Waiter waiter) {
    return alone(new UndoRecord(), undo -> awaitOwnership(undo, id, waiter));
  }

  /**
   * As {@link #awaitOwnership(ThreadId, Waiter)}. If it throws, the caller is to {@link #giveBack}.
   */
  public boolean awaitOwnership(UndoRecord undo, ThreadId id, Waiter waiter) {
    return queue.await(undo, id, waiter);
  }

  /** Has the threads that wait to write look whether the controller is closed. */
  public void wakeWriters() {
    queue.wakeAll();
  }

  /** Whether this member has no request in the table. Does for an earlier one what can be done. */
  public boolean mayAsk() {
    if (phase(window.get(myRequest)) == ABANDONED) {
      takeBack();
    }
    return phase(window.get(myRequest)) == NONE;
  }

  /**
   * Publishes this member's request; not if it closes.
   *
   * @param threads how many numbers it takes: the first of them for the request, the others for
   *     those who come after it
   */
  void ask(UndoRecord undo, int threads) {
    if (!enter(undo)) {
      return;
    }
    counted = false;
    window.set(myRequest, request(0, INTENT));
    if (node.isClosed() && me != agent) { // close looks at the request after it has said so
      window.set(myRequest, NONE);
    } else {
      long before = window.getAndAdd(state, threads * ONE_SEQUENCE + ONE_PENDING);
      counted = true;
      long mine = request(sequence(before) + 1L, WAITING);
      window.set(myRequest, mine);
      published = mine;
    }
    leave(undo);
  }

  /**
   * The request of the thread of this rank for which something stands in the table; NONE if there
   * is none.
   */
  long published() {
    return published;
  }

  /**
   * Goes on where something was thrown while this member's request was about to be published or
   * withdrawn. Nothing if it was not.
   *
   * @param next the request that is to stand there, or NONE
   */
  void endIntent(long next) {
    if (phase(window.get(myRequest)) != INTENT) {
      return;
    }
    if (next == NONE) {
      if (counted) {
        dropPending();
      }
      window.set(myRequest, NONE);
      published = NONE;
    } else {
      publish(next);
    }
  }

  /** Counts a request, which is INTENT, and shows it. */
  private void publish(long request) {
    if (!counted) {
      window.getAndAdd(state, ONE_PENDING);
      counted = true;
    }
    window.set(myRequest, request);
    published = request;
  }

  /** Takes a number for a thread that waits behind the one of this member's request. */
  int takeNumber() {
    return sequence(window.getAndAdd(state, ONE_SEQUENCE)) + 1;
  }

  /**
   * Ends the request of a thread that became the owner, and asks for the one behind it, before
   * anything is given away. Not if this rank is gone, and owns nothing any more.
   *
   * @param next the request of that one, or NONE
   */
  void endRequest(UndoRecord undo, long next) {
    if (!enter(undo)) {
      lose(undo);
      return;
    }
    if (next == NONE) {
      window.setRelease(myRequest, NONE);
      published = NONE;
      undo.writes = 1;
      undo.uncounted = false; // what pending counted as a request
    } else {
      counted = false;
      window.set(myRequest, request(0, INTENT));
      undo.writes = 1;
      undo.uncounted = false;
      publish(next);
    }
    leave(undo);
  }

  /**
   * Takes a thread's request back, as {@link #stopAsking}; or puts the request of the one behind it
   * in its place, which ends a claim, too.
   *
   * @return whether this rank has become the owner instead, and the request is to be ended
   */
  public boolean stopAsking(UndoRecord undo, long mine, long next) {
    while (!(next == NONE ? withdraw(undo, mine) : replace(undo, mine, next))) {
      long now = window.get(myRequest);
      if (phase(now) != CLAIMED) {
        published = NONE;
        return false; // this rank is gone, and its request was cleared
      }
      if (isPoisoned()) {
        window.set(myRequest, next);
        published = next;
        return false;
      }
      if (owner(window.get(state)) == me + 1) {
        return true;
      }
      if (next != NONE) {
        published = next; // the claim is that one's to end
        return false;
      }
      if (abandon(now)) {
        return false;
      }
    }
    return false;
  }

  /** Whether this member's request, WAITING or CLAIMED, is the given one. */
  boolean isAsking(long mine) {
    return sequence(window.get(myRequest)) == sequence(mine);
  }

  private boolean replace(UndoRecord undo, long mine, long next) {
    if (!enter(undo)) {
      return true; // whoever recovers sees to it
    }
    boolean replaced = window.compareAndSet(myRequest, mine, next);
    if (replaced) {
      published = next;
    }
    leave(undo);
    if (replaced) {
      tellAgentOwner(); // the one may have tried only, and the other waits
    }
    return replaced;
  }

  private boolean abandon(long claimed) {
    if (window.compareAndSet(myRequest, claimed, claimed - CLAIMED + ABANDONED)) {
      published = NONE;
      takeBack(); // if it has been named in between
      return true;
    }
    return false;
  }

  /**
   * Begins to wait to become the owner, as the agent: without waiting. Only if it {@link #mayAsk}.
   * To be followed by {@link #tryFinishAsking} until that is true, or {@link #stopAsking}.
   *
   * @return the request
   */
  public long startAsking() {
    published = NONE;
    ask(new UndoRecord(), 1);
    return published;
  }

  /** Becomes the owner if the lock was given to the agent, or nobody owns. */
  public boolean tryFinishAsking() {
    long now = window.get(state);
    if (isClaimed()) {
      if (owner(now) != me + 1) {
        return false; // whoever claimed is about to do it, and tells
      }
    } else if (owner(now) != 0 || !takeFree(new UndoRecord())) {
      return false;
    }
    // No request goes before the agent's.
    window.set(myRequest, NONE);
    return true;
  }

  /**
   * Takes this member's request back. If it has been claimed, and whoever did so has not named this
   * member the owner yet, it leaves that to be taken back.
   *
   * @return whether it has become the owner instead
   */
  public boolean stopAsking(long mine) {
    while (!withdraw(new UndoRecord(), mine)) {
      long now = window.get(myRequest);
      if (phase(now) != CLAIMED) {
        return false; // this rank is gone, and its request was cleared
      }
      if (isPoisoned()) {
        window.set(myRequest, NONE);
        return false;
      }
      if (finishClaim()) {
        return true;
      }
      if (abandon(now)) {
        return false;
      }
    }
    return false;
  }

  /** As the owner, counts the agent in pending no more: ranks may read. */
  public void openToReaders(boolean admitWaiting) {
    if (admitWaiting) {
      admitReaders();
    }
    dropPending();
  }

  /** As the owner, counts the agent in pending: no rank begins to read any more. */
  public void closeToReaders() {
    window.getAndAdd(state, ONE_PENDING);
  }

  /** As the owner, has the readers that are left tell when they leave; true if there are none. */
  public boolean haveReadersLeft() {
    boolean left = true;
    for (int rank = 0; rank < members; rank++) {
      left &= markDraining(line(rank) + Layout.READS);
    }
    return left;
  }

  /** What the ranks of the node may do, as far as the words tell. */
  public Permission permission() {
    if (isPoisoned()) {
      return Permission.NONE;
    }
    return !isAgents() ? Permission.EXCLUSIVE : token() < 0 ? Permission.NONE : Permission.SHARED;
  }

  /** What ranks of the node wait for. */
  public Permission wanted() {
    Permission wanted = Permission.NONE;
    for (int rank = 0; rank < members; rank++) {
      if (rank != agent && phase(window.get(line(rank) + Layout.REQUEST)) == WAITING) {
        return Permission.EXCLUSIVE;
      }
      if (waiting(window.get(line(rank) + Layout.READS)) != 0) {
        wanted = Permission.SHARED;
      }
    }
    return wanted;
  }

  /**
   * Waits, for the first of this rank's threads, until this rank owns; false if the wait was given
   * up. The request stays as it is, to be ended by {@link #endRequest} or {@link #stopAsking}.
   */
  boolean awaitGrant(UndoRecord undo, Waiter waiter) {
    Bell bell = bell(me);
    BooleanSupplier changed =
        () -> {
          int owner = owner(window.get(state));
          // The last is true as well while another thread of this rank writes.
          return owner == 0 || owner == POISONED || (owner == me + 1 && isClaimed());
        };
    while (true) {
      int phase = phase(window.get(myRequest));
      int owner = owner(window.get(state));
      if (owner == POISONED) {
        throw poisoned();
      }
      if (phase == NONE || node.hasGone()) {
        return false; // not this rank any more
      }
      if (phase == CLAIMED && owner == me + 1) {
        return true;
      }
      if (phase == WAITING && owner == 0) {
        if (takeAsFirst(undo)) {
          return true;
        }
      } else if (!waiter.pause(bell, changed)) {
        return false;
      }
    }
  }

  /** Becomes the owner of what is free; passes it on if another request is first. */
  private boolean takeAsFirst(UndoRecord undo) {
    if (!enter(undo)) {
      return false;
    }
    long now = window.get(state);
    long owned = withOwner(now, me + 1);
    if (owner(now) == 0 && window.compareAndSet(state, now, owned)) {
      undo.writes = 1;
      undo.uncounted = true; // pending counts the request
      if ((int) firstRequest() != me) {
        passOn(undo, false);
      }
    }
    leave(undo);
    return undo.writes != 0;
  }

  private boolean isClaimed() {
    return phase(window.get(myRequest)) == CLAIMED;
  }

  /**
   * Ends a claim, if the owner that claimed this member's request has named it the owner: that is
   * its next step. If that owner has died in between, a rank that recovers does it in its place.
   */
  boolean finishClaim() {
    if (owner(window.get(state)) != me + 1 || !node.enter()) {
      return false;
    }
    try {
      window.setRelease(myRequest, NONE);
    } finally {
      node.leave();
    }
    return true;
  }

  /**
   * Takes ownership back from a member that had given up when it was named the owner, and passes it
   * on; in the name of that member, which lives. Whoever comes by does it, so that nobody waits for
   * the process that named it.
   */
  public void takeBack() {
    int named = owner(window.get(state)) - 1;
    if (named < 0
        || named >= members
        || phase(window.get(line(named) + Layout.REQUEST)) != ABANDONED) {
      return;
    }
    UndoRecord undo = new UndoRecord();
    try {
      if (retake(undo, named)) {
        passOn(undo, false);
        leave(undo);
      }
    } catch (Throwable cut) {
      finish(undo);
      throw cut;
    }
  }

  /**
   * Becomes the owner in the place of a member that had given up; then this rank is to pass it on,
   * and {@link RankContext#leave}. STATE before REQUEST: a request that is seen ABANDONED then
   * stays so until STATE has changed, since only who becomes the owner by that ends it.
   */
  private boolean retake(UndoRecord undo, int member) {
    if (member < 0 || member >= members || !enter(undo)) {
      return false;
    }
    while (true) {
      long now = window.get(state);
      if (owner(now) != member + 1
          || phase(window.get(line(member) + Layout.REQUEST)) != ABANDONED
          || node.isGone(member)) { // of a recovery
        leave(undo);
        return false;
      }
      // Once more if it fails: it may be only that another request came or went.
      if (member == me ? takeOwnBack(undo) : takeFrom(undo, member, now)) {
        end(undo);
        return true;
      }
    }
  }

  private boolean takeFrom(UndoRecord undo, int member, long now) {
    long owned = withOwner(now - ONE_PENDING, me + 1);
    if (window.compareAndSet(state, now, owned)) {
      undo.writes = 1;
      undo.uncounted = true;
      undo.ends = member;
      return true;
    }
    return false;
  }

  /** Ends the request of a member that had given up. */
  private void end(UndoRecord undo) {
    int member = undo.ends;
    window.set(line(member) + Layout.REQUEST, NONE);
    undo.ends = UndoRecord.NOBODY;
    ring(member); // it may want to ask again
  }

  /**
   * As {@link #retake}, of this very member. The owner stays the same then, so the request says
   * that it is not to be taken back once more, and STATE changes for who had looked before that.
   * STATE before REQUEST here, too: another rank that was faster ends the request before it gives
   * ownership away. So as long as the request is there, this rank owns by nothing else.
   */
  private boolean takeOwnBack(UndoRecord undo) {
    long mine = window.get(myRequest);
    long returning = mine - ABANDONED + RETURNING;
    if (phase(mine) != ABANDONED || !window.compareAndSet(myRequest, mine, returning)) {
      return false; // another thread of this rank is at it
    }
    undo.returning = returning;
    return returnOwn(undo);
  }

  private boolean returnOwn(UndoRecord undo) {
    while (true) {
      long now = window.get(state);
      if (owner(now) != me + 1 || window.get(myRequest) != undo.returning) {
        undo.returning = NONE;
        return false;
      }
      if (window.compareAndSet(state, now, now - ONE_PENDING)) {
        undo.writes = 1;
        undo.uncounted = true;
        undo.ends = me;
        undo.returning = NONE;
        return true;
      }
    }
  }

  /** Whether the request is over; not if it has been claimed. */
  private boolean withdraw(UndoRecord undo, long mine) {
    if (!enter(undo)) {
      return true; // whoever recovers sees to it
    }
    counted = true;
    boolean withdrawn = window.compareAndSet(myRequest, mine, mine - WAITING + INTENT);
    if (withdrawn) {
      dropPending();
      window.set(myRequest, NONE);
      published = NONE;
    }
    leave(undo);
    if (withdrawn && me != agent) {
      tellAgentOwner();
    }
    return withdrawn;
  }

  private void dropPending() {
    long before = window.getAndAdd(state, -ONE_PENDING);
    counted = false;
    if (pending(before) == 1) {
      readerBell.ring();
    }
  }

  /** Waits, as the owner, until every reader has left; false if given up, and then owns no more. */
  public boolean awaitNoReaders(Waiter waiter) {
    return alone(owning(true), undo -> awaitNoReaders(undo, waiter));
  }

  /** As {@link #awaitNoReaders(Waiter)}. If it throws, the caller is to {@link #giveBack}. */
  public boolean awaitNoReaders(UndoRecord undo, Waiter waiter) {
    window.setRelease(line(me) + Layout.DRAINS, 1);
    undo.drains = true;
    boolean left = haveLeft(waiter);
    left &= drainNoMore(undo);
    if (!left) {
      releaseOwnership(undo);
    }
    return left;
  }

  /**
   * Waits for readers no more; false if this rank is gone. Then a rank that recovers may have seen
   * it wait, and gives the lock to others, since nothing is written: so it must not begin.
   */
  private boolean drainNoMore(UndoRecord undo) {
    boolean mayWrite = enter(undo);
    window.setRelease(line(me) + Layout.DRAINS, 0);
    undo.drains = false;
    if (mayWrite) {
      leave(undo);
    }
    return mayWrite;
  }

  private static UndoRecord owning(boolean counted) {
    UndoRecord undo = new UndoRecord();
    undo.writes = 1;
    undo.uncounted = !counted;
    return undo;
  }

  private boolean haveLeft(Waiter waiter) {
    for (int rank = 0; rank < members; rank++) {
      long index = line(rank) + Layout.READS;
      if (holds(window.get(index)) != 0 && !awaitNoReader(index, waiter)) {
        return false;
      }
    }
    return true;
  }

  private boolean awaitNoReader(long index, Waiter waiter) {
    // The mark is set only on the way to sleep, and before the last look: a reader that leaves
    // after that sees it, and one that left before is seen.
    BooleanSupplier gone = () -> markDraining(index);
    Bell bell = bell(me);
    try {
      while (holds(window.get(index)) != 0) {
        if (!waiter.pause(bell, gone)) {
          return false;
        }
      }
      return true;
    } finally {
      unmarkDraining(index);
    }
  }

  /** Has the last reader that leaves tell the owner; true if none is left. */
  private boolean markDraining(long index) {
    long reads = window.get(index);
    while (holds(reads) != 0) {
      if ((reads & DRAINING) != 0 || window.compareAndSet(index, reads, reads | DRAINING)) {
        return false;
      }
      reads = window.get(index);
    }
    return true;
  }

  private void unmarkDraining(long index) {
    long reads = window.get(index);
    while ((reads & DRAINING) != 0 && !window.compareAndSet(index, reads, reads & ~DRAINING)) {
      reads = window.get(index);
    }
  }

  /** Ends what {@link #haveReadersLeft} began. */
  public void stopDraining() {
    for (int rank = 0; rank < members; rank++) {
      unmarkDraining(line(rank) + Layout.READS);
    }
  }

  /** Begins a write, as the owner with no readers left, and gives its token. */
  public long beginWrite() {
    return beginWrite(window);
  }

  private long beginWrite(NodeWindow words) {
    long token = words.get(lockLine + Layout.TOKEN) + 1;
    if (releaseOnDeath) {
      return raiseToken(token);
    }
    words.setRelease(lockLine + Layout.TOKEN, token);
    // Before what the caller writes: an optimistic reader that sees that sees the token, too.
    VarHandle.storeStoreFence();
    return token;
  }

  /**
   * As {@link #beginWrite()}, where what a rank held that is gone is given to others, who raise the
   * token, too: what its thread does late must not set it back. That thread gets no lease.
   */
  private long raiseToken(long first) {
    long token = first;
    while (!window.compareAndSet(lockLine + Layout.TOKEN, token - 1, token) && !node.hasGone()) {
      token = window.get(lockLine + Layout.TOKEN) + 1; // somebody else was late
    }
    return token;
  }

  public void releaseOwnership() {
    releaseOwnership(owning(true));
  }

  public void releaseOwnership(UndoRecord undo) {
    NodeWindow words = window; // once, as in enterRead
    long now = words.get(state);
    if ((int) now == alone
        && !(phaseFair && isAnyReaderWaiting())
        && words.compareAndSet(state, now, now - alone)) {
      undo.writes = 0;
      if (words.get(lockLine + Layout.READER_SLEEPERS) != 0) {
        readerBell.ring();
      }
    } else {
      passOnAsOwner(undo); // somebody asks
    }
  }

  private boolean isAnyReaderWaiting() {
    for (int rank = 0; rank < members; rank++) {
      if (waiting(window.get(line(rank) + Layout.READS)) != 0) {
        return true;
      }
    }
    return false;
  }

  /** Gives the write away, unless this rank had gone, and others have recovered what it held. */
  private void passOnAsOwner(UndoRecord undo) {
    if (!enter(undo)) {
      lose(undo);
      return;
    }
    if (owner(window.get(state)) == me + 1) {
      if (phaseFair) {
        admitReaders();
      }
      passOn(undo, true);
    } else {
      lose(undo);
    }
    leave(undo);
  }

  /**
   * Gives ownership to the first request, or to nobody. Between {@link RankContext#enter} and
   * {@link RankContext#leave}.
   *
   * @param done whether the owner's own request is over, and leaves pending
   */
  public void passOn(boolean done) {
    passOn(owning(done), done);
  }

  /**
   * As {@link #passOn(boolean)}.
   *
   * @param written not for a rank that only found the lock free: it hands nothing over
   */
  public void passOn(UndoRecord undo, boolean written) {
    boolean mayHandOver = written;
    while (true) {
      long next = nextRequest(mayHandOver);
      int heir = (int) next;
      if (heir == me) {
        // Its thread sees this rank own already, and goes on once it is claimed: that comes last.
        if (!undo.uncounted && giveTo(undo, me + 1) == LOST) {
          return;
        }
        if (claim(next)) {
          undo.writes = 0;
          undo.uncounted = false;
          ring(me);
          return;
        }
        continue;
      }
      if (next != NOBODY) {
        if (claim(next)) {
          undo.heir = heir;
          int left = giveTo(undo, heir + 1);
          ring(heir);
          if (left == LOST
              || phase(window.get(line(heir) + Layout.REQUEST)) != ABANDONED
              || !retake(undo, heir)) {
            return;
          }
          leave(undo); // once more than it was entered
          mayHandOver = false;
        }
        continue; // it gave up in between
      }
      // Whoever asks now has not published yet, or all gave up. Set free, then look again.
      int left = giveTo(undo, 0);
      if (left == 0) {
        readerBell.ring();
      }
      if (left <= 0) {
        return;
      }
      mayHandOver = false;
      if (firstRequest() == NOBODY || !takeFree(undo)) {
        return; // or somebody else took it, and has the same duty
      }
    }
  }

  /** Becomes the owner if nobody is; a request that comes or goes meanwhile is no reason not to. */
  private boolean takeFree(UndoRecord undo) {
    while (true) {
      long now = window.get(state);
      if (owner(now) != 0) {
        return false;
      }
      if (window.compareAndSet(state, now, withOwner(now, me + 1))) {
        undo.writes = 1;
        undo.uncounted = true;
        return true;
      }
    }
  }

  /** Claims the very request that was found; the rank may have made another since. */
  private boolean claim(long found) {
    int sequence = sequence(found);
    return window.compareAndSet(
        line((int) found) + Layout.REQUEST, request(sequence, WAITING), request(sequence, CLAIMED));
  }

  /** Names the next owner; tells how many are pending then, or LOST if this is not the owner. */
  private int giveTo(UndoRecord undo, int owner) {
    while (true) {
      long now = window.get(state);
      if (owner(now) != me + 1) {
        lose(undo);
        return LOST; // taken for gone by somebody, and recovered
      }
      long next = withOwner(undo.uncounted ? now : now - ONE_PENDING, owner);
      int left = pending(next);
      if (window.compareAndSet(state, now, next)) {
        boolean keeps = owner == me + 1;
        undo.writes = keeps ? 1 : 0;
        undo.uncounted = keeps;
        undo.heir = UndoRecord.NOBODY;
        return left;
      }
    }
  }

  private long nextRequest(boolean mayHandOver) {
    long mine = window.get(myRequest);
    if (mayHandOver
        && handovers < node.settings().handoverLimit()
        && phase(mine) == WAITING
        && agentsRequest() == NOBODY) {
      handovers++;
      return found(mine, me);
    }
    handovers = 0;
    return firstRequest();
  }

  /** Other nodes wait for the agent's: it goes first. */
  private long agentsRequest() {
    if (agent >= 0) {
      long theirs = window.get(line(agent) + Layout.REQUEST);
      if (phase(theirs) == WAITING) {
        return found(theirs, agent);
      }
    }
    return NOBODY;
  }

  /** The sequence of the first request, and behind it its rank; or NOBODY. */
  private long firstRequest() {
    long first = agentsRequest();
    if (first != NOBODY) {
      return first;
    }
    int end = members;
    // An earlier request may have been published behind the scan's back, before the one that was
    // found began: so those that were looked at before that one are looked at once more.
    for (int round = 0; round < 2; round++) {
      for (int rank = 0; rank < end; rank++) {
        long theirs = window.get(line(rank) + Layout.REQUEST);
        if (phase(theirs) == WAITING
            && (first == NOBODY || isBefore(sequence(theirs), sequence(first)))) {
          first = found(theirs, rank);
        }
      }
      end = (int) first;
    }
    return first;
  }

  private static long found(long request, int rank) {
    return request(sequence(request), rank);
  }

  // Optimistic reads.

  public long token() {
    return window.get(lockLine + Layout.TOKEN);
  }

  /**
   * Remembers since when the token has been what it is, at the latest: the write that has it is as
   * old. Whoever has waited for a while calls it, since a write that is granted at once reads no
   * clock.
   */
  public void noteToken() {
    long token = token();
    if (window.get(lockLine + Layout.SEEN_TOKEN) != token) {
      window.setRelease(lockLine + Layout.SEEN_SINCE, System.currentTimeMillis());
      window.setRelease(lockLine + Layout.SEEN_TOKEN, token);
    }
  }

  /** Since when at the latest a write has held, in milliseconds of the epoch, or 0. */
  long tokenSince() {
    return window.get(lockLine + Layout.SEEN_TOKEN) == token()
        ? window.get(lockLine + Layout.SEEN_SINCE)
        : 0;
  }

  /**
   * The token that an optimistic read starts from, or less than 0 while a write is owned. Reads the
   * token before the owner: if nobody owns then, the write of that token has ended, and the next
   * raises it before it writes.
   */
  public long optimisticStamp() {
    NodeWindow words = window; // once, as in enterRead
    long token = words.get(lockLine + Layout.TOKEN);
    long now = words.get(state);
    return owner(now) == 0 ? token : optimisticStamp(token, now);
  }

  private long optimisticStamp(long token, long now) {
    throwIfPoisoned();
    return owner(now) == agent + 1 && pending(now) == 0 ? token : BUSY;
  }

  public boolean validate(long stamp) {
    VarHandle.loadLoadFence(); // after what was read under the stamp
    return token() == stamp;
  }

  // Dead ranks.

  public boolean isPoisoned() {
    return owner(window.get(state)) == POISONED;
  }

  public void throwIfPoisoned() {
    if (isPoisoned()) {
      throw poisoned();
    }
  }

  /**
   * What a request gets that has met the poison, though it may have been given free since: it has
   * given up for it.
   */
  RuntimeException poisoned() {
    if (node.isClosed()) { // it may be this very rank that has closed with the write held
      return node.closedFailure();
    }
    long rank = window.get(lockLine + Layout.POISONED_BY) - 1; // which stays when the poison ends
    if (rank < 0 || rank >= node.jobSize()) {
      return node.damaged(resource + " is poisoned by rank " + rank);
    }
    if (name != null) {
      node.settings().stallListener().poisoned(name, (int) rank);
    }
    return node.failed(
        (int) rank,
        "it held the write, so what the lock guards may be half written, and no"
            + " thread gets it any more. Check the data and clear the poison"
            + " (ResourceLock.clearPoison, or the endpoint), or start the job again. Set"
            + " mpilock.on-holder-death=release if readers can recognise such data.");
  }

  /**
   * Recovers what ranks that are gone held or waited for, and what one was given that had given up.
   * Never throws for their sake, and waits for nobody.
   */
  public void recover() {
    takeBack();
    UndoRecord undo = new UndoRecord();
    try {
      new Recovery(node, this, undo).recover();
    } catch (Throwable cut) {
      finish(undo);
      throw cut;
    }
  }

  void endRecovery(UndoRecord undo) {
    window.set(lockLine + Layout.RECOVERER, 0);
    undo.recovers = false;
  }

  public void ringAll() {
    ringRanks();
    if (agent >= 0) {
      tellAgent();
    }
  }

  /** Wakes all ranks, and not the agent. */
  public void ringRanks() {
    readerBell.ring();
    for (int rank = 0; rank < members; rank++) {
      if (rank != agent) {
        ring(rank);
      }
    }
  }

  /** Gives nobody the lock any more. Of two that do so the first wins. */
  public void poison(int jobRank) {
    poison(jobRank, ANYBODY);
  }

  /**
   * Gives nobody the lock any more, in place of a dead owner; nothing if it has released it late.
   */
  public void poison(int jobRank, int deadOwner) {
    long now = window.get(state);
    if (owner(now) != POISONED) {
      window.set(lockLine + Layout.POISONED_BY, jobRank + 1L); // which counts while it is poisoned
    }
    // Pending until somebody gives it free, so that no reader gets in either.
    while (owner(now) != POISONED) {
      if (deadOwner != ANYBODY && owner(now) != deadOwner) {
        return;
      }
      if (window.compareAndSet(
          state, now, withPending(withOwner(now, POISONED), pending(now) + 1))) {
        break;
      }
      now = window.get(state);
    }
    ringAll();
  }

  /**
   * Ends the poison, on one node: whoever asks gets the lock again.
   *
   * @param jobRank who died; a poison by another stays
   * @return false if another rank is about to do something with the words: to be called again
   */
  public boolean clearPoison(int jobRank) {
    UndoRecord undo = new UndoRecord();
    try {
      return new Recovery(node, this, undo).clearPoison(jobRank);
    } catch (Throwable cut) {
      finish(undo);
      throw cut;
    }
  }

  /** Whether a rank, if it is of this node, can write nothing any more: its process has ended. */
  public boolean hasEnded(int jobRank) {
    return node.memberOf(jobRank) < 0 || !node.communicator().isAlive(jobRank);
  }

  /**
   * Ends the poison, as the agent, which owns then, and is counted in pending; or returns false.
   */
  public boolean ownPoisoned() {
    if (!isPoisoned()) {
      return false;
    }
    window.set(myRequest, NONE); // it may have asked when the writer died; nobody claims it now
    published = NONE;
    return new Recovery(node, this, new UndoRecord()).endPoison(1);
  }

  /** Has the agent have the poison ended that there is because of a rank. */
  public void askToClear(int jobRank) {
    window.set(lockLine + Layout.CLEAR, jobRank + 1L);
    tellAgent();
  }

  /** The rank that died in its write, or -1. */
  public int poisonedBy() {
    return isPoisoned() ? (int) window.get(lockLine + Layout.POISONED_BY) - 1 : -1;
  }
}
