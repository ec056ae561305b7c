package io.mpilock.protocol;

import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.ShareException;
import io.mpilock.failure.SingleWriteFailedException;
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
 */
public final class FencedSection {
  private enum State {
    OPEN,
    SUCCEEDED,
    FAILED
  }

  private final Node node;
  private final Collectives collectives;
  private final ProcessLock lock;
  private final Stream stream;
  private final long start;
  private final Collectives.Outcome outcome;
  private final boolean isWriter;
  private State state = State.OPEN;
  private boolean left;
  private @Nullable Object value;
  private @Nullable String failureText;
  private @Nullable RuntimeException failure;
  private boolean delivered;

  FencedSection(
      Node node,
      Collectives collectives,
      ProcessLock lock,
      Stream stream,
      long start,
      Collectives.Outcome outcome) {
    this.node = node;
    this.collectives = collectives;
    this.lock = lock;
    this.stream = stream;
    this.start = start;
    this.outcome = outcome;
    this.isWriter = stream.writer() == node.myJobRank();
  }

  /** Takes the write lock on the writing rank, or tells the others that it could not. */
  void begin(long nanos) {
    try {
      if (!lock.hold().acquireWrite(lock, nanos)) {
        throw new LockTimeoutException(
            "Rank %d did not get the write of %s for its single write in time: %s"
                .formatted(node.myJobRank(), lock.quotedName(), lock.describeInTime(lock.hold())));
      }
    } catch (Throwable failed) {
      tellFailure(FailureText.withClass(failed));
      throw failed;
    }
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
    if (failure != null) {
      delivered = true;
      throw failure;
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
    if (state != State.FAILED) {
      state = State.FAILED;
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
    left = true;
    try {
      if (isWriter) {
        closeAsWriter();
      } else if (state == State.OPEN) {
        receive();
      }
    } finally {
      collectives.endTurn();
      Throwable told = value instanceof ShareException undecoded && !isWriter ? undecoded : failure;
      outcome.ended(isWriter, node.nanoTime() - start, stream.bytes(), told);
    }
    if (failure != null && !delivered) {
      delivered = true;
      throw failure;
    }
  }

  private void closeAsWriter() {
    if (state == State.OPEN) {
      state = State.FAILED;
      failureText = "";
      failure = failed("left its single write without share(), complete() or fail()", "");
    } else if (state == State.FAILED) {
      failure = failed("failed in its single write", "");
      delivered = true; // its own exception is on the way
    }
    lock.hold().releaseWrite(lock);
    try {
      if (state == State.FAILED) {
        tellFailure(failureText == null ? "" : failureText);
      } else {
        stream.put(Stream.END, new byte[0], 0, 0);
      }
    } catch (IllegalStateException e) {
      lock.swallowIfClosed(e);
    }
  }

  /** Sends the text of a failure, and the end. */
  private void tellFailure(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int at = 0;
    do {
      int part = Math.min(Layout.CHUNK_BYTES, bytes.length - at);
      stream.put(Stream.FAILURE, bytes, at, part);
      at += part;
    } while (at < bytes.length);
    stream.put(Stream.END, new byte[0], 0, 0);
  }

  /** Reads the writer's stream to its end. */
  private void receive() {
    Patience patience =
        new Patience(node, lock.name(), node.nanoTime(), Patience.FOREVER, new WriterWatch());
    try {
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      byte[] chunk = new byte[Layout.CHUNK_BYTES];
      boolean failed = false;
      boolean decoded = false;
      int kind;
      while ((kind = stream.await(patience)) != Stream.END) {
        if (kind == Stream.LOST) {
          stream.take(chunk);
          throw writerDied();
        }
        if (kind == Stream.FAILURE) {
          failed = true;
          text.write(chunk, 0, stream.take(chunk));
        } else if (decoded) {
          stream.take(chunk); // what the decoder left
        } else {
          decoded = true;
          value = decode(stream.input(patience));
        }
      }
      stream.take(chunk);
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
    }
  }

  private void giveUp(RuntimeException why) {
    state = State.FAILED;
    value = null;
    failure = why;
    try {
      stream.leave();
    } catch (IllegalStateException e) {
      lock.swallowIfClosed(e); // freed: the writer sees that this rank has left
    }
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
  private final class WriterWatch implements Patience.Watch {
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
              Node.seconds(waitedNanos),
              stream.writer(),
              lock.quotedName(),
              lock.describe());
    }
  }
}
