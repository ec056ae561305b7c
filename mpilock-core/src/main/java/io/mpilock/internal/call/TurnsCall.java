/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import io.mpilock.failure.CollectiveFailedException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.ShareException;
import io.mpilock.internal.job.Verdict;
import io.mpilock.internal.rank.DeadlockDetector;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.CallNames;
import io.mpilock.internal.window.FailureText;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One rank's part in a call in which the ranks take turns, rank 0 first, from the decision to go
 * until it is left. Used by the thread that began it.
 *
 * <pre>
 *   awaitTurn()    reads the turns of the ranks before this one
 *   share, pass    ends its own
 *   awaitAll()     reads those of the ranks behind it
 * </pre>
 *
 * <p>Invariants: the ranks run their turns one after the other, since each begins its own when it
 * has read the end of the one before. A turn that fails is the last: the stream ends in its place,
 * and every rank reads that. A rank that takes no further part says so in its PROGRESS, so that
 * nobody waits for it to read; if its turn was yet to come, the stream ends when that does.
 *
 * <p>Whatever is thrown in it, the other ranks are told: by {@link #end}, which notes each step,
 * and goes on behind the last.
 */
public final class TurnsCall implements CallPart {
  /** What is told if there is no memory or stack for more. */
  private static final String UNTOLD = "A failure whose text could not be created.";

  /** What is told if some rank keeps the text from the others. */
  private static final String UNSENT =
      "A failure whose text could not be sent, because a rank does not respond.";

  private final RankContext node;
  private final CollectiveCalls collectives;
  private final long kind;
  private final RankLock lock;
  private final ShareStream stream;
  private final long start;
  private final CollectiveCalls.Outcome outcome;
  private final boolean keeps;
  private final ObjIntConsumer<@Nullable Object> taker;
  private @Nullable ShareException undecoded;
  private @Nullable String failureText;

  /** Has read the ends of all turns before its own. */
  private boolean isOn;

  /** The other ranks wait for this one no more. */
  private boolean over;

  private boolean left;

  TurnsCall(
      RankContext node,
      CollectiveCalls collectives,
      long kind,
      RankLock lock,
      ShareStream stream,
      long start,
      ObjIntConsumer<@Nullable Object> taker,
      CollectiveCalls.Outcome outcome) {
    this.node = node;
    this.collectives = collectives;
    this.kind = kind;
    this.lock = lock;
    this.stream = stream;
    this.start = start;
    this.outcome = outcome;
    this.keeps = kind == Verdict.ALL_GATHER || (kind == Verdict.GATHER && collectives.isMaster());
    this.taker = taker;
  }

  /** All that it needs is there. */
  @Override
  public void begin(long nanos) {
    // It waits for its turn when its caller says so.
  }

  /** Waits for this rank's turn. */
  public void awaitTurn() {
    readUntil(node.myJobRank());
    isOn = true;
  }

  /**
   * Shares a value with the others, and ends this rank's turn.
   *
   * @param value the value, or null
   */
  public void share(@Nullable Object value) {
    requireTurn();
    try {
      ShareStream.Output out = stream.output();
      node.settings().encoder().encode(value, out);
      out.finish(); // not if it cannot be encoded: that does not end the turn well
    } catch (MpilockException | Error e) {
      if (e instanceof StackOverflowError) {
        throw unshared(value, e);
      }
      throw e;
    } catch (IOException | RuntimeException e) {
      throw unshared(value, e);
    }
    if (keeps && undecoded == null) {
      taker.accept(value, node.myJobRank());
    }
  }

  private ShareException unshared(@Nullable Object value, Throwable why) {
    return new ShareException(
        "Rank %d could not encode a %s for the %s: %s"
            .formatted(
                node.myJobRank(),
                value == null ? "null" : value.getClass().getName(),
                inWords(),
                why),
        why);
  }

  /** Ends this rank's turn. */
  public void pass() {
    requireTurn();
    stream.put(ShareStream.LAST, new byte[0], 0, 0);
  }

  private void requireTurn() {
    if (!hasTurn()) {
      throw new LockUseException(
          "Rank %d has no turn in the %s.".formatted(node.myJobRank(), inWords()));
    }
  }

  private boolean hasTurn() {
    return isOn && stream.writer() == node.myJobRank();
  }

  /** Waits for the turns of all ranks. */
  public void awaitAll() {
    readUntil(node.jobSize());
    if (undecoded != null) {
      throw undecoded;
    }
  }

  /** Leaves the call, which has succeeded here. */
  public void close() {
    if (!left) {
      collectives.end(this); // if it throws, this may be called again
      left = true;
      tellOutcome(null);
    }
  }

  /**
   * Leaves the call for a failure that is on its way to the caller. Nothing if it is left.
   *
   * @param cause why; what is thrown meanwhile is added to it
   */
  public void leave(Throwable cause) {
    for (int tries = 1; !left && tries <= ThreadHold.TRIES; tries++) {
      try {
        note(cause);
        collectives.end(this);
        left = true;
        tellOutcome(cause);
      } catch (Throwable second) {
        addTo(cause, second);
      }
    }
  }

  @SuppressWarnings("ReferenceEquality") // nothing can suppress itself
  private static void addTo(Throwable cause, Throwable second) {
    if (second != cause) {
      cause.addSuppressed(second);
    }
  }

  private void note(Throwable cause) {
    if (failureText == null && hasTurn()) {
      failureText = UNTOLD;
      failureText = FailureText.withClass(cause);
    }
  }

  @Override
  public void end(@Nullable Throwable why) {
    if (over) {
      return;
    }
    if (why != null) {
      note(why);
    }
    try {
      if (hasTurn()) {
        boolean told = stream.tellFailure(failureText == null ? "" : failureText);
        stream.put(told ? ShareStream.END : ShareStream.UNTOLD, new byte[0], 0, 0);
      } else if (!stream.areAllOver()) {
        stream.leave();
      }
    } catch (IllegalStateException e) {
      lock.swallowIfClosed(e); // freed: the others see that this rank has left
    }
    over = true;
  }

  @Override
  public void tellOutcome(@Nullable Throwable told) {
    try {
      outcome.ended(false, node.nanoTime() - start, stream.bytes(), told);
    } catch (Throwable untold) {
      // The call has ended all the same.
    }
  }

  /** Reads the turns of the ranks before a given one. */
  private void readUntil(int rank) {
    if (stream.writer() >= rank) {
      return;
    }
    Waiter waiter = new Waiter(node, lock.name(), node.nanoTime(), Waiter.FOREVER, new TurnWatch());
    try {
      byte[] chunk = new byte[Layout.CHUNK_BYTES];
      while (stream.writer() < rank) {
        readTurn(waiter, chunk);
      }
    } catch (IllegalStateException e) {
      throw node.unusable(e);
    } finally {
      waiter.end();
    }
  }

  private void readTurn(Waiter waiter, byte[] chunk) {
    int writer = stream.writer();
    Object value = null;
    boolean decoded = false;
    boolean failed = false;
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    while (stream.writer() == writer) {
      int next = stream.await(waiter);
      if (ShareStream.isEnd(next)) {
        stream.take(chunk);
        over = true;
        throw ended(next, writer, failed, text);
      }
      if (next == ShareStream.FAILURE) {
        failed = true;
        text.write(chunk, 0, stream.take(chunk));
      } else if (keeps && !decoded) {
        decoded = true;
        value = decode(stream.input(waiter), writer);
      } else {
        stream.take(chunk); // what the decoder left, or is not for this rank
      }
    }
    if (keeps && undecoded == null) {
      taker.accept(value, writer);
    }
  }

  /** Decodes, or notes the failure to decode: the stream must be read to its end. */
  private @Nullable Object decode(InputStream in, int writer) {
    try {
      return node.settings().decoder().decode(in);
    } catch (MpilockException e) {
      throw e;
    } catch (IOException | ClassNotFoundException | RuntimeException | Error e) {
      if (undecoded == null) {
        undecoded =
            new ShareException(
                "Rank %d could not decode what rank %d shared in the %s: %s"
                    .formatted(node.myJobRank(), writer, inWords(), e),
                e);
      }
      return null;
    }
  }

  private MpilockException ended(int how, int writer, boolean failed, ByteArrayOutputStream text) {
    if (how == ShareStream.LOST) {
      return writerDied(writer);
    }
    if (how == ShareStream.LEFT) {
      return hasLeft(writer);
    }
    if (how == ShareStream.UNTOLD && !failed) {
      text.writeBytes(UNSENT.getBytes(StandardCharsets.UTF_8));
    }
    String withClass = text.toString(StandardCharsets.UTF_8);
    String trace = FailureText.trace(withClass);
    return new CollectiveFailedException(
        writer,
        "%s failed in its turn of the %s%s"
            .formatted(
                node.whoInJob(writer),
                inWords(),
                trace.isEmpty() ? "." : ": " + FailureText.headline(trace)),
        FailureText.className(withClass),
        trace);
  }

  private MpilockException writerDied(int writer) {
    return node.failed(writer, "its turn of the " + inWords() + " never ends.");
  }

  private MpilockException hasLeft(int writer) {
    return new CollectiveFailedException(
        writer,
        "%s left the %s before its turn was over: it was interrupted, closes its controller, or failed."
            .formatted(node.whoInJob(writer), inWords()),
        "",
        "");
  }

  private String inWords() {
    return CallNames.inWords(kind, lock.quotedName());
  }

  /** What a rank that waits for another's turn to end looks at. */
  private final class TurnWatch implements Waiter.Watch {
    @Override
    public Waiter.DeadlockCheck deadlockCheck(long waitedNanos) {
      return DeadlockDetector.ofCall(
          lock.threads(), lock.name(), rank -> rank == stream.writer(), waitedNanos);
    }

    @Override
    public void check() {
      int writer = stream.writer();
      int member = node.memberOf(writer);
      boolean gone = member >= 0 && node.isGone(member);
      if (gone && !stream.isProduced() && !stream.hasWriterLeft()) { // which await tells
        over = true; // all see the same
        throw writerDied(writer);
      }
      if (!stream.isProduced()) {
        node.throwIfBroken();
      }
    }

    @Override
    public String describe(long waitedNanos) {
      return "%s has waited %s in the %s for %s, whose turn it is."
          .formatted(
              node.who(node.me()),
              RankContext.seconds(waitedNanos),
              inWords(),
              node.whoInJob(stream.writer()));
    }
  }
}
