/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import io.mpilock.Fence;
import io.mpilock.FencedHandle;
import io.mpilock.FencedSignal;
import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.ShareException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.soak.Mode.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What all ranks call together, on one thread of each. What is called in a round follows from the
 * seed and the round alone, so all ranks agree without a word; between two rounds they meet, and
 * rank 0 compares how the round ended on each.
 */
final class Rounds {
  private static final List<Mode> TOGETHER =
      Arrays.stream(Mode.values()).filter(Mode::isCollective).toList();

  /** A resource that only this class uses, for the meetings. */
  private static final String MEETING = "meeting";

  private static final int SMALL_BYTES = 100_000;
  private static final int CHUNKS_BYTES = 1_000_000;
  private static final int LARGE_BYTES = 12_000_000;

  private final Settings settings;
  private final Ledger ledger;
  private final WindowController controller;
  private final Visits visits;
  private final Guarded[] guarded;
  private final Tally tally;
  private final Operations operations;
  private final int me;
  private final int size;

  Rounds(
      Settings settings,
      Ledger ledger,
      WindowController controller,
      Visits visits,
      Guarded[] guarded,
      Tally tally,
      Operations operations) {
    this.settings = settings;
    this.ledger = ledger;
    this.controller = controller;
    this.visits = visits;
    this.guarded = guarded;
    this.tally = tally;
    this.operations = operations;
    this.me = controller.rank();
    this.size = controller.size();
  }

  /** How a single write ended on a rank. */
  private enum End {
    WELL,
    FAILED,
    /** This rank alone, because it was interrupted. */
    INTERRUPTED;

    @SuppressWarnings("EnumOrdinal") // for as long as the program runs
    int index() {
      return ordinal();
    }
  }

  /** Goes on until rank 0 says that it is enough; each mode has its turn unless it is to stop. */
  void run(Station station, BooleanSupplier enough) {
    for (long round = 0; ; round++) {
      long number = round;
      station.begin(round, null);
      boolean more =
          controller
              .resource(MEETING)
              .singleWrite(
                  0,
                  () -> {
                    compare(number - 1);
                    return (number < TOGETHER.size() || !enough.getAsBoolean())
                        && !ledger.isToStop();
                  });
      station.end();
      if (!more) {
        return;
      }
      SplittableRandom plan = settings.choices(-1, -1, round);
      SplittableRandom own = settings.choices(me, -1, round);
      Mode mode = mode(round);
      Guarded where = guarded[plan.nextInt(guarded.length)];
      station.begin(round, mode, where.number());
      ledger.set(me, Ledger.OUTCOME, round << 8 | End.FAILED.index());
      Outcome outcome = perform(mode, where, round, plan, own);
      tally.count(mode, outcome);
      station.end();
      LockSupport.parkNanos(own.nextInt(20_000_000));
    }
  }

  /** All ranks are here, and nobody is anywhere else. */
  void meet(Station station, long number) {
    station.begin(number, null);
    long _ = controller.resource(MEETING).singleWrite(0, () -> number);
    station.end();
  }

  /** Each mode once, in a new order each time. */
  private Mode mode(long round) {
    List<Mode> order = new ArrayList<>(TOGETHER);
    Collections.shuffle(order, new Random(settings.seed() + round / order.size()));
    Mode mode = order.get((int) (round % order.size()));
    return mode == Mode.RANKS_DISAGREE && size == 1 ? Mode.SHARE_SMALL : mode;
  }

  private Outcome perform(
      Mode mode, Guarded where, long round, SplittableRandom plan, SplittableRandom own) {
    int writer = plan.nextInt(size);
    Body body = new Body(where, writer, round, own);
    return switch (mode) {
      case SHARE_SMALL -> share(body, plan, plan.nextInt(SMALL_BYTES));
      case SHARE_CHUNKS -> share(body, plan, SMALL_BYTES + plan.nextInt(CHUNKS_BYTES));
      case SHARE_LARGE -> share(body, plan, CHUNKS_BYTES + plan.nextInt(LARGE_BYTES));
      case SHARE_NOTHING -> shareNothing(body);
      case SHARE_IN_WRITE -> shareInWrite(body);
      case SHARE_TIMED, SHARE_INTERRUPTED -> shareInTime(mode, body, plan);
      case BODY_THROWS -> bodyThrows(body);
      case BODY_IS_SILENT -> bodyIsSilent(body);
      case SHARE_UNFIT -> shareUnfit(body);
      case SHARE_IN_READ -> shareInRead(body, plan.nextInt(size));
      case RANKS_DISAGREE -> disagree(body, plan.nextInt(size));
      case CONTROLLERS -> {
        visits.visit(round, plan, own);
        ended(round, End.WELL);
        yield Outcome.DONE;
      }
      default -> throw new IllegalArgumentException(mode + " is for a thread alone");
    };
  }

  /** What the writing rank does: it overwrites the region, as under any write. */
  private final class Body {
    final Guarded where;
    final int writer;
    final long round;
    final SplittableRandom own;

    Body(Guarded where, int writer, long round, SplittableRandom own) {
      this.where = where;
      this.writer = writer;
      this.round = round;
      this.own = own;
    }

    ResourceLock lock() {
      return where.lock();
    }

    boolean isMine() {
      return writer == me;
    }

    /** Gives the token. */
    long run() {
      boolean _ = operations.alarm().disarm();
      try (ReadLease read = lock().read()) { // which knows the token of the write around it
        operations.overwrite(read.token(), where, own);
        return read.token();
      }
    }

    /** What everybody does afterwards: the file is at least as new as what was shared. */
    void look(long token) {
      try (ReadLease read = lock().read()) {
        operations.hand().check(where.region(), read.token(), own);
        if (read.token() < token) {
          throw new Violation(
              "after a single write with token %d, %s has token %d"
                  .formatted(token, Hand.name(where.region()), read.token()));
        }
      }
    }
  }

  /** What is shared: the token, and bytes that every rank can make up for itself. */
  private static Map<String, Object> parcel(long token, long round, int bytes) {
    Map<String, Object> parcel = new TreeMap<>();
    parcel.put("token", token);
    parcel.put("bytes", bytes(round, bytes));
    return parcel;
  }

  private static byte[] bytes(long round, int count) {
    byte[] bytes = new byte[count];
    new SplittableRandom(round).nextBytes(bytes);
    return bytes;
  }

  private void checkParcel(Body body, @Nullable Map<String, Object> parcel, int bytes) {
    if (parcel == null
        || !(parcel.get("bytes") instanceof byte[] shared)
        || !(parcel.get("token") instanceof Long token)
        || !Arrays.equals(shared, bytes(body.round, bytes))) {
      throw new Violation(
          "what rank %d shared in round %d, of %d bytes, came differently"
              .formatted(body.writer, body.round, bytes));
    }
    body.look(token);
  }

  private Outcome share(Body body, SplittableRandom plan, int bytes) {
    Map<String, Object> parcel;
    if (plan.nextBoolean()) {
      parcel = body.lock().singleWrite(body.writer, () -> parcel(body.run(), body.round, bytes));
    } else {
      Fence<Map<String, Object>> fence = body.lock().singleWrite(body.writer);
      try (fence) {
        fence.guard();
        fence.share(parcel(body.run(), body.round, bytes));
      } catch (FencedSignal signal) {
        if (body.isMine()) {
          throw new Violation("guard() did not let the writing rank pass");
        }
      }
      parcel = fence.collect();
    }
    checkParcel(body, parcel, bytes);
    ended(body.round, End.WELL);
    return Outcome.DONE;
  }

  private Outcome shareNothing(Body body) {
    try (FencedHandle<Body> fence = body.lock().singleWriteWith(body, body.writer)) {
      if (fence.handle().isPresent() != body.isMine()) {
        throw new Violation("the handle is on the wrong rank");
      }
      fence.handle().ifPresent(Body::run);
      fence.complete();
    }
    ended(body.round, End.WELL);
    return Outcome.DONE;
  }

  /** The writing rank may hold the write before: its hold goes on. */
  private Outcome shareInWrite(Body body) {
    if (!body.isMine()) {
      long token = body.lock().singleWrite(body.writer, body::run);
      body.look(token);
    } else {
      try (WriteLease outer = body.lock().write()) {
        operations.overwrite(outer.token(), body.where, body.own);
        long _ =
            body.lock()
                .singleWrite(
                    body.writer,
                    () -> {
                      try (ReadLease inner = body.lock().read()) {
                        operations.hand().check(body.where.region(), inner.token(), body.own);
                        return inner.token();
                      }
                    });
        operations.hand().check(body.where.region(), outer.token(), body.own);
      }
    }
    ended(body.round, End.WELL);
    return Outcome.DONE;
  }

  /** Goes well on all ranks or fails on all, but for the one that is interrupted. */
  private Outcome shareInTime(Mode mode, Body body, SplittableRandom plan) {
    int interrupted = mode == Mode.SHARE_INTERRUPTED ? plan.nextInt(size) : -1;
    Duration timeout =
        mode == Mode.SHARE_TIMED
            ? Operations.shortly(plan).multipliedBy(10)
            : settings.stall().multipliedBy(2);
    long token;
    if (interrupted == me) {
      operations.alarm().arm(body.own);
    }
    try {
      token = body.lock().singleWrite(body.writer, timeout, body::run);
    } catch (LockInterruptedException e) {
      if (interrupted != me) {
        throw e;
      }
      operations.checkInterrupted();
      ended(body.round, body.isMine() ? End.FAILED : End.INTERRUPTED);
      return Outcome.GAVE_UP;
    } catch (LockTimeoutException e) {
      if (interrupted >= 0) {
        throw e;
      }
      return Outcome.GAVE_UP;
    } catch (CollectiveMismatchException | SingleWriteFailedException e) {
      return Outcome.GAVE_UP;
    } finally {
      boolean _ = operations.alarm().disarm();
    }
    body.look(token);
    ended(body.round, End.WELL);
    return Outcome.DONE;
  }

  /** An exception that a body was made to throw. */
  private static final class Planned extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Planned(long round) {
      super("planned in round " + round);
    }
  }

  private Outcome bodyThrows(Body body) {
    try {
      long _ =
          body.lock()
              .<Long, RuntimeException>singleWrite(
                  body.writer,
                  () -> {
                    long token = body.run();
                    if (token > 0) {
                      throw new Planned(body.round);
                    }
                    return token;
                  });
    } catch (Planned e) {
      if (body.isMine()) {
        return Outcome.REFUSED;
      }
      throw new Violation("the exception of rank " + body.writer + " is thrown on another rank");
    } catch (SingleWriteFailedException e) {
      String planned = "planned in round " + body.round;
      if (!body.isMine()
          && e.rank() == body.writer
          && e.toString().contains(planned)
          && e.remoteStackTrace().contains(planned)) {
        return Outcome.REFUSED;
      }
      throw new Violation(
          "the failure of rank " + body.writer + ", " + planned + ", is told as " + e);
    }
    throw new Violation("a body that throws is taken for one that ended well");
  }

  /** A block that is left without a word has failed, on every rank. */
  private Outcome bodyIsSilent(Body body) {
    try (Fence<Long> fence = body.lock().singleWrite(body.writer)) {
      if (fence.isWriter()) {
        long _ = body.run();
      }
    } catch (SingleWriteFailedException e) {
      if (e.rank() == body.writer && e.remoteStackTrace().isEmpty()) {
        return Outcome.REFUSED;
      }
      throw new Violation("a silent end of rank " + body.writer + " is told as " + e);
    }
    throw new Violation("a silent end is taken for a good one");
  }

  private Outcome shareUnfit(Body body) {
    try {
      Object _ =
          body.lock()
              .<Object, RuntimeException>singleWrite(
                  body.writer,
                  () -> {
                    long _ = body.run();
                    return new Object();
                  });
    } catch (ShareException e) {
      if (body.isMine()) {
        return Outcome.REFUSED;
      }
      throw e;
    } catch (SingleWriteFailedException e) {
      if (!body.isMine() && e.rank() == body.writer) {
        return Outcome.REFUSED;
      }
      throw e;
    }
    throw new Violation("an object that is not Serializable was shared");
  }

  /** The writer would wait for the reader, and the reader for the writer. */
  private Outcome shareInRead(Body body, int reader) {
    if (reader == me) {
      try (ReadLease read = body.lock().read()) {
        refused(LockUseException.class, body.lock(), body.writer);
        operations.hand().check(body.where.region(), read.token(), body.own);
      }
    } else {
      refused(CollectiveMismatchException.class, body.lock(), body.writer);
    }
    return Outcome.REFUSED;
  }

  private Outcome disagree(Body body, int other) {
    int writer = other == me ? (body.writer + 1) % size : body.writer;
    refused(CollectiveMismatchException.class, body.lock(), writer);
    return Outcome.REFUSED;
  }

  private static void refused(
      Class<? extends MpilockException> why, ResourceLock lock, int writer) {
    try {
      long _ = lock.singleWrite(writer, () -> 0L);
    } catch (MpilockException e) {
      if (why.isInstance(e)) {
        return;
      }
      throw e;
    }
    throw new Violation("a single write that should have been refused was not");
  }

  private void ended(long round, End end) {
    ledger.set(me, Ledger.OUTCOME, round << 8 | end.index());
  }

  /** Rank 0, while all ranks are at the meeting: they all went on together, or none did. */
  private void compare(long round) {
    if (round < 0) {
      return;
    }
    int well = 0;
    int interrupted = 0;
    for (int rank = 0; rank < size; rank++) {
      long word = ledger.get(rank, Ledger.OUTCOME);
      if (word >>> 8 != round) {
        throw new Violation("rank %d is not in round %d".formatted(rank, round));
      }
      well += (int) (word & 0xFF) == End.WELL.index() ? 1 : 0;
      interrupted += (int) (word & 0xFF) == End.INTERRUPTED.index() ? 1 : 0;
    }
    if (well != 0 && well + interrupted != size) {
      throw new Violation(
          "round %d ended well on %d of %d ranks, and %d were interrupted"
              .formatted(round, well, size, interrupted));
    }
  }
}
