/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import static io.mpilock.internal.job.Verdict.CLOSE;
import static io.mpilock.internal.job.Verdict.DIED;
import static io.mpilock.internal.job.Verdict.DIFFER;
import static io.mpilock.internal.job.Verdict.GO;
import static io.mpilock.internal.job.Verdict.GONE_ON;
import static io.mpilock.internal.job.Verdict.INTERRUPTED;
import static io.mpilock.internal.job.Verdict.LEFT;
import static io.mpilock.internal.job.Verdict.REFUSED;
import static io.mpilock.internal.job.Verdict.SINGLE_WRITE;
import static io.mpilock.internal.job.Verdict.TIMED_OUT;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.internal.rank.DeadlockDetector;
import io.mpilock.internal.rank.KeptWrites;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import io.mpilock.transport.NodeWindow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The collective calls of a controller: single write, and the agreement on close.
 *
 * <h2>How the ranks agree</h2>
 *
 * Every rank counts its collective calls. For call n it writes what it calls into its call slot
 * (one for even n, one for odd n) and then marks the slot ARRIVED(n). The call is decided once, by
 * one compare-and-set on DECISION(n): to GO by the rank that is to write, when every slot says
 * ARRIVED(n) and all say the same; or to one of the failures by any rank that sees a reason: they
 * differ, one refused, one gave up, one closed, one died. All ranks obey the decision, so all go or
 * all fail, and a time-out and a late arrival cannot see it differently. A rank that has read the
 * decision marks its slot SEEN(n). DECISION(n) is used again for n + 2, which is decided when all
 * who made call n have read it. Nobody waits for that beyond its own time-out, interrupt or close:
 * who gives up when no decision can be made yet refuses the call in its slot, so that it can only
 * fail, and goes on. It looks whether a decision can be made after that, and who decides looks at
 * the slots after that: one of the two sees the other (Dekker). A rank's own slot it may use again
 * at once, since of a call that is decided it is read for messages only.
 *
 * <p>In a job of several nodes the ranks of a node do not decide: one that sees a reason to fail
 * proposes it, and the agent ({@code NodeCalls}) brings the decision of the job's root, along a
 * tree of the nodes ({@link io.mpilock.internal.job.CallBranch}). Once the agent has reported that
 * all of its ranks are there (REPORTED) they wait for the root's decision, since it may be to go.
 * It looks at the refusals after it has said so, and a rank that refuses looks at that afterwards.
 */
public final class CollectiveCalls {

  /** Is told how a single write ended on this rank. */
  @FunctionalInterface
  public interface Outcome {
    /**
     * A single write ended.
     *
     * @param writer whether this rank wrote
     * @param nanos the time since the call
     * @param bytes the encoded size of what was shared
     * @param failure what the caller gets, or null
     */
    void ended(boolean writer, long nanos, long bytes, @Nullable Throwable failure);
  }

  // Marks of a call slot, beside the number of the call.
  private static final int ARRIVED = 1;
  private static final int SEEN = 2;

  // Reasons to refuse.
  private static final long HOLDS_READ = 1;
  private static final long HOLDS_WRITE = 2;
  private static final long NO_SUCH_RANK = 3;

  /** Keeps a write beyond its body; in the upper bits of which resource, by its home. */
  private static final long KEEPS_WRITE = 4;

  /** Something was thrown. */
  private static final long FAILED = 5;

  /** Waits no more; in the upper bits why, as a decision says it. */
  private static final long GAVE_UP = 6;

  private static final int REFUSAL_BITS = 8;

  /** Who gives up waits so long at most for the decision, which brings what others called. */
  private static final long ANSWER_NANOS = 500_000_000;

  private final RankContext node;
  private final NodeWindow window;
  private final Bell bell;
  private final LongFunction<String> resourceName;

  /** Held from the beginning of a single write to the end of its fence: one at a time. */
  private final ReentrantLock turn = new ReentrantLock(true);

  /** The number of this rank's last collective call; as the next guarded by {@code turn}. */
  private long calls;

  /** The last call in which nobody waits for this rank any more. */
  private long ended;

  public CollectiveCalls(RankContext node, LongFunction<String> resourceName) {
    this.node = node;
    this.window = node.window();
    this.bell = new Bell(window, Layout.COLLECTIVE_BELL);
    this.resourceName = resourceName;
  }

  /**
   * Begins a single write. Collective.
   *
   * @param lock the resource
   * @param writer the rank that writes
   * @param nanos how long to wait at most for the others and the write lock
   * @param outcome is told how it ends
   * @return this rank's part
   */
  public SingleWriteCall singleWrite(RankLock lock, int writer, long nanos, Outcome outcome) {
    long start = node.nanoTime();
    if (turn.isHeldByCurrentThread()) {
      throw new LockUseException(
          ("Thread '%s' of rank %d begins a single write of %s inside one that is not"
                  + " closed: the other ranks cannot join it. Close the first fence before.")
              .formatted(Thread.currentThread().getName(), node.myJobRank(), lock.quotedName()));
    }
    SingleWriteCall section = null;
    try {
      takeTurn(lock, start, nanos);
      Waiter waiter = new Waiter(node, lock.name(), start, nanos, new Watch(lock, writer));
      long call = arrive(lock, writer);
      try {
        agree(call, writer, waiter);
      } finally {
        waiter.end();
      }
      section =
          new SingleWriteCall(
              node, this, lock, new ShareStream(node, call, writer, node.me()), start, outcome);
      if (writer == node.myJobRank()) {
        section.begin(waiter.remainingNanos());
      }
      return section;
    } catch (Throwable failure) {
      if (turn.isHeldByCurrentThread()) { // it was not before
        SingleWriteCall part = cutShort(section, lock, writer, start, outcome, failure);
        part.tellOutcome(failure);
      }
      throw failure instanceof IllegalStateException refused
          ? node.unusable(refused)
          : RankContext.unchecked(failure);
    }
  }

  /**
   * Ends what had begun of a single write when something was thrown: no rank waits for this one in
   * it any more.
   *
   * @param begun this rank's part, if there is one yet
   */
  private SingleWriteCall cutShort(
      @Nullable SingleWriteCall begun,
      RankLock lock,
      int writer,
      long start,
      Outcome outcome,
      Throwable failure) {
    SingleWriteCall part =
        begun != null
            ? begun
            : new SingleWriteCall(
                node, this, lock, new ShareStream(node, calls, writer, node.me()), start, outcome);
    goOn(() -> {
      if (begun != null || (ended != calls && leaveCall(lock, writer))) {
        part.end(failure);
      }
    });
    endTurn();
    return part;
  }

  /** Ends a section: the others are told, and another thread may begin one. */
  void end(SingleWriteCall section) {
    goOn(() -> section.end(null));
    endTurn();
  }

  /**
   * Has steps done that go on where they were cut short. If they are at each try, this rank gives
   * itself up, since other ranks wait for it; but not where a rank or a node failed for which the
   * steps would have to wait, since all ranks are told that, and wait no more either.
   */
  private void goOn(Runnable steps) {
    for (int tries = 1; ; tries++) {
      try {
        steps.run();
        ended = calls;
        return;
      } catch (RankFailedException told) {
        ended = calls;
        return;
      } catch (Throwable again) {
        if (tries == ThreadHold.TRIES) {
          if (!(again instanceof IllegalStateException && node.isWindowFreed())) {
            node.giveUp(again);
          }
          return;
        }
      }
    }
  }

  private void endTurn() {
    try {
      turn.unlock();
    } catch (Throwable cut) {
      if (turn.isHeldByCurrentThread()) {
        turn.unlock();
      }
    }
  }

  /**
   * Leaves a call that failed on this rank alone, so that it fails on all; unless they go already,
   * or no decision can come any more, since a node cannot be reached: all see that.
   *
   * @return whether they go
   */
  private boolean leaveCall(RankLock lock, int writer) {
    long call = calls;
    if (slotMark(node.me(), call) == mark(call, SEEN)) {
      return decided(call) == GO; // a rank that refuses does not wait for the decision
    }
    if (slotMark(node.me(), call) >>> 8 != call) {
      arrive(call, SINGLE_WRITE, writer, lock.lockLine(), FAILED);
    }
    boolean goes = decided(call) == GO || refuse(call, FAILED, REFUSED) == GO;
    seen(call);
    return goes;
  }

  public boolean isMine() {
    return turn.isHeldByCurrentThread();
  }

  public boolean isBusy() {
    return turn.isLocked();
  }

  public void ring() {
    node.ringCollective();
  }

  private void takeTurn(RankLock lock, long start, long nanos) {
    try {
      // Not interruptible while the turn is free: the call is made, and fails on every rank.
      while (!turn.tryLock() && !turn.tryLock(20, TimeUnit.MILLISECONDS)) {
        if (node.isClosed()) {
          throw node.closedFailure();
        }
        if (node.nanoTime() - start >= nanos) {
          throw new LockTimeoutException(
              "The single write of %s could not begin: another thread of rank %d is in one."
                  .formatted(lock.quotedName(), node.myJobRank()));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LockInterruptedException(
          "Rank %d was interrupted before its single write of %s began."
              .formatted(node.myJobRank(), lock.quotedName()));
    }
    if (node.isClosed()) {
      turn.unlock();
      throw node.closedFailure();
    }
  }

  /**
   * Says what this rank calls, and refuses what could only deadlock, in a way that all ranks see.
   */
  private long arrive(RankLock lock, int writer) {
    ThreadHold hold = lock.hold();
    RankLock kept =
        lock.threads()
            .kept()
            .beside(Thread.currentThread(), writer == node.myJobRank() ? lock : null);
    long refusal = 0;
    if (writer < 0 || writer >= node.jobSize()) {
      refusal = NO_SUCH_RANK;
    } else if (kept != null) {
      refusal = kept.lockLine() << REFUSAL_BITS | KEEPS_WRITE;
    } else if (hold.isReading() && !(hold.isWriting() && writer == node.myJobRank())) {
      refusal = HOLDS_READ;
    } else if (hold.isWriting() && writer != node.myJobRank()) {
      refusal = HOLDS_WRITE;
    }
    long call = publish(SINGLE_WRITE, writer, lock.lockLine(), refusal);
    if (refusal == NO_SUCH_RANK) {
      decide(call, REFUSED, node.myJobRank());
      seen(call);
      throw new IllegalArgumentException(
          "There is no rank %d to write: the controller has ranks 0 to %d."
              .formatted(writer, node.jobSize() - 1));
    }
    if (refusal != 0) {
      decide(call, REFUSED, node.myJobRank());
      seen(call);
      if (kept != null) {
        throw new LockUseException(
            ("Thread '%s' of rank %d calls singleWrite on %s while its transaction"
                    + " keeps the write of %s, which other ranks may wait for before they make"
                    + " this call. Make the call outside of the transaction; or let that write"
                    + " end with its body, by %s or LockTemplate.until(Until.BODY).")
                .formatted(
                    Thread.currentThread().getName(),
                    node.myJobRank(),
                    lock.quotedName(),
                    kept.quotedName(),
                    KeptWrites.remedy(kept.name())));
      }
      throw new LockUseException(
          "Thread '%s' of rank %d calls singleWrite on %s while it holds a %s of it, which rank %d would wait for. Close the lease first."
              .formatted(
                  Thread.currentThread().getName(),
                  node.myJobRank(),
                  lock.quotedName(),
                  refusal == HOLDS_READ ? "read" : "write",
                  writer));
    }
    return call;
  }

  private long publish(long kind, int writer, long lockLine, long refusal) {
    long call = ++calls;
    arrive(call, kind, writer, lockLine, refusal);
    return call;
  }

  private void arrive(long call, long kind, int writer, long lockLine, long refusal) {
    long slot = Layout.callSlot(node.me(), call);
    window.setRelease(slot + Layout.KIND, kind);
    window.setRelease(slot + Layout.WRITER, writer);
    window.setRelease(slot + Layout.RESOURCE, lockLine);
    window.setRelease(slot + Layout.REFUSAL, refusal);
    window.set(slot + Layout.CALL, mark(call, ARRIVED));
    node.ringCollective();
  }

  /** Whether every rank of this node that made an earlier call has read how it was decided. */
  public boolean isSeen(long call) {
    for (int rank = 0; rank < node.ranks(); rank++) {
      if (slotMark(rank, call) == mark(call, ARRIVED) && !node.isGone(rank)) {
        return false;
      }
    }
    return true;
  }

  /** Waits for the decision and obeys it. */
  private void agree(long call, int writer, Waiter waiter) {
    int code;
    int rank = node.myJobRank();
    while ((code = decided(call)) == 0) {
      if (!tryDecide(call, writer)
          && !waiter.pause(bell, () -> decided(call) != 0 || tryDecide(call, writer))) {
        int why = waiter.wasInterrupted() ? INTERRUPTED : node.isClosed() ? LEFT : TIMED_OUT;
        if (refuse(call, (long) why << REFUSAL_BITS | GAVE_UP, why) == 0) {
          node.throwIfBroken();
          code = why;
          break;
        }
      }
    }
    boolean decided = decided(call) != 0;
    if (decided) {
      rank = (int) (window.get(Layout.decision(call)) >>> 8) & 0xFFFF;
    }
    String report =
        code == GO ? "" : report(call, code, rank, decided ? told(call) : summary(call));
    seen(call);
    if (code == GO) {
      return;
    }
    if (rank == node.myJobRank() && code == TIMED_OUT) {
      throw new LockTimeoutException(report);
    }
    if (rank == node.myJobRank() && code == INTERRUPTED) {
      throw new LockInterruptedException(report);
    }
    if (rank == node.myJobRank() && code == LEFT) {
      throw node.closedFailure();
    }
    if (code == DIED) {
      throw node.failed(rank, report);
    }
    throw new CollectiveMismatchException(report);
  }

  /**
   * Gives a call up that this rank has made: it fails on all, unless it is decided before.
   *
   * @return how it is decided; 0 if no decision can be made yet, or none comes any more
   */
  private int refuse(long call, long refusal, int code) {
    window.set(Layout.callSlot(node.me(), call) + Layout.REFUSAL, refusal);
    decide(call, code, node.myJobRank());
    if (node.agent() >= 0) {
      awaitDecision(call);
    }
    return decided(call);
  }

  /**
   * Waits for the root's decision of a call that this rank has refused; not for long, if it may.
   */
  private void awaitDecision(long call) {
    boolean bound = window.get(Layout.REPORTED_CALL) >= call; // after the refusal
    Waiter waiter =
        new Waiter(
                node,
                "",
                node.nanoTime(),
                bound ? Waiter.FOREVER : ANSWER_NANOS,
                new LeaveWatch(call))
            .uninterruptible();
    BooleanSupplier over = () -> decided(call) != 0 || node.brokenBy() >= 0;
    while (!over.getAsBoolean() && waiter.pauseInClose(bell, over)) {
      // It looks at the dead.
    }
    waiter.end();
  }

  /** The decision's code, or 0 if there is none; a call that was overtaken has failed. */
  private int decided(long call) {
    long decision = window.get(Layout.decision(call));
    long decidedCall = decision >>> 24;
    return decidedCall == call ? (int) decision & 0xFF : decidedCall > call ? GONE_ON : 0;
  }

  /** Decides if there is a reason to; true if the call is decided now. */
  private boolean tryDecide(long call, int writer) {
    if (!mayDecide(call)) { // before the look at the slots
      return false;
    }
    boolean all = true;
    int differs = -1;
    long mine = Layout.callSlot(node.me(), call);
    for (int rank = 0; rank < node.ranks(); rank++) {
      long mark = slotMark(rank, call);
      if (mark >>> 8 == call) {
        long slot = Layout.callSlot(rank, call);
        long refusal = window.get(slot + Layout.REFUSAL);
        if (refusal != 0) {
          return decide(call, codeOf(refusal), node.jobRank(rank));
        }
        if (window.get(slot + Layout.KIND) == CLOSE) {
          return decide(call, LEFT, node.jobRank(rank));
        }
        if (window.get(slot + Layout.WRITER) != window.get(mine + Layout.WRITER)
            || window.get(slot + Layout.RESOURCE) != window.get(mine + Layout.RESOURCE)) {
          differs = rank;
        }
      } else {
        all = false;
        if (mark >>> 8 > call) {
          return decide(call, GONE_ON, node.jobRank(rank));
        }
        long life = node.life(rank);
        if (life == RankContext.DEAD) {
          return decide(call, DIED, node.jobRank(rank));
        }
        if (life >= RankContext.CLOSING) {
          return decide(call, LEFT, node.jobRank(rank));
        }
      }
    }
    if (node.agent() >= 0) {
      long closing = window.get(Layout.CLOSING_CALL);
      if (closing >>> 24 == call) {
        return decide(call, LEFT, (int) closing & 0xFFFF);
      }
      int lost = node.firstLost();
      if (lost >= 0) {
        return decide(call, DIED, lost);
      }
    }
    if (!all) {
      return false;
    }
    if (differs >= 0) {
      return decide(call, DIFFER, node.jobRank(differs));
    }
    if (node.agent() >= 0) {
      return false; // the agent sees the same
    }
    if (writer == node.myJobRank()) {
      return decide(call, GO, writer);
    }
    // The one that is to decide came, but may have gone since.
    long life = node.life(writer);
    return life >= RankContext.LEFT && decide(call, life == RankContext.DEAD ? DIED : LEFT, writer);
  }

  private static int codeOf(long refusal) {
    return what(refusal) == GAVE_UP ? (int) (refusal >>> REFUSAL_BITS) : REFUSED;
  }

  private static long what(long refusal) {
    return refusal & (1 << REFUSAL_BITS) - 1;
  }

  /** Whether nobody needs the decision any more whose place this one takes. */
  private boolean mayDecide(long call) {
    return node.agent() >= 0 || isSeen(call - 2);
  }

  /** Decides if it may, or proposes it to the agent; true if the call is decided. */
  private boolean decide(long call, int code, int rank) {
    boolean proposes = node.agent() >= 0;
    if (!mayDecide(call)) {
      return false;
    }
    long index = proposes ? Layout.proposal(call) : Layout.decision(call);
    while (true) {
      long now = window.get(index);
      if (now >>> 24 >= call) {
        return !proposes;
      }
      if (window.compareAndSet(index, now, decision(call, code, rank))) {
        node.ringCollective();
        return !proposes;
      }
    }
  }

  public static long decision(long call, int code, int rank) {
    return call << 24 | (long) rank << 8 | code;
  }

  private void seen(long call) {
    window.set(Layout.callSlot(node.me(), call) + Layout.CALL, mark(call, SEEN));
    node.ringCollective();
  }

  private long slotMark(int rank, long call) {
    return window.get(Layout.callSlot(rank, call) + Layout.CALL);
  }

  private static long mark(long call, int mark) {
    return call << 8 | mark;
  }

  private String report(long call, int code, int rank, String summary) {
    String why =
        switch (code) {
          case DIFFER -> CallNames.reason(summary, "the ranks disagree");
          case REFUSED -> "rank " + rank + " refused it";
          case TIMED_OUT -> "rank " + rank + " had waited for its time-out";
          case INTERRUPTED -> "rank " + rank + " was interrupted";
          case LEFT -> "rank " + rank + " is closing";
          case DIED -> "rank " + rank + " died";
          default -> "other ranks gave it up and went on";
        };
    StringBuilder text =
        new StringBuilder("Collective call ").append(call).append(" failed, since ").append(why);
    return text.append(": ")
        .append(summary)
        .append(". Every rank must make the same collective calls in the same order.")
        .toString();
  }

  /** What all ranks called, once it is decided. */
  private String told(long call) {
    return node.agent() < 0 ? summary(call) : node.text(Layout.report(node.members(), call));
  }

  /** Tells what each rank of this node called. */
  public String summary(long call) {
    return IntStream.range(0, node.ranks())
        .mapToObj(rank -> "rank " + node.jobRank(rank) + " " + called(rank, call))
        .collect(Collectors.joining("; "));
  }

  private String called(int rank, long call) {
    long slot = Layout.callSlot(rank, call);
    if (slotMark(rank, call) >>> 8 != call) {
      long life = node.life(rank);
      return life == RankContext.DEAD
          ? "died"
          : life >= RankContext.CLOSING
              ? "called close"
              : slotMark(rank, call) >>> 8 > call ? "gave up and went on" : "has called nothing";
    }
    if (window.get(slot + Layout.KIND) == CLOSE) {
      return "called close";
    }
    long refusal = window.get(slot + Layout.REFUSAL);
    String called =
        CallNames.called(
            resourceName.apply(window.get(slot + Layout.RESOURCE)),
            (int) window.get(slot + Layout.WRITER));
    if (what(refusal) == KEEPS_WRITE) {
      return "%s while its transaction keeps the write of %s, which mpilock.resources.NAME.until=body would end with its body"
          .formatted(called, resourceName.apply(refusal >>> REFUSAL_BITS));
    }
    return called
        + (refusal == HOLDS_READ
            ? " while holding a read of it"
            : refusal == HOLDS_WRITE
                ? " while holding its write"
                : refusal == NO_SUCH_RANK
                    ? ", which is no rank"
                    : refusal == FAILED
                        ? ", and failed in the call"
                        : what(refusal) == GAVE_UP ? ", and gave up" : "");
  }

  /**
   * Tells the others that this rank closes, and waits until each of them does too, or makes another
   * collective call, or is in the close of another controller, or is gone, or the time is over.
   *
   * @return what was wrong, or null
   */
  public @Nullable String close(long nanos) {
    long call = publish(CLOSE, -1, 0, 0);
    node.life(RankContext.CLOSING);
    node.ringCollective();
    Waiter waiter =
        new Waiter(
            node,
            "",
            node.nanoTime(),
            nanos,
            new Waiter.Watch() {
              @Override
              public void check() {
                findDead();
              }

              @Override
              public String describe(long waitedNanos) {
                return "%s has waited %s in close for %s."
                    .formatted(
                        node.who(node.me()), RankContext.seconds(waitedNanos), missing(call));
              }
            });
    while (!isLastOrMistaken(call)) {
      if (!waiter.pauseInClose(bell, () -> isLastOrMistaken(call))) {
        if (!waiter.wasInterrupted() && nanos > 0) {
          node.log(
              System.Logger.Level.INFO,
              "Rank %d closed before %s; the locks go on without it."
                  .formatted(node.myJobRank(), missing(call)));
        }
        break;
      }
    }
    int code = decided(call);
    return code == 0 || code == DIED || code == GONE_ON || CallNames.onlyCloses(told(call))
        ? null
        : report(call, code, node.myJobRank(), told(call));
  }

  private boolean isLastOrMistaken(long call) {
    if (decided(call) != 0) {
      return true;
    }
    for (int rank = 0; rank < node.ranks(); rank++) {
      if (rank != node.me() && !isThrough(rank)) {
        return false;
      }
    }
    return node.agent() < 0 || window.get(Layout.JOB_THROUGH) != 0 || node.brokenBy() >= 0;
  }

  private boolean isThrough(int rank) {
    return node.life(rank) >= RankContext.CLOSING
        || node.communicator().isLeaving(node.jobRank(rank));
  }

  /** Tells whether every rank of this node is in some close, or gone. */
  public boolean areAllThrough() {
    return IntStream.range(0, node.ranks()).allMatch(this::isThrough);
  }

  /** Remembers the dead in the window, where everyone who waits for them looks. */
  private void findDead() {
    for (int rank = 0; rank < node.ranks(); rank++) {
      node.isGone(rank);
    }
  }

  private String missing(long call) {
    StringBuilder missing = new StringBuilder();
    for (int rank = 0; rank < node.ranks(); rank++) {
      if (rank != node.me() && !isThrough(rank)) {
        missing.append(missing.isEmpty() ? "" : ", ").append(node.who(rank));
      }
    }
    return missing.isEmpty()
        ? node.agent() < 0 ? "call " + call : "ranks of other nodes"
        : missing.toString();
  }

  /**
   * What a rank looks at that has given a call up, and waits for how it is decided. An agent whose
   * process stands still is lost to the other nodes after a heartbeat's time-out, and so it is
   * here.
   */
  private final class LeaveWatch implements Waiter.Watch {
    private final long call;
    private final long timeout = node.settings().heartbeatTimeout().toNanos();
    private long seenBeat = -1;
    private long seenAt;
    private long looked = node.nanoTime();

    LeaveWatch(long call) {
      this.call = call;
    }

    @Override
    public void check() {
      findDead();
      long now = node.nanoTime();
      long beat = window.get(Layout.AGENT_BEAT);
      if (beat != seenBeat || now - looked > timeout / 2) { // or this process stood still itself
        seenBeat = beat;
        seenAt = now;
      }
      looked = now;
      if (now - seenAt > timeout) {
        node.breakFor(node.jobRank(node.agent()));
      }
    }

    @Override
    public String describe(long waitedNanos) {
      return "%s gave collective call %d up, and has waited %s since for the master's node to decide it."
          .formatted(node.who(node.me()), call, RankContext.seconds(waitedNanos));
    }
  }

  /** What a rank that waits for the others in a single write looks at. */
  private final class Watch implements Waiter.Watch {
    private final String resource;
    private final int writer;
    private final RankLock lock;

    Watch(RankLock lock, int writer) {
      this.lock = lock;
      this.resource = lock.quotedName();
      this.writer = writer;
    }

    /** Whether a rank has not come yet; of those of other nodes it is not known. */
    private boolean isMissing(int jobRank) {
      int member = node.memberOf(jobRank);
      return member < 0 || slotMark(member, calls) >>> 8 != calls;
    }

    @Override
    public Waiter.DeadlockCheck deadlockCheck(long waitedNanos) {
      return DeadlockDetector.ofCall(lock.threads(), lock.name(), this::isMissing, waitedNanos);
    }

    @Override
    public void check() {
      findDead();
      node.throwIfBroken();
    }

    @Override
    public String describe(long waitedNanos) {
      StringBuilder text = new StringBuilder();
      for (int rank = 0; rank < node.ranks(); rank++) {
        if (slotMark(rank, calls) >>> 8 != calls) {
          text.append(text.isEmpty() ? "" : ", ").append(node.who(rank));
        }
      }
      return "%s has waited %s in the single write of %s (writer %d) for %s."
          .formatted(
              node.who(node.me()),
              RankContext.seconds(waitedNanos),
              resource,
              writer,
              text.isEmpty() ? node.agent() < 0 ? "the decision" : "ranks of other nodes" : text);
    }
  }
}
