/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.rank;

import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.MpilockException;
import io.mpilock.internal.node.Holders;
import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.node.UndoRecord;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.LockWords;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.ThreadId;
import io.mpilock.internal.window.Waiter;
import io.mpilock.transport.NodeWindow;
import java.lang.ref.WeakReference;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One rank's side of a resource: its threads, and their turns at the rank's one request. */
public final class RankLock {
  /** A try waits so long for what other nodes say: one that is stopped must not keep it. */
  private static final long ANSWER_NANOS = 2_000_000_000;

  private final String name;
  private final String quotedName;
  private final RankThreads threads;
  private final RankContext node;
  private final NodeWindow window;
  private final NodeLock words;
  private final long myLine;

  // Who stands in this rank's line, so that it need not be looked up there, nor among its thread's
  // ThreadLocals. Any thread may see any of the holds, and looks whether it is its own.
  private @Nullable ThreadHold lastReader;
  private @Nullable ThreadHold lastWriter; // written under ownership

  /** Who is named as the writer, so that it can be looked after; as the others, any thread may. */
  private @Nullable ThreadHold namedWriter;

  private volatile long lastLook;

  // Guarded by stallMutex.
  private final Object stallMutex = new Object();
  private boolean stallTold;
  private long stallToldAt;

  private final WeakReference<RankLock> self = new WeakReference<>(this);
  private final AtomicReference<@Nullable Object> face = new AtomicReference<>();

  public RankLock(String name, RankThreads threads, long lockLine) {
    this.threads = threads;
    this.name = name;
    this.quotedName = CallNames.quoted(name);
    this.node = threads.node();
    this.window = node.window();
    this.words = new NodeLock(node, lockLine, node.me(), name);
    this.lastLook = node.nanoTime();
    this.myLine = words.line(node.me());
  }

  public NodeLock words() {
    return words;
  }

  /**
   * The resource's name.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * The resource's name for messages.
   *
   * @return such as {@code resource 'orders'}
   */
  public String quotedName() {
    return quotedName;
  }

  /**
   * The object by which the application knows this lock: as long as one can be reached, so can the
   * other.
   *
   * @param <T> its type, always the same
   * @param type that type
   * @param make makes it from this lock; it may be made twice, of which one is used
   * @return always the same object
   */
  public <T> T face(Class<T> type, Function<RankLock, T> make) {
    Object known = face.get();
    if (known == null) {
      T made = make.apply(this);
      known = face.compareAndSet(null, made) ? made : face.get();
    }
    return Objects.requireNonNull(type.cast(known));
  }

  /** The resource's identity on this node: equal on all ranks. */
  public long lockLine() {
    return words.lockLine();
  }

  /**
   * This rank for messages.
   *
   * @return such as {@code rank 3}
   */
  public String me() {
    return "rank " + node.myJobRank();
  }

  /**
   * The calling thread's holds.
   *
   * @return always the same object for a thread
   */
  public ThreadHold hold() {
    Thread thread = Thread.currentThread();
    ThreadHold last = lastWriter;
    if (last != null && last.isOf(thread)) {
      return last;
    }
    last = lastReader;
    return last != null && last.isOf(thread) ? last : threads.holds().hold(this, self);
  }

  /**
   * Waits to read. A wait of no time is one for the answer of another node, and for nobody's hold.
   */
  boolean awaitRead(ThreadHold hold, long nanos) {
    hold.markWaited();
    Waiter waiter = nanos == 0 ? tryWaiter(hold, hold, "read") : waiter(hold, "read", nanos);
    try {
      return words.awaitRead(hold, waiter)
          || gaveUp("read", waiter)
          || (waiter.isTry() && words.tryRead(hold));
    } finally {
      waiter.end();
      forgetWaitingReader(hold);
      hold.endStatusQuery();
      endTry(hold);
    }
  }

  private void endTry(UndoRecord undo) {
    if (undo.tries) {
      words.endTry(undo);
    }
  }

  boolean awaitNoReaders(ThreadHold hold, long nanos) {
    hold.markWaited();
    Waiter waiter = waiter(hold, "write", nanos);
    noteDrainer(hold);
    try {
      return words.awaitNoReaders(hold, waiter) || gaveUp("write", waiter);
    } finally {
      waiter.end();
      hold.endStatusQuery();
    }
  }

  /**
   * Tries once more: what kept the write may have been the agent. Waits for another node's answer,
   * and for nobody's hold.
   */
  boolean tryWriteAgain(ThreadHold hold) {
    // The agent may have given it back since the first look, and then nobody is in the way.
    boolean owned = words.isKeptByAgent() ? awaitAnswer(hold) : words.tryOwn(hold);
    if (owned && !words.isUnread()) {
      words.releaseOwnership(hold);
      return false;
    }
    return owned;
  }

  private boolean awaitAnswer(ThreadHold hold) {
    Waiter waiter = tryWaiter(hold, hold, "write");
    try {
      return words.awaitOwnership(hold, hold.id(), waiter)
          || gaveUp("write", waiter)
          || words.tryOwn(hold);
    } finally {
      waiter.end();
      endTry(hold);
    }
  }

  private Waiter tryWaiter(ThreadHold hold, UndoRecord undo, String mode) {
    Waiter waiter = waiter(hold, mode, ANSWER_NANOS); // which may throw
    boolean reads = mode.equals("read");
    long tries = words.countTry(undo);
    return waiter.untilRefused(() -> words.isRefused(tries, reads));
  }

  boolean awaitWrite(ThreadHold hold, long nanos) {
    try {
      return waitToWrite(hold, nanos);
    } finally {
      hold.endStatusQuery();
    }
  }

  private boolean waitToWrite(ThreadHold hold, long nanos) {
    hold.markWaited();
    Waiter waiter = waiter(hold, "write", nanos);
    try {
      if (words.awaitOwnership(hold, hold.id(), waiter)) {
        noteDrainer(hold);
        if (words.awaitNoReaders(hold, waiter)) {
          return true;
        }
      }
      return gaveUp("write", waiter);
    } finally {
      waiter.end();
    }
  }

  /** Has waiting threads look whether the controller is closed. */
  public void wakeWaiting() {
    words.wakeWriters();
  }

  /**
   * As {@link #checkUsable}, for a request that was refused. Looks for dead ranks now and then,
   * since tries and short waits never do: a loop of them must not go on for ever either.
   */
  void checkRefusal() {
    long now = node.nanoTime();
    if (!node.isClosed()) {
      if (now - lastLook >= Waiter.CHECK_NANOS) {
        lastLook = now; // two threads at once do no harm
        words.recover();
      }
      words.throwIfBroken();
    }
    checkUsable();
  }

  private boolean gaveUp(String mode, Waiter waiter) {
    if (waiter.wasInterrupted()) {
      throw new LockInterruptedException(interruptedMessage(mode));
    }
    return false;
  }

  private String interruptedMessage(String mode) {
    return "Thread '%s' of %s was interrupted while it waited for the %s of %s; it holds nothing."
        .formatted(Thread.currentThread().getName(), me(), mode, quotedName());
  }

  /** Begins a wait, unless another node would have to be asked and cannot. */
  private Waiter waiter(ThreadHold hold, String mode, long nanos) {
    words.throwIfBroken();
    hold.takeReports(); // of an earlier wait
    Waiter waiter = new Waiter(node, name, node.nanoTime(), nanos, new Watch(hold, mode, nanos));
    return hold.isUninterruptible() ? waiter.uninterruptible() : waiter;
  }

  /**
   * Begins an optimistic read.
   *
   * @return the stamp, or -1 while a write is held
   */
  public long optimisticStamp() {
    try {
      checkOpen();
      long stamp = words.optimisticStamp();
      return stamp >= 0 ? stamp : stampAgain();
    } catch (IllegalStateException e) {
      throw unusable(e);
    }
  }

  /** Looks once more; gets the node a permission to read, if nobody writes. */
  private long stampAgain() {
    if (!words.isKeptFromReading()) { // any more: the agent may have let readers in since
      return words.optimisticStamp();
    }
    UndoRecord undo = new UndoRecord(); // not the thread's own: it may hold, too
    ThreadHold hold = hold();
    hold.borrow(this, undo);
    long stamp;
    try {
      stamp = stampUnderRead(hold, undo);
    } catch (Throwable cut) { // also where it was about to give back
      giveBack(undo);
      hold.paid();
      throw cut;
    }
    hold.paid();
    if (stamp < 0) {
      checkRefusal();
    }
    return stamp;
  }

  private long stampUnderRead(ThreadHold hold, UndoRecord undo) {
    Waiter waiter = tryWaiter(hold, undo, "read");
    long stamp = -1;
    try {
      if (words.awaitRead(undo, waiter) || gaveUp("read", waiter) || words.tryRead(undo)) {
        stamp = words.token(); // nobody writes under this read
      }
    } finally {
      waiter.end();
    }
    giveBack(undo);
    return stamp;
  }

  /** Gives back what an optimistic read has left, or throws and leaves it to its thread. */
  void giveBack(UndoRecord undo) {
    for (int tries = 1; ; tries++) {
      try {
        words.giveBack(undo);
        return;
      } catch (Throwable again) {
        if (tries == ThreadHold.TRIES) {
          hasLost(undo, again);
          throw again;
        }
      }
    }
  }

  /**
   * Ends an optimistic read.
   *
   * @param stamp what it began with
   * @return whether no write came in
   */
  public boolean validate(long stamp) {
    try {
      checkOpen();
      return words.validate(stamp);
    } catch (IllegalStateException e) {
      throw unusable(e);
    }
  }

  /**
   * Gives the resource free, if a rank died in its write: whoever asks gets it again. Of what other
   * nodes know is only asked if this one does not know of the poison. Waits for other nodes'
   * agents, and for nobody's hold.
   *
   * @param ofRank who is to be the one that died, or -1 for whoever it is
   * @return the rank that died, or -1 if the resource is not poisoned, or by another one
   */
  public int clearPoison(int ofRank) {
    try {
      checkOpen();
      return new PoisonClearing(this, node, words).clear(ofRank);
    } catch (IllegalStateException e) {
      throw unusable(e);
    }
  }

  /**
   * Tells who holds and who waits, over all ranks.
   *
   * @return a sentence for people; a snapshot that may be out of date at once
   */
  public String describe() {
    return describe(Waiter.FOREVER);
  }

  /**
   * As {@link #describe()}, in little time.
   *
   * @param nanos how long to wait for other nodes at most
   */
  String describe(long nanos) {
    String here = describeHere();
    return node.agent() < 0 ? here : new StatusQuery(node).describe(words.lockLine(), here, nanos);
  }

  /**
   * Tells who holds and who waits, for a thread whose time is over: other nodes only as far as they
   * answered before.
   *
   * @param hold the thread's holds
   * @return as {@link #describe()}
   */
  public String describeInTime(ThreadHold hold) {
    String here = describeHere();
    return node.agent() < 0 ? here : new StatusQuery(node).describe(hold.takeReports(), here);
  }

  private String describeHere() {
    String here = new Holders(node, words).describe();
    String standstill = words.describeStandstill();
    return standstill.isEmpty() ? here : here + " " + standstill;
  }

  @Override
  public String toString() {
    return quotedName()
        + ": "
        + (node.isClosed() ? "closed." : new Holders(node, words).describe());
  }

  /** Tells what threads of this rank hold, or null if nothing. */
  public @Nullable String heldHere() {
    return new Holders(node, words).heldBy(node.me());
  }

  /** Tells whether a thread of this rank waits, and the words show it to the others. */
  public boolean isAskedHere() {
    int phase = LockWords.phase(window.get(myLine + Layout.REQUEST));
    return (phase != LockWords.NONE && phase < LockWords.ABANDONED)
        || window.get(myLine + Layout.WAITING_READERS) != 0;
  }

  /**
   * Names a thread that has begun to read. Readers may race here: one of their names will stand.
   */
  void noteReader(ThreadHold hold) {
    if (lastReader != hold) {
      lastReader = hold;
      hold.id().put(window, myLine + Layout.READER);
    }
  }

  /** Names the thread that has begun to write. */
  void noteWriter(ThreadHold hold, boolean waited) {
    if (lastWriter != hold || waited) {
      noteWriterAnew(hold, waited);
    }
  }

  private void noteWriterAnew(ThreadHold hold, boolean waited) {
    lastWriter = waited ? null : hold; // what stands there holds for this write only
    namedWriter = hold;
    hold.id().put(window, myLine + Layout.WRITER_THREAD);
    window.setRelease(myLine + Layout.WRITER_SINCE, waited ? System.currentTimeMillis() : 0);
  }

  /** Names the thread that owns, and waits for readers to leave. */
  private void noteDrainer(ThreadHold hold) {
    lastWriter = null; // what stands there may not lead to a write
    namedWriter = hold;
    hold.id().put(window, myLine + Layout.WRITER_THREAD);
    window.setRelease(myLine + Layout.WRITER_SINCE, System.currentTimeMillis());
  }

  public RankThreads threads() {
    return threads;
  }

  /**
   * Says that the body of the write has ended, and what the write is kept for; or that it has not.
   *
   * @param since when it ended in milliseconds of the epoch, or 0
   */
  void noteKept(String transaction, long since) {
    try {
      if (since != 0) {
        ThreadId.putName(window, myLine + Layout.KEPT_FOR, transaction);
      }
      window.setRelease(myLine + Layout.KEPT_SINCE, since);
    } catch (IllegalStateException e) {
      swallowIfClosed(e);
    }
  }

  /**
   * Says of a thread of this rank that it has ended while it held: only its own process sees that.
   * Of several readers it is seen of the one that is named.
   */
  public void noteOrphan() {
    ThreadHold orphan = namedWriter;
    if (orphan == null || !orphan.isOrphan()) {
      orphan = lastReader;
    }
    if (orphan != null && orphan.isOrphan()) {
      window.setRelease(myLine + Layout.ENDED_THREAD, orphan.id().value());
    }
  }

  /**
   * Lets one of this rank's threads that wait report the stall, once in an interval.
   *
   * @return 0 if the caller is to report, else the time until another may
   */
  private long claimStall(long now, long interval) {
    synchronized (stallMutex) {
      long left = stallTold ? interval - (now - stallToldAt) : 0;
      if (left > 0) {
        return left;
      }
      stallTold = true;
      stallToldAt = now;
      return 0;
    }
  }

  /** How many threads of this rank wait. */
  private long waitingHere() {
    int phase = LockWords.phase(window.get(myLine + Layout.REQUEST));
    boolean asks = phase != LockWords.NONE || window.get(myLine + Layout.DRAINS) != 0;
    return window.get(myLine + Layout.WAITING_READERS)
        + window.get(myLine + Layout.WAITING_WRITERS)
        + (asks ? 1 : 0);
  }

  /** Names a thread that has waited to read for a while, unless another has waited longer. */
  private void noteWaitingReader(ThreadHold hold, long since) {
    long reader = myLine + Layout.WAITING_READER;
    if (window.get(reader) == 0 || window.get(myLine + Layout.WAITING_READER_SINCE) > since) {
      window.setRelease(myLine + Layout.WAITING_READER_SINCE, since);
      hold.id().put(window, reader);
    }
  }

  private void forgetWaitingReader(ThreadHold hold) {
    if (hold.id().stands(window, myLine + Layout.WAITING_READER)) {
      window.setRelease(myLine + Layout.WAITING_READER, 0);
    }
  }

  /**
   * Tells whether this rank has begun to close its controller.
   *
   * @return true from the first close or abandon
   */
  public boolean isClosed() {
    return node.isClosed();
  }

  /** Throws if the controller is closed or the resource is poisoned. */
  void checkUsable() {
    checkOpen();
    words.throwIfPoisoned();
  }

  void checkOpen() {
    if (node.isClosed()) {
      throw closedFailure();
    }
  }

  ControllerClosedException closedFailure() {
    return node.closedFailure();
  }

  /** What to throw when the window refuses an access: it does so once it is freed. */
  RuntimeException unusable(IllegalStateException refused) {
    return node.unusable(refused);
  }

  /**
   * After a way back that was cut short at every try. Want of stack or memory is the thread's own:
   * it has what it has, and may try again. All else is the window's: this rank gives itself up, so
   * that nobody waits for it. The other threads of this rank go on, whatever this one has.
   *
   * @return whether there is nothing any more to give back, since the window is freed
   */
  boolean hasLost(UndoRecord undo, Throwable failure) {
    boolean freed = failure instanceof IllegalStateException && node.isWindowFreed();
    if (freed) {
      undo.forget();
    } else if (!RankContext.isWant(failure)) {
      undo.forget();
      node.giveUp(failure);
    }
    return freed;
  }

  boolean isWindowFreed() {
    return node.isWindowFreed();
  }

  /** A lease that outlived its controller gives back nothing. */
  public void swallowIfClosed(IllegalStateException refused) {
    if (!node.isClosed()) {
      throw refused;
    }
    node.requireFreed(refused);
  }

  /** What a waiter of this resource looks at now and then. */
  private final class Watch implements Waiter.Watch {
    private final ThreadHold hold;
    private final String mode;
    private final long timeoutNanos;
    private final long start = node.nanoTime();
    private long seenToken = -1;
    private long seenAt = start;

    Watch(ThreadHold hold, String mode, long timeoutNanos) {
      this.hold = hold;
      this.mode = mode;
      this.timeoutNanos = timeoutNanos;
    }

    @Override
    public boolean holdsAny() {
      return threads.holds().holdsAny();
    }

    @Override
    public Waiter.DeadlockCheck deadlockCheck(long waitedNanos) {
      boolean timed = timeoutNanos != Waiter.FOREVER;
      return DeadlockDetector.ofLock(
          threads, RankLock.this, mode, timed, hold::waitsInBatch, waitedNanos);
    }

    @Override
    public void check() {
      long token = words.token();
      if (token != seenToken) {
        seenToken = token;
        seenAt = node.nanoTime();
      }
      words.noteToken();
      noteOrphan();
      if (mode.equals("read")) {
        long waited = TimeUnit.NANOSECONDS.toMillis(node.nanoTime() - start);
        noteWaitingReader(hold, System.currentTimeMillis() - waited);
      }
      words.recover();
      words.throwIfBroken();
      words.remindAgent();
    }

    @Override
    public boolean askAhead() {
      return node.agent() >= 0 && hold.statusQuery(node).askAhead(words.lockLine());
    }

    @Override
    public long untilStall(long now, long interval) {
      return claimStall(now, interval);
    }

    @Override
    public String describe(long waitedNanos) {
      long waiting = waitingHere();
      return "Thread '%s' of %s has waited %s for the %s of %s%s. No other write was granted for at least %s. %s"
          .formatted(
              Thread.currentThread().getName(),
              node.who(node.me()),
              RankContext.seconds(waitedNanos),
              mode,
              quotedName(),
              waiting > 1 ? ", as one of %d threads of this rank".formatted(waiting) : "",
              RankContext.seconds(node.nanoTime() - seenAt),
              RankLock.this.describe(
                  timeoutNanos == Waiter.FOREVER
                      ? Waiter.FOREVER
                      : Math.max(0, timeoutNanos - waitedNanos)));
    }
  }

  static MpilockException full(String name, long windowWords) {
    return new MpilockException(
        "There is no room for %s in the window of %d bytes. Set mpilock.window-size higher (ControllerOptions.windowBytes), or use fewer resources."
            .formatted(CallNames.quoted(name), windowWords * Long.BYTES));
  }
}
