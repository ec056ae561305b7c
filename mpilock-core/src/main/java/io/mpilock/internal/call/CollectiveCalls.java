/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import static io.mpilock.internal.job.Verdict.BARRIER;
import static io.mpilock.internal.job.Verdict.CLOSE;
import static io.mpilock.internal.job.Verdict.DIED;
import static io.mpilock.internal.job.Verdict.GO;
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
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The collective calls of a controller: single write, barrier, calls in which the ranks take turns,
 * and the agreement on close.
 *
 * <h2>How the ranks agree</h2>
 *
 * Every rank counts its collective calls. For call n it writes what it calls into its call slot
 * (one for even n, one for odd n) and then marks the slot ARRIVED(n). The call is decided once, by
 * one compare-and-set on DECISION(n): to GO, when every slot says ARRIVED(n) and all say the same,
 * by the rank that is to write, or by any where no single one is; or to one of the failures by any
 * rank that sees a reason: they differ, one refused, one gave up, one closed, one died. All ranks
 * obey the decision, so all go or all fail, and a time-out and a late arrival cannot see it
 * differently. A rank that has read the decision marks its slot SEEN(n). DECISION(n) is used again
 * for n + 2, which is decided when all who made call n have read it. Nobody waits for that beyond
 * its own time-out, interrupt or close: who gives up when no decision can be made yet refuses the
 * call in its slot, so that it can only fail, and goes on. It looks whether a decision can be made
 * after that, and who decides looks at the slots after that: one of the two sees the other
 * (Dekker). A rank's own slot it may use again at once, since of a call that is decided it is read
 * for messages only.
 *
 * <p>In a job of several nodes the ranks of a node do not decide: one that sees a reason to fail
 * proposes it, and the agent ({@code NodeCalls}) brings the decision of the job's root, along a
 * tree of the nodes ({@link io.mpilock.internal.job.CallBranch}). Once the agent has reported that
 * all of its ranks are there (REPORTED) they wait for the root's decision, since it may be to go.
 * It looks at the refusals after it has said so, and a rank that refuses looks at that afterwards.
 */
public final class CollectiveCalls {

  /** Is told how a call ended on this rank. */
  @FunctionalInterface
  public interface Outcome {
    /**
     * A call ended.
     *
     * @param writer whether this rank wrote, in a single write
     * @param nanos the time since the call
     * @param bytes the encoded size of what was shared
     * @param failure what the caller gets, or null
     */
    void ended(boolean writer, long nanos, long bytes, @Nullable Throwable failure);
  }

  // Marks of a call slot, beside the number of the call.
  // Reasons to refuse.
  /** Who gives up waits so long at most for the decision, which brings what others called. */
  private static final long ANSWER_NANOS = 500_000_000;

  private final RankContext node;
  private final NodeWindow window;
  private final Bell bell;
  private final CallSlots slots;
  private final CallReport reports;
  private final CloseCall closing;

  /** Held from the beginning of a call to its end, that of a fence included: one at a time. */
  private final ReentrantLock turn = new ReentrantLock(true);

  /** The number of this rank's last collective call; as the next guarded by {@code turn}. */
  private long calls;

  /** The last call in which nobody waits for this rank any more. */
  private long ended;

  public CollectiveCalls(RankContext node, LongFunction<String> resourceName) {
    this.node = node;
    this.window = node.window();
    this.bell = new Bell(window, Layout.COLLECTIVE_BELL);
    this.slots = new CallSlots(node);
    this.reports = new CallReport(node, slots, resourceName);
    this.closing = new CloseCall(node, bell, slots, reports);
  }

  /** What a rank calls. */
  private record Called(long kind, RankLock lock, int writer) {
    String inWords() {
      return CallNames.inWords(kind, lock.quotedName());
    }
  }

  /** Makes a rank's part in the call of a number. */
  @FunctionalInterface
  private interface Parts<P extends CallPart> {
    P of(long call, long start);
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
    return begin(
        new Called(SINGLE_WRITE, lock, writer),
        nanos,
        (call, start) ->
            new SingleWriteCall(
                node, this, lock, new ShareStream(node, call, writer, node.me()), start, outcome));
  }

  /**
   * Waits for all ranks to call this, too. Collective.
   *
   * @param lock the resource by whose name they know it; it is not locked
   * @param nanos how long to wait at most
   * @param outcome is told how it ends
   */
  public void barrier(RankLock lock, long nanos, Outcome outcome) {
    BarrierCall part =
        begin(
            new Called(BARRIER, lock, 0),
            nanos,
            (_, start) -> new BarrierCall(node, start, outcome));
    end(part);
    part.tellOutcome(null);
  }

  /**
   * Begins a call in which the ranks take turns. Collective.
   *
   * @param kind which
   * @param lock the resource by whose name they know it; it is not locked
   * @param nanos how long to wait at most for the others to come
   * @param taker gets what each rank shares and that rank, in the order of the ranks, where this
   *     rank is to get it; behind a value that cannot be decoded nothing more
   * @param outcome is told how it ends
   * @return this rank's part
   */
  public TurnsCall turns(
      long kind,
      RankLock lock,
      long nanos,
      ObjIntConsumer<@Nullable Object> taker,
      Outcome outcome) {
    return begin(
        new Called(kind, lock, 0),
        nanos,
        (call, start) ->
            new TurnsCall(
                node,
                this,
                kind,
                lock,
                ShareStream.ofTurns(node, call, node.me()),
                start,
                taker,
                outcome));
  }

  private <P extends CallPart> P begin(Called called, long nanos, Parts<P> parts) {
    long start = node.nanoTime();
    RankLock lock = called.lock();
    if (turn.isHeldByCurrentThread()) {
      throw new LockUseException(
          ("Thread '%s' of rank %d begins the %s inside one that is not"
                  + " closed: the other ranks cannot join it. %s before.")
              .formatted(
                  Thread.currentThread().getName(),
                  node.myJobRank(),
                  called.inWords(),
                  called.kind() == SINGLE_WRITE
                      ? "Close the first fence"
                      : "Let the first collective call end"));
    }
    P section = null;
    try {
      takeTurn(called, start, nanos);
      Waiter waiter = new Waiter(node, lock.name(), start, nanos, new Watch(called));
      long call = arrive(called);
      try {
        agree(call, called.writer(), waiter);
      } finally {
        waiter.end();
      }
      section = parts.of(call, start);
      section.begin(waiter.remainingNanos());
      return section;
    } catch (Throwable failure) {
      if (turn.isHeldByCurrentThread()) { // it was not before
        cutShort(called, section, parts, start, failure).tellOutcome(failure);
      }
      throw failure instanceof IllegalStateException refused
          ? node.unusable(refused)
          : RankContext.unchecked(failure);
    }
  }

  /**
   * Ends what had begun of a call when something was thrown: no rank waits for this one in it any
   * more.
   *
   * @param begun this rank's part, if there is one yet
   */
  private <P extends CallPart> P cutShort(
      Called called, @Nullable P begun, Parts<P> parts, long start, Throwable failure) {
    P part = begun != null ? begun : parts.of(calls, start);
    goOn(() -> {
      if (begun != null || (ended != calls && leaveCall(called))) {
        part.end(failure);
      }
    });
    endTurn();
    return part;
  }

  /** Ends a section: the others are told, and another thread may begin one. */
  void end(CallPart section) {
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
  private boolean leaveCall(Called called) {
    long call = calls;
    if (slots.slotMark(node.me(), call) == CallSlots.mark(call, CallSlots.SEEN)) {
      return slots.decided(call) == GO; // a rank that refuses does not wait for the decision
    }
    if (slots.slotMark(node.me(), call) >>> 8 != call) {
      slots.arrive(
          call, called.kind(), called.writer(), called.lock().lockLine(), CallSlots.FAILED);
    }
    boolean goes = slots.decided(call) == GO || refuse(call, CallSlots.FAILED, REFUSED) == GO;
    slots.seen(call);
    return goes;
  }

  /** Whether this rank gets what is gathered for one. */
  public boolean isMaster() {
    return node.myJobRank() == node.settings().master();
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

  private void takeTurn(Called called, long start, long nanos) {
    try {
      // Not interruptible while the turn is free: the call is made, and fails on every rank.
      while (!turn.tryLock() && !turn.tryLock(20, TimeUnit.MILLISECONDS)) {
        if (node.isClosed()) {
          throw node.closedFailure();
        }
        if (node.nanoTime() - start >= nanos) {
          throw new LockTimeoutException(
              "The %s could not begin: another thread of rank %d is in a collective call."
                  .formatted(called.inWords(), node.myJobRank()));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LockInterruptedException(
          "Rank %d was interrupted before its %s began."
              .formatted(node.myJobRank(), called.inWords()));
    }
    if (node.isClosed()) {
      turn.unlock();
      throw node.closedFailure();
    }
  }

  /**
   * Says what this rank calls, and refuses what could only deadlock, in a way that all ranks see.
   */
  private long arrive(Called called) {
    RankLock lock = called.lock();
    int writer = called.writer();
    boolean locks = called.kind() == SINGLE_WRITE;
    ThreadHold hold = lock.hold();
    hold.giveBackOwed(lock); // what is no lease's is no reason to refuse
    RankLock kept =
        lock.threads()
            .kept()
            .beside(Thread.currentThread(), locks && writer == node.myJobRank() ? lock : null);
    long refusal = 0;
    if (writer < 0 || writer >= node.jobSize()) {
      refusal = CallSlots.NO_SUCH_RANK;
    } else if (kept != null) {
      refusal = kept.lockLine() << CallSlots.REFUSAL_BITS | CallSlots.KEEPS_WRITE;
    } else if (locks && hold.isReading() && !(hold.isWriting() && writer == node.myJobRank())) {
      refusal = CallSlots.HOLDS_READ;
    } else if (locks && hold.isWriting() && writer != node.myJobRank()) {
      refusal = CallSlots.HOLDS_WRITE;
    }
    long call = publish(called.kind(), writer, lock.lockLine(), refusal);
    if (refusal == CallSlots.NO_SUCH_RANK) {
      slots.decide(call, REFUSED, node.myJobRank());
      slots.seen(call);
      throw new IllegalArgumentException(
          "There is no rank %d to write: the controller has ranks 0 to %d."
              .formatted(writer, node.jobSize() - 1));
    }
    if (refusal != 0) {
      slots.decide(call, REFUSED, node.myJobRank());
      slots.seen(call);
      if (kept != null) {
        throw new LockUseException(
            ("Thread '%s' of rank %d calls %s on %s while its transaction"
                    + " keeps the write of %s, which other ranks may wait for before they make"
                    + " this call. Make the call outside of the transaction; or let that write"
                    + " end with its body, by %s or LockTemplate.until(Until.BODY).")
                .formatted(
                    Thread.currentThread().getName(),
                    node.myJobRank(),
                    CallNames.ofKind(called.kind()),
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
                  refusal == CallSlots.HOLDS_READ ? "read" : "write",
                  writer));
    }
    return call;
  }

  private long publish(long kind, int writer, long lockLine, long refusal) {
    long call = ++calls;
    slots.arrive(call, kind, writer, lockLine, refusal);
    return call;
  }

  /** Waits for the decision and obeys it. */
  private void agree(long call, int writer, Waiter waiter) {
    int code;
    int rank = node.myJobRank();
    while ((code = slots.decided(call)) == 0) {
      if (!slots.tryDecide(call, writer)
          && !waiter.pause(bell, () -> slots.decided(call) != 0 || slots.tryDecide(call, writer))) {
        int why = waiter.wasInterrupted() ? INTERRUPTED : node.isClosed() ? LEFT : TIMED_OUT;
        if (refuse(call, (long) why << CallSlots.REFUSAL_BITS | CallSlots.GAVE_UP, why) == 0) {
          node.throwIfBroken();
          code = why;
          break;
        }
      }
    }
    boolean decided = slots.decided(call) != 0;
    if (decided) {
      rank = (int) (window.get(Layout.decision(call)) >>> 8) & 0xFFFF;
    }
    String report =
        code == GO
            ? ""
            : reports.report(
                call, code, rank, decided ? reports.told(call) : reports.summary(call));
    slots.seen(call);
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
    slots.giveUp(call, refusal);
    slots.decide(call, code, node.myJobRank());
    if (node.agent() >= 0) {
      awaitDecision(call);
    }
    return slots.decided(call);
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
    BooleanSupplier over = () -> slots.decided(call) != 0 || node.brokenBy() >= 0;
    while (!over.getAsBoolean() && waiter.pauseInClose(bell, over)) {
      // It looks at the dead.
    }
    waiter.end();
  }

  /**
   * Tells the others that this rank closes, and waits until each of them does too, or makes another
   * collective call, or is in the close of another controller, or is gone, or the time is over.
   *
   * @return what was wrong, or null
   */
  public @Nullable String close(long nanos) {
    return closing.close(publish(CLOSE, -1, 0, 0), nanos);
  }

  /** The words of the calls. */
  public CallSlots slots() {
    return slots;
  }

  /** Tells what each rank of this node called. */
  public String summary(long call) {
    return reports.summary(call);
  }

  /** Tells whether every rank of this node is in some close, or gone. */
  public boolean areAllThrough() {
    return closing.areAllThrough();
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
      node.findDead();
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

  /** What a rank that waits for the others to make a call looks at. */
  private final class Watch implements Waiter.Watch {
    private final Called called;

    Watch(Called called) {
      this.called = called;
    }

    /** Whether a rank has not come yet; of those of other nodes it is not known. */
    private boolean isMissing(int jobRank) {
      int member = node.memberOf(jobRank);
      return member < 0 || slots.slotMark(member, calls) >>> 8 != calls;
    }

    @Override
    public Waiter.DeadlockCheck deadlockCheck(long waitedNanos) {
      return DeadlockDetector.ofCall(
          called.lock().threads(), called.lock().name(), this::isMissing, waitedNanos);
    }

    @Override
    public void check() {
      node.findDead();
      node.throwIfBroken();
    }

    @Override
    public String describe(long waitedNanos) {
      StringBuilder text = new StringBuilder();
      for (int rank = 0; rank < node.ranks(); rank++) {
        if (slots.slotMark(rank, calls) >>> 8 != calls) {
          text.append(text.isEmpty() ? "" : ", ").append(node.who(rank));
        }
      }
      return "%s has waited %s in the %s%s for %s."
          .formatted(
              node.who(node.me()),
              RankContext.seconds(waitedNanos),
              called.inWords(),
              called.kind() == SINGLE_WRITE ? " (writer " + called.writer() + ")" : "",
              text.isEmpty() ? node.agent() < 0 ? "the decision" : "ranks of other nodes" : text);
    }
  }
}
