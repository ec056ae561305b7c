/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.ShareException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.internal.rank.DeadlockDetector;
import io.mpilock.internal.rank.RankLock;
import io.mpilock.internal.rank.ThreadHold;
import io.mpilock.internal.window.FailureText;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * One rank's part in one single write, from the decision to go until it is left. Used by the thread
 * that began it.
 *
 * <pre>
 *   writing rank   OPEN --share, complete--> SUCCEEDED --fail--> FAILED, and close() from each
 *   other ranks    OPEN --END was read--> SUCCEEDED or FAILED
 * </pre>
 *
 * <p>Whatever is thrown in it, the lock is released and the other ranks are told: by {@link #end},
 * which notes each step, and goes on behind the last.
 */
public final class SingleWriteCall implements CallPart {
  private enum State {
    OPEN,
    SUCCEEDED,
    FAILED
  }

  /** What is told if there is no memory or stack for more. */
  private static final String UNTOLD = "A failure whose text could not be created.";

  /** What is told if some rank keeps the text from the others. */
  private static final String UNSENT =
      "A failure whose text could not be sent, because a rank does not respond.";

  private final RankContext node;
  private final CollectiveCalls collectives;
  private final RankLock lock;
  private final ShareStream stream;
  private final long start;
  private final CollectiveCalls.Outcome outcome;
  private final boolean isWriter;
  private State state = State.OPEN;

  /** Holds the write, which its end releases. */
  private boolean holds;

  /** The other ranks wait for this one no more. */
  private boolean over;

  private boolean left;
  private @Nullable Object value;
  private @Nullable String failureText;
  private @Nullable Throwable failure;
  private boolean delivered;

  SingleWriteCall(
      RankContext node,
      CollectiveCalls collectives,
      RankLock lock,
      ShareStream stream,
      long start,
      CollectiveCalls.Outcome outcome) {
    this.node = node;
    this.collectives = collectives;
    this.lock = lock;
    this.stream = stream;
    this.start = start;
    this.outcome = outcome;
    this.isWriter = stream.writer() == node.myJobRank();
  }

  /** Takes the write lock on the writing rank. If it throws, the caller is to {@link #end}. */
  @Override
  public void begin(long nanos) {
    if (!isWriter) {
      return;
    }
    if (!lock.hold().acquireWrite(lock, nanos)) {
      throw new LockTimeoutException(
          "Rank %d did not get the write of %s for its single write in time: %s"
              .formatted(node.myJobRank(), lock.quotedName(), lock.describeInTime(lock.hold())));
    }
    holds = true;
  }

  /**
   * Tells whether this rank writes.
   *
   * @return true on one rank
   */
  public boolean isWriter() {
    return isWriter;
  }

  /**
   * Waits, on a rank that does not write, for the end of the writer's block; throws if it failed.
   */
  public void awaitWriter() {
    if (state == State.OPEN) {
      receive();
    }
    Throwable why = failure;
    if (why != null) {
      delivered = true;
      throw RankContext.unchecked(why);
    }
  }

  /**
   * Sends an object to all ranks.
   *
   * @param object the object, or null
   */
  public void share(@Nullable Object object) {
    requireWriter("share");
    if (state != State.OPEN) {
      throw new LockUseException(
          "share() of %s was called on rank %d after share(), complete() or fail()."
              .formatted(lock.quotedName(), node.myJobRank()));
    }
    try (OutputStream out = stream.output()) {
      node.settings().encoder().encode(object, out);
    } catch (MpilockException e) {
      fail(e);
      throw e;
    } catch (IOException | RuntimeException | StackOverflowError e) {
      ShareException unshared =
          new ShareException(
              "Rank %d could not encode a %s to share it through %s: %s"
                  .formatted(
                      node.myJobRank(),
                      object == null ? "null" : object.getClass().getName(),
                      lock.quotedName(),
                      e),
              e);
      fail(unshared);
      throw unshared;
    } catch (Error e) {
      fail(e);
      throw e;
    }
    value = object;
    state = State.SUCCEEDED;
  }

  /** Says that the block succeeded and shares nothing. */
  public void complete() {
    requireWriter("complete");
    if (state == State.OPEN) {
      state = State.SUCCEEDED;
    }
  }

  /**
   * Says that the block failed.
   *
   * @param cause why
   */
  public void fail(Throwable cause) {
    requireWriter("fail");
    note(cause);
  }

  private void note(Throwable cause) {
    if (state != State.FAILED) {
      state = State.FAILED;
      failureText = UNTOLD;
      failureText = FailureText.withClass(cause);
    }
  }

  /**
   * Gives what was shared.
   *
   * @return the object, or null
   */
  public @Nullable Object collect() {
    if (isWriter) {
      if (state == State.FAILED) {
        throw failed("failed in its single write", failureText == null ? "" : failureText);
      }
      if (state == State.OPEN) {
        throw new LockUseException(
            "collect() of %s was called on rank %d, which writes, without share() before."
                .formatted(lock.quotedName(), node.myJobRank()));
      }
      return value;
    }
    awaitWriter();
    if (value instanceof ShareException undecoded) {
      throw undecoded;
    }
    return value;
  }

  /** Leaves the block; on the writing rank, releases the lock and tells all ranks how it went. */
  public void close() {
    if (left) {
      return;
    }
    if (!collectives.isMine()) {
      throw new LockUseException(
          "Thread '%s' closed a single write of %s that another thread of rank %d began."
              .formatted(Thread.currentThread().getName(), lock.quotedName(), node.myJobRank()));
    }
    Throwable cut = null;
    try {
      if (isWriter) {
        conclude();
      } else if (state == State.OPEN) {
        receive();
      }
    } catch (Throwable e) {
      cut = e;
    }
    collectives.end(this); // if it throws, this may be called again
    left = true;
    tellOutcome(value instanceof ShareException undecoded && !isWriter ? undecoded : failure);
    if (cut != null) {
      throw RankContext.unchecked(cut);
    }
    Throwable why = failure;
    if (why != null && !delivered) {
      delivered = true;
      throw RankContext.unchecked(why);
    }
  }

  /**
   * Leaves the block for a failure that is on its way to the caller. Nothing if it is left.
   *
   * @param cause why; what is thrown meanwhile is added to it
   */
  public void leave(Throwable cause) {
    for (int tries = 1; !left && tries <= ThreadHold.TRIES; tries++) {
      try {
        if (isWriter) {
          note(cause);
        }
        close();
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

  /** Tells the outcome; nobody hears what is thrown at that. */
  @Override
  public void tellOutcome(@Nullable Throwable told) {
    try {
      outcome.ended(isWriter, node.nanoTime() - start, stream.bytes(), told);
    } catch (Throwable untold) {
      // The section has ended all the same.
    }
  }

  private void conclude() {
    if (state == State.OPEN) {
      state = State.FAILED;
      failureText = "";
      failure = failed("left its single write without share(), complete() or fail()", "");
    } else if (state == State.FAILED) {
      failure = failed("failed in its single write", "");
      delivered = true; // its own exception is on the way
    }
  }

  /**
   * Releases the lock, and ends this rank's part in the call, so that the others go on. In this
   * order: a rank that goes on can take the lock at once. Where it was cut short it goes on, if it
   * is called again.
   *
   * @param why the reason, if it ends in a failure that is not noted yet
   */
  @Override
  public void end(@Nullable Throwable why) {
    if (holds) {
      lock.hold().releaseWrite(lock);
      holds = false;
    }
    if (over) {
      return;
    }
    if (why != null) {
      note(why);
    }
    try {
      if (!isWriter) {
        stream.leave();
      } else {
        boolean told =
            state == State.SUCCEEDED
                || stream.tellFailure(failureText == null ? UNTOLD : failureText);
        stream.put(told ? ShareStream.END : ShareStream.UNTOLD, new byte[0], 0, 0);
      }
    } catch (IllegalStateException e) {
      lock.swallowIfClosed(e); // freed: the others see that this rank has left
    }
    over = true;
  }

  /** Reads the writer's stream to its end. */
  private void receive() {
    Waiter waiter =
        new Waiter(node, lock.name(), node.nanoTime(), Waiter.FOREVER, new WriterWatch());
    try {
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      byte[] chunk = new byte[Layout.CHUNK_BYTES];
      boolean failed = false;
      boolean decoded = false;
      int kind = stream.await(waiter);
      while (!ShareStream.isEnd(kind)) {
        if (kind == ShareStream.FAILURE) {
          failed = true;
          text.write(chunk, 0, stream.take(chunk));
        } else if (decoded) {
          stream.take(chunk); // what the decoder left
        } else {
          decoded = true;
          value = decode(stream.input(waiter));
        }
        kind = stream.await(waiter);
      }
      stream.take(chunk);
      if (kind == ShareStream.LOST) {
        throw writerDied();
      }
      if (kind == ShareStream.UNTOLD && !failed) {
        failed = true;
        text.writeBytes(UNSENT.getBytes(StandardCharsets.UTF_8));
      }
      over = true;
      state = failed ? State.FAILED : State.SUCCEEDED;
      if (failed) {
        value = null;
        String trace = text.toString(StandardCharsets.UTF_8);
        failure =
            trace.isEmpty()
                ? failed("left its single write without share(), complete() or fail()", "")
                : failed("failed in its single write", trace);
      }
    } catch (MpilockException e) {
      giveUp(e);
    } catch (IllegalStateException e) {
      giveUp(node.unusable(e));
    } catch (Throwable e) {
      giveUp(e);
    } finally {
      waiter.end();
    }
  }

  /** Takes no further part, so that the writer does not wait for this rank. */
  private void giveUp(Throwable why) {
    state = State.FAILED;
    value = null;
    failure = why;
    end(null);
  }

  /** Decodes, or gives the failure to decode as the value: the stream must be read to its end. */
  private @Nullable Object decode(InputStream in) {
    try {
      return node.settings().decoder().decode(in);
    } catch (MpilockException e) {
      throw e;
    } catch (IOException | ClassNotFoundException | RuntimeException | Error e) {
      return new ShareException(
          "Rank %d could not decode what rank %d shared through %s: %s"
              .formatted(node.myJobRank(), stream.writer(), lock.quotedName(), e),
          e);
    }
  }

  /** What the other ranks get, and this one from {@code collect}: short, the rest in fields. */
  private SingleWriteFailedException failed(String what, String withClass) {
    String trace = FailureText.trace(withClass);
    return new SingleWriteFailedException(
        stream.writer(),
        "%s %s of %s%s"
            .formatted(
                node.whoInJob(stream.writer()),
                what,
                lock.quotedName(),
                trace.isEmpty() ? "." : ": " + FailureText.headline(trace)),
        FailureText.className(withClass),
        trace);
  }

  private RankFailedException writerDied() {
    return node.failed(
        stream.writer(), "its single write of " + lock.quotedName() + " never ends.");
  }

  private void requireWriter(String call) {
    if (!isWriter) {
      throw new LockUseException(
          "%s() of %s was called on rank %d, but rank %d writes. Call guard() first, or ask isWriter()."
              .formatted(call, lock.quotedName(), node.myJobRank(), stream.writer()));
    }
    if (left) {
      throw new LockUseException(
          "%s() of %s was called on rank %d after the fence was closed."
              .formatted(call, lock.quotedName(), node.myJobRank()));
    }
  }

  /** What a rank that waits for the writer looks at. */
  private final class WriterWatch implements Waiter.Watch {
    @Override
    public Waiter.DeadlockCheck deadlockCheck(long waitedNanos) {
      return DeadlockDetector.ofCall(
          lock.threads(), lock.name(), rank -> rank == stream.writer(), waitedNanos);
    }

    @Override
    public void check() {
      int member = node.memberOf(stream.writer());
      if (member >= 0 && node.isGone(member) && !stream.isProduced()) { // it may have ended before
        throw writerDied();
      }
      if (!stream.isProduced()) {
        node.throwIfBroken();
      }
    }

    @Override
    public String describe(long waitedNanos) {
      return "%s has waited %s for rank %d to end its single write of %s. %s"
          .formatted(
              node.who(node.me()),
              RankContext.seconds(waitedNanos),
              stream.writer(),
              lock.quotedName(),
              lock.describe());
    }
  }
}
