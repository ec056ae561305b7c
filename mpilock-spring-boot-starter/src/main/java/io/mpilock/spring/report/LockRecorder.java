/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import io.mpilock.CollectiveCall;
import io.mpilock.LockListener;
import io.mpilock.LockMode;
import io.mpilock.transport.Member;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Records what happens to the locks of one rank, in bounded memory. Threads note on pages of their
 * own, without a lock that others wait for ({@link StripedNotes}); from there the notes come into
 * the account ({@link LockAccount}), a page at a time, and all that are left when the account is
 * read. Nothing is allocated for a note, and the clock is read by the controller alone.
 */
final class LockRecorder implements LockListener {
  /** Resources beyond the limit are counted together, under this name. */
  static final String OTHERS = "(others)";

  static final int MOST_RESOURCES = 64;
  private static final int NO_NUMBER = -1;

  private final ConcurrentMap<String, Integer> numbers = new ConcurrentHashMap<>();
  private final List<String> names = new ArrayList<>(); // guarded by itself
  private final ThreadLocal<OpenHolds> open = ThreadLocal.withInitial(OpenHolds::new);
  private volatile boolean full; // no resource gets figures of its own any more
  private final LockAccount account;
  private final StripedNotes notes;
  private final long startNanoTime;
  private final long startEpochNanos;

  /**
   * Makes a recorder.
   *
   * @param events how many events to keep; 0 keeps figures alone
   */
  LockRecorder(int events) {
    this.account = new LockAccount(MOST_RESOURCES, events, StripedNotes.mostRoom());
    this.notes = new StripedNotes(account);
    this.startNanoTime = System.nanoTime();
    Instant now = Instant.now();
    this.startEpochNanos = TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
  }

  @Override
  public void granted(String resource, LockMode mode, long waitNanos, boolean contended) {
    granted(resource, mode, waitNanos, contended, System.nanoTime());
  }

  @Override
  public void granted(String resource, LockMode mode, long waitNanos, boolean contended, long now) {
    LockUse use = LockUse.of(mode);
    long kind = NoteKind.grant(number(resource), use, contended);
    open.get().push(resource, use, waitNanos, contended); // first: it also forgets a stale one
    notes.add(kind, now - waitNanos, waitNanos, 0, Thread.currentThread().getName());
  }

  @Override
  public void released(String resource, LockMode mode, long holdNanos) {
    released(resource, mode, holdNanos, System.nanoTime());
  }

  @Override
  public void released(String resource, LockMode mode, long holdNanos, long now) {
    LockUse use = LockUse.of(mode);
    long taken = open.get().take(resource, use);
    end(
        NoteKind.of(number(resource), use, LockOutcome.GRANTED, (taken & 1) != 0),
        now,
        taken >>> 1,
        holdNanos);
  }

  @Override
  public void timedOut(String resource, LockMode mode, long waitNanos) {
    long kind = NoteKind.of(number(resource), LockUse.of(mode), LockOutcome.GAVE_UP, true);
    end(kind, System.nanoTime(), waitNanos, 0);
  }

  @Override
  public void failed(String resource, LockMode mode, long waitNanos, Throwable failure) {
    long kind = NoteKind.of(number(resource), LockUse.of(mode), LockOutcome.FAILED, true);
    end(kind, System.nanoTime(), waitNanos, 0);
  }

  @Override
  public void singleWrite(
      String resource, boolean writer, long nanos, long sharedBytes, @Nullable Throwable failure) {
    LockOutcome outcome = failure == null ? LockOutcome.GRANTED : LockOutcome.FAILED;
    boolean holds = writer && failure == null;
    end(
        NoteKind.of(number(resource), LockUse.SINGLE_WRITE, outcome, !holds),
        System.nanoTime(),
        holds ? 0 : nanos,
        holds ? nanos : 0);
  }

  /** Counts with the single writes; all of its time is a wait. */
  @Override
  public void collective(
      String resource,
      CollectiveCall call,
      long nanos,
      long sharedBytes,
      @Nullable Throwable failure) {
    LockOutcome outcome = failure == null ? LockOutcome.GRANTED : LockOutcome.FAILED;
    long kind = NoteKind.of(number(resource), LockUse.SINGLE_WRITE, outcome, true);
    end(kind, System.nanoTime(), nanos, 0);
  }

  private void end(long kind, long now, long waitNanos, long holdNanos) {
    String thread = Thread.currentThread().getName();
    notes.add(kind, now - holdNanos - waitNanos, waitNanos, holdNanos, thread);
  }

  private int number(String resource) {
    Integer number = numbers.get(resource);
    return number != null ? number : full ? NO_NUMBER : register(resource);
  }

  private int register(String resource) {
    synchronized (names) {
      Integer known = numbers.get(resource);
      if (known != null || full) {
        return known != null ? known : NO_NUMBER;
      }
      int number = names.size();
      names.add(resource);
      numbers.put(resource, number);
      full = names.size() == MOST_RESOURCES;
      return number;
    }
  }

  /** What was recorded until now. */
  RankRecord snapshot(Member member) {
    notes.flush();
    List<ModeRecord> modes = new ArrayList<>();
    KeptEvents events;
    long end;
    long ended;
    List<String> all;
    synchronized (account) {
      synchronized (names) { // in here, so that each number that is counted has its name
        all = List.copyOf(names);
      }
      for (int number = 0; number < all.size(); number++) {
        modes.addAll(account.modes(number, all.get(number)));
      }
      modes.addAll(account.modes(NO_NUMBER, OTHERS));
      events = account.events();
      ended = account.ended();
      end = System.nanoTime();
    }
    return new RankRecord(
        member.rank(),
        member.host(),
        member.pid(),
        startEpochNanos,
        epochNanos(end),
        ended,
        modes,
        events.read(
            (kind, begin, wait, hold, thread) -> event(all, kind, begin, wait, hold, thread)));
  }

  private LockEvent event(
      List<String> all, long kind, long begin, long wait, long hold, String thread) {
    int number = NoteKind.resource(kind);
    return new LockEvent(
        number >= 0 && number < all.size() ? all.get(number) : OTHERS,
        NoteKind.use(kind),
        NoteKind.outcome(kind),
        NoteKind.contended(kind),
        thread.isEmpty() ? "(unnamed)" : thread, // a virtual thread
        epochNanos(begin),
        wait,
        hold);
  }

  private long epochNanos(long nanoTime) {
    return startEpochNanos + (nanoTime - startNanoTime);
  }
}
