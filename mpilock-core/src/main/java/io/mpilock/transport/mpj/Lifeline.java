/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * One rank's connection to rank 0's {@link Hub}, open as long as the rank is part of the job: the
 * way to meet the others before there is anything else, and how deaths become known. Ranks are
 * those of the job.
 *
 * <p>Any thread may call. No call hangs: a meeting ends when a member died or left, when rank 0
 * did, and when the layer above says that a member is lost.
 */
final class Lifeline {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  private static final int ALIVE = 0;
  private static final int LEFT = 1;
  private static final int DEAD = 2;

  private static final long LOOK_MILLIS = 200;
  private static final long ABORT_NANOS = 3_000_000_000L;

  private final int rank;
  private final Consumer<LifelineMessage> toHub;
  private final IntConsumer halt;
  private final AtomicIntegerArray fates;
  private final ConcurrentMap<String, CompletableFuture<byte[][]>> meetings =
      new ConcurrentHashMap<>();

  /** What was told of groups that are out of step. */
  private final CopyOnWriteArrayList<LifelineMessage.CutShort> cutShort =
      new CopyOnWriteArrayList<>();

  private final List<IntConsumer> onDeath = new CopyOnWriteArrayList<>();

  /** How rank 0's hub ended, once it has; then there are no meetings any more. */
  private volatile @Nullable Exception hubEnd;

  /**
   * Makes this rank's end.
   *
   * @param toHub tells the hub something; never waits, never throws
   * @param halt ends this process with a status
   */
  Lifeline(int rank, int size, Consumer<LifelineMessage> toHub, IntConsumer halt) {
    this.rank = rank;
    this.toHub = toHub;
    this.halt = halt;
    fates = new AtomicIntegerArray(size);
  }

  int rank() {
    return rank;
  }

  int size() {
    return fates.length();
  }

  /** What to call when a rank's death becomes known; on the reactor's thread, or a caller's. */
  void onDeath(IntConsumer listener) {
    onDeath.add(listener);
  }

  /** Whether a rank is not known to be dead. One that left in peace is not. */
  boolean isAlive(int other) {
    return fates.get(other) != DEAD;
  }

  /** Whether rank 0 still tells of deaths. */
  boolean tells() {
    return hubEnd == null;
  }

  /** Takes a rank for dead from now on. */
  void lost(int other) {
    if (other != rank && fates.getAndSet(other, DEAD) != DEAD) {
      onDeath.forEach(listener -> listener.accept(other));
    }
  }

  /**
   * Meets other ranks. Collective over the members; waits for them, but not for the dead.
   *
   * @param meeting its name, the same on all members and never used again
   * @param members who meets, this rank among them, in the same order on all
   * @param brought what this rank brings
   * @param what what the ranks come together for, in words
   * @param names tells who a rank is
   * @param stallWarning after how long the wait is reported
   * @return what each brought, in the order of the members
   * @throws RankFailedException if one will never come, with its place among the members
   */
  byte[][] meet(
      String meeting,
      int[] members,
      byte[] brought,
      String what,
      IntFunction<String> names,
      Duration stallWarning) {
    CompletableFuture<byte[][]> outcome = begin(meeting, members, brought);
    long start = System.nanoTime();
    long nextWarning = stallWarning.toNanos();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return outcome.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
          interrupted = true; // as in MPI: the wait goes on
        } catch (ExecutionException e) {
          throw failure(e.getCause(), members, what, names);
        } catch (TimeoutException e) {
          for (int member : members) {
            if (!isAlive(member) && !outcome.isDone()) {
              throw failure(new MissedException(member), members, what, names);
            }
          }
          long waited = System.nanoTime() - start;
          if (waited >= nextWarning) {
            nextWarning = waited + stallWarning.toNanos();
            LOG.log(
                System.Logger.Level.WARNING,
                "Rank {0} has been waiting for {1} s for all {2} ranks to {3}.",
                rank,
                Duration.ofNanos(waited).toSeconds(),
                members.length,
                what);
          }
        }
      }
    } finally {
      meetings.remove(meeting);
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Says that this rank is at a meeting, without waiting for the others. */
  CompletableFuture<byte[][]> begin(String meeting, int[] members, byte[] brought) {
    CompletableFuture<byte[][]> outcome = new CompletableFuture<>();
    meetings.put(meeting, outcome);
    for (LifelineMessage.CutShort told : cutShort) { // after the put, as below
      if (told.covers(meeting)) {
        outcome.completeExceptionally(new CutShortException(told));
        return outcome;
      }
    }
    toHub.accept(new LifelineMessage.Meet(meeting, members, brought));
    Exception end = hubEnd; // after the put: whoever sets it looks at the meetings after that
    if (end != null) {
      outcome.completeExceptionally(end);
    }
    return outcome;
  }

  /**
   * Tells all ranks that one comes to no meeting of a group any more. Never throws, and waits for
   * nobody.
   *
   * @param group the group's name
   * @param from the first call of it that this rank has not come through
   * @param place who does not come, by its place in the group
   * @param reason why
   */
  void tellCutShort(String group, int from, int place, String reason) {
    LifelineMessage.CutShort told = new LifelineMessage.CutShort(group, from, place, reason);
    noteCutShort(told);
    if (hubEnd == null) {
      toHub.accept(told);
    }
  }

  private void noteCutShort(LifelineMessage.CutShort told) {
    if (!cutShort.addIfAbsent(told)) {
      return;
    }
    meetings.forEach((meeting, outcome) -> {
      if (told.covers(meeting)) {
        outcome.completeExceptionally(new CutShortException(told));
      }
    });
  }

  /** Throws if a rank comes to no meeting of a group any more. */
  void throwIfCutShort(String group, int[] members, IntFunction<String> names) {
    for (LifelineMessage.CutShort told : cutShort) {
      if (told.covers(group + "/")) {
        throw failure(new CutShortException(told), members, "open a controller", names);
      }
    }
  }

  private static MpilockException failure(
      @Nullable Throwable cause, int[] members, String what, IntFunction<String> names) {
    if (cause instanceof CutShortException cut) {
      int place = cut.told.rank();
      boolean known = place >= 0 && place < members.length;
      return new RankFailedException(
          place,
          (known ? names.apply(members[place]) : "rank " + place)
              + " does not come to "
              + what
              + ": "
              + cut.told.reason()
              + ". Look for the reason in its output; another communicator is needed to open a"
              + " controller.");
    }
    if (!(cause instanceof MissedException missed)) {
      return new MpilockException("The ranks could not " + what + ".", cause);
    }
    int place = -1;
    for (int i = 0; i < members.length; i++) {
      place = members[i] == missed.rank ? i : place;
    }
    String message =
        names.apply(missed.rank)
            + (place < 0
                ? " ended, which the ranks need to meet each other, before they came to "
                : " ended before all ranks came to ")
            + what
            + ". Look for the reason in its output.";
    return new RankFailedException(place, message);
  }

  /** Takes what the hub says. On the reactor's thread. */
  void receive(LifelineMessage message) {
    switch (message) {
      case LifelineMessage.Met(String meeting, byte[][] brought) -> {
        CompletableFuture<byte[][]> outcome = meetings.remove(meeting);
        if (outcome != null) {
          outcome.complete(brought);
        }
      }
      case LifelineMessage.Missed(String meeting, int missed) -> {
        CompletableFuture<byte[][]> outcome = meetings.remove(meeting);
        if (outcome != null) {
          outcome.completeExceptionally(new MissedException(missed));
        }
      }
      case LifelineMessage.Stop(String reason) -> hubEnded(new StoppedException(reason));
      case LifelineMessage.CutShort told -> noteCutShort(told);
      case LifelineMessage.Died(int other) -> lost(checked(other));
      case LifelineMessage.Left(int other) -> {
        fates.compareAndSet(checked(other), ALIVE, LEFT);
        if (other == 0) {
          hubEnded(new MissedException(0));
        }
      }
      case LifelineMessage.Abort(int status, int by) -> {
        LOG.log(
            System.Logger.Level.ERROR,
            "Rank {0} ends with status {1}: rank {2} aborted the job.",
            rank,
            status,
            by);
        halt.accept(status);
      }
      case LifelineMessage.Meet _, LifelineMessage.Bye _ ->
          throw new IllegalArgumentException("the hub does not send " + message);
    }
  }

  private int checked(int other) {
    if (other < 0 || other >= fates.length()) {
      throw new IllegalArgumentException("the hub tells of rank " + other);
    }
    return other;
  }

  /** Hears that the connection to rank 0 broke. On the reactor's thread. */
  void broken() {
    if (hubEnd == null) {
      lost(0);
      hubEnded(new MissedException(0));
    }
  }

  private void hubEnded(Exception end) {
    hubEnd = end;
    meetings.values().forEach(meeting -> meeting.completeExceptionally(end));
  }

  /** Ends the job on all ranks that can be reached, and this process. Does not return. */
  void abort(int status) {
    if (hubEnd == null) {
      toHub.accept(new LifelineMessage.Abort(status, rank));
      long start = System.nanoTime();
      while (hubEnd == null && System.nanoTime() - start < ABORT_NANOS) {
        boolean _ = Thread.interrupted(); // or it would not wait
        LockSupport.parkNanos(this, LOOK_MILLIS * 1_000_000); // the hub sends it back: the end
      }
    }
    halt.accept(status);
  }

  /** Says farewell. */
  void bye() {
    toHub.accept(new LifelineMessage.Bye());
  }

  /** A rank will not come to a meeting. */
  static final class MissedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int rank;

    MissedException(int rank) {
      super("rank " + rank + " ended", null, false, false);
      this.rank = rank;
    }

    int rank() {
      return rank;
    }
  }

  /** A rank does not come to a meeting, though it lives. */
  private static final class CutShortException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient LifelineMessage.CutShort told;

    CutShortException(LifelineMessage.CutShort told) {
      super(told.reason(), null, false, false);
      this.told = told;
    }
  }

  /** The job cannot begin. */
  static final class StoppedException extends Exception {
    private static final long serialVersionUID = 1L;

    StoppedException(String reason) {
      super(reason);
    }
  }
}
