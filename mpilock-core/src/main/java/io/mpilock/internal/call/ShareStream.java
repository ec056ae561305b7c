/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.failure.LockUseException;
import io.mpilock.internal.window.Bell;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.internal.window.Waiter;
import io.mpilock.transport.NodeWindow;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * The bytes of one collective call, from the rank that writes to all others, through a ring of
 * chunks in the window: DATA chunks, then perhaps FAILURE chunks, then the end. Where the writer is
 * on another node, the node's agent fills the ring ({@code StreamRelay}). The end is END; or LOST
 * if the writer died; or UNTOLD if it failed, and the text of its failure was not sent, or not all
 * of it. An end takes no chunk, so it needs no room: no rank that stands still keeps it from the
 * others.
 *
 * <p>Where the ranks take turns, each of them writes, rank 0 first. The last chunk of a turn is
 * LAST; who has read it knows that the next rank writes. So there is one that fills the ring at a
 * time: a rank that has read all that came before, or the agent, while the turn is a rank's of
 * another node. There is no end after the last turn, and one in place of a turn that fails: as
 * above, or LEFT if the rank whose turn it was takes no part any more.
 *
 * <p>Invariant: chunk number k is filled only when every member that still takes part in this call
 * has read chunk k - RING_CHUNKS. PRODUCED and each rank's PROGRESS carry the call's number, so
 * what is left of an earlier call is never taken for this one's.
 */
public final class ShareStream {
  public static final int DATA = 1;
  public static final int FAILURE = 2;
  public static final int END = 3;
  public static final int LOST = 4;
  static final int UNTOLD = 5;
  public static final int LAST = 6;
  public static final int LEFT = 7;

  /** How long the text of a failure waits for room: who reads nothing for so long stands still. */
  private static final long TELL_NANOS = 2_000_000_000;

  private static final int COUNT_BITS = 24;
  private static final long ALL = (1L << COUNT_BITS) - 1;

  private final RankContext node;
  private final NodeWindow window;
  private final Bell bell;
  private final long call;
  private final int firstWriter;
  private final boolean takesTurns;
  private final int me;
  private long chunks;

  /** How many turns are over, as far as this member has read or written. */
  private int turns;

  private boolean ended;
  private long bytes;

  /** How much of a failure's text the others were sent, and one more. */
  private int toldBytes;

  /** The part of a member: of this rank, or of the agent. */
  public ShareStream(RankContext node, long call, int writer, int me) {
    this(node, call, writer, false, me);
  }

  private ShareStream(RankContext node, long call, int firstWriter, boolean takesTurns, int me) {
    this.node = node;
    this.window = node.window();
    this.bell = new Bell(window, Layout.COLLECTIVE_BELL);
    this.call = call;
    this.firstWriter = firstWriter;
    this.takesTurns = takesTurns;
    this.me = me;
  }

  /** The part of a member in a call in which all ranks take turns. */
  public static ShareStream ofTurns(RankContext node, long call, int me) {
    return new ShareStream(node, call, 0, true, me);
  }

  /** The job rank that writes; the size of the job when all turns are over. */
  public int writer() {
    return firstWriter + turns;
  }

  /** Whether the turns of all ranks are over. */
  public boolean areAllOver() {
    return takesTurns && turns == node.jobSize();
  }

  /** How many bytes of what is shared went through. */
  long bytes() {
    return bytes;
  }

  // The writing rank.

  public void put(int kind, byte[] source, int offset, int length) {
    if (isEnd(kind)) {
      end(kind);
      return;
    }
    awaitRoom();
    fill(kind, source, offset, length);
  }

  /**
   * Sends a part of the text of a failure.
   *
   * @return false if there is no room for it, since a rank does not read
   */
  boolean tell(byte[] source, int offset, int length) {
    if (!hasRoom()) {
      Waiter waiter =
          new Waiter(node, "", node.nanoTime(), TELL_NANOS, new ReaderWatch()).uninterruptible();
      try {
        while (!hasRoom()) {
          if (!waiter.pauseInClose(bell, this::hasRoom)) {
            return false;
          }
        }
      } finally {
        waiter.end();
      }
    }
    fill(FAILURE, source, offset, length);
    return true;
  }

  private void fill(int kind, byte[] source, int offset, int length) {
    long chunk = Layout.chunk(node.members(), chunks);
    window.putBytes(chunk + Layout.LINE, source, offset, length);
    window.setRelease(chunk, (long) kind << 32 | length);
    window.set(Layout.PRODUCED, call << COUNT_BITS | (chunks + 1)); // after the chunk
    chunks++; // if this throws, nothing has been put
    turns += takesTurns && kind == LAST ? 1 : 0;
    if (kind != FAILURE) {
      bytes += length;
    }
    try {
      if (kind == LAST) {
        progress(chunks); // the next that writes looks at this
        return;
      }
      node.ringCollective();
    } catch (Throwable unrung) {
      // Who sleeps looks by itself soon; if the window is gone, the next step tells.
    }
  }

  /** Ends it; goes on where that was cut short, if it is called again. */
  private void end(int kind) {
    if (!ended) {
      window.setRelease(Layout.END_KIND, kind);
      window.set(Layout.ENDED, call << COUNT_BITS | chunks); // after all chunks
      ended = true;
      chunks++;
    }
    node.ringCollective();
  }

  public static boolean isEnd(int kind) {
    return kind == END || kind == LOST || kind == UNTOLD || kind == LEFT;
  }

  /**
   * Sends what was not sent yet of the text of a failure, with its first line first.
   *
   * @return false if it cannot all be sent
   */
  boolean tellFailure(String text) {
    byte[] told = text.getBytes(StandardCharsets.UTF_8);
    while (toldBytes <= told.length) {
      int part = Math.min(Layout.CHUNK_BYTES, told.length - toldBytes);
      if (!tell(told, toldBytes, part)) {
        return false;
      }
      toldBytes +=
          part == Layout.CHUNK_BYTES && toldBytes + part < told.length ? part : told.length + 1;
    }
    return true;
  }

  private void awaitRoom() {
    if (hasRoom()) {
      return;
    }
    Waiter waiter = new Waiter(node, "", node.nanoTime(), Waiter.FOREVER, new ReaderWatch());
    while (!hasRoom()) {
      if (!waiter.pauseInClose(bell, this::hasRoom)) {
        throw new LockInterruptedException(
            "Rank %d was interrupted while it shared an object with the other ranks."
                .formatted(node.myJobRank()));
      }
    }
  }

  public boolean hasRoom() {
    for (int rank = 0; rank < node.members(); rank++) {
      if (rank != me && read(rank) + Layout.RING_CHUNKS <= chunks && !hasLeft(rank)) {
        return false;
      }
    }
    return true;
  }

  private boolean hasLeft(int member) {
    return node.life(member) >= RankContext.LEFT;
  }

  /** Whether the rank of this node whose turn it is takes no part in this call any more. */
  public boolean hasWriterLeft() {
    if (!takesTurns || areAllOver()) {
      return false;
    }
    int member = node.memberOf(writer());
    return member >= 0 && read(member) == ALL;
  }

  /** How many chunks this member has put or taken. */
  public long chunks() {
    return chunks;
  }

  /** How many chunks of this call a rank has read; all, if it is done with it. */
  private long read(int rank) {
    long progress = window.get(Layout.slot(rank) + Layout.PROGRESS);
    long theirCall = progress >>> COUNT_BITS;
    return theirCall == call ? progress & ALL : theirCall > call ? ALL : 0;
  }

  /** Where an object's bytes go. Its close sends the last of them, if the ranks take no turns. */
  Output output() {
    return new Output();
  }

  // The other ranks.

  /** Waits for the next chunk and gives its kind; LEFT if none comes any more. */
  int await(Waiter waiter) {
    while (!isProduced()) {
      if (hasWriterLeft() && !isProduced()) { // in this order: it may have written before
        return LEFT;
      }
      if (!waiter.pause(bell, () -> isProduced() || hasWriterLeft())) {
        throw node.isClosed()
            ? node.closedFailure()
            : new LockInterruptedException(
                "Rank %d was interrupted while it waited for the %s of rank %d."
                    .formatted(node.myJobRank(), takesTurns ? "turn" : "single write", writer()));
      }
    }
    return kind();
  }

  /** The kind of the next chunk, or of the end, when it is produced. */
  public int kind() {
    if (hasChunk()) {
      return (int) (window.get(Layout.chunk(node.members(), chunks)) >>> 32);
    }
    int kind = (int) window.get(Layout.END_KIND);
    if (!isEnd(kind)) {
      throw node.damaged("a stream says that it ends by " + kind);
    }
    return kind;
  }

  public boolean isProduced() {
    return hasChunk() || window.get(Layout.ENDED) == (call << COUNT_BITS | chunks);
  }

  private boolean hasChunk() {
    long produced = window.get(Layout.PRODUCED);
    return produced >>> COUNT_BITS == call && (produced & ALL) > chunks;
  }

  /** Takes the chunk, or the end, that {@link #await} told of; gives its length. */
  public int take(byte[] target) {
    return take(target, 0);
  }

  public int take(byte[] target, int offset) {
    if (!hasChunk()) {
      chunks++;
      progress(chunks);
      return 0;
    }
    long chunk = Layout.chunk(node.members(), chunks);
    long head = window.get(chunk);
    int length = (int) head;
    if (length < 0 || length > Layout.CHUNK_BYTES) {
      throw node.damaged("a chunk of a shared object says that it has " + length + " bytes");
    }
    window.getBytes(chunk + Layout.LINE, target, offset, length);
    chunks++;
    turns += takesTurns && (int) (head >>> 32) == LAST && !areAllOver() ? 1 : 0;
    progress(chunks);
    return length;
  }

  /** Takes no further part, so that the writer does not wait for this rank. */
  void leave() {
    progress(ALL);
  }

  private void progress(long count) {
    window.set(Layout.slot(me) + Layout.PROGRESS, call << COUNT_BITS | count);
    node.ringCollective();
  }

  InputStream input(Waiter waiter) {
    return new Input(waiter);
  }

  /**
   * The bytes of one object, cut into chunks. Whoever encodes it may close this, as often as it
   * likes; so where the ranks take turns, that ends nothing: {@link #finish} does.
   */
  final class Output extends OutputStream {
    private final byte[] buffer = new byte[Layout.CHUNK_BYTES];
    private int filled;
    private boolean finished;

    private Output() {}

    @Override
    public void write(int b) {
      if (filled == buffer.length) {
        flushChunk(DATA);
      }
      buffer[filled++] = (byte) b;
    }

    @Override
    public void write(byte[] source, int offset, int length) {
      Objects.checkFromIndexSize(offset, length, source.length);
      int at = offset;
      int left = length;
      while (left > 0) {
        if (filled == buffer.length) {
          flushChunk(DATA);
        }
        int part = Math.min(left, buffer.length - filled);
        System.arraycopy(source, at, buffer, filled, part);
        filled += part;
        at += part;
        left -= part;
      }
    }

    private void flushChunk(int kind) {
      if (finished) {
        throw new LockUseException(
            "Rank %d writes to the stream of an object whose turn is over."
                .formatted(node.myJobRank()));
      }
      put(kind, buffer, 0, filled);
      filled = 0;
    }

    /** Ends this rank's turn. */
    void finish() {
      flushChunk(LAST);
      finished = true;
    }

    @Override
    public void close() {
      if (!takesTurns) {
        flushChunk(DATA); // also when nothing was written: it tells that something was shared
      }
    }
  }

  /** Puts the chunks together again; ends behind LAST, or before what is neither that nor DATA. */
  private final class Input extends InputStream {
    private final Waiter waiter;
    private final byte[] buffer = new byte[Layout.CHUNK_BYTES];
    private int at;
    private int length;
    private boolean hadLast;

    Input(Waiter waiter) {
      this.waiter = waiter;
    }

    private boolean fill() {
      while (at == length) {
        if (hadLast) {
          return false;
        }
        int kind = await(waiter);
        if (kind != DATA && kind != LAST) {
          return false;
        }
        hadLast = kind == LAST;
        length = take(buffer);
        at = 0;
        bytes += length;
      }
      return true;
    }

    @Override
    public int read() {
      return fill() ? buffer[at++] & 0xFF : -1;
    }

    @Override
    public int read(byte[] target, int offset, int count) {
      Objects.checkFromIndexSize(offset, count, target.length);
      if (count == 0) {
        return 0;
      }
      if (!fill()) {
        return -1;
      }
      int part = Math.min(count, length - at);
      System.arraycopy(buffer, at, target, offset, part);
      at += part;
      return part;
    }
  }

  /** What the writer looks at while it waits for room. */
  private final class ReaderWatch implements Waiter.Watch {
    @Override
    public void check() {
      for (int rank = 0; rank < node.members(); rank++) {
        node.isGone(rank); // remembered in the window: hasRoom sees it
      }
    }

    @Override
    public String describe(long waitedNanos) {
      StringBuilder slow = new StringBuilder();
      for (int rank = 0; rank < node.members(); rank++) {
        if (rank != me && read(rank) + Layout.RING_CHUNKS <= chunks) {
          slow.append(slow.isEmpty() ? "" : ", ").append(node.who(rank));
        }
      }
      return "%s has waited %s, sharing an object, for %s to take it."
          .formatted(node.who(me), RankContext.seconds(waitedNanos), slow);
    }
  }
}
