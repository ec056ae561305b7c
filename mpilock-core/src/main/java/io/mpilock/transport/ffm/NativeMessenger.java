/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.transport.Messenger;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Frames as MPI messages on a group's communicator, with a tag for each messenger. MPI keeps the
 * messages of one pair, communicator and tag in order, and the receives are delivered in the order
 * in which they matched, so frames stay in order.
 *
 * <p>A large frame takes several calls to send and to receive (the rendezvous protocol); no call
 * waits for it, and a sender that dies in the middle does not hold up the frames of others. Memory
 * that MPI may still touch is never used again: it goes to {@link OrphanedFrames}.
 *
 * <p>Of a peer that died over TCP Open MPI says nothing: sends to it stay unfinished for ever, each
 * with an attempt to connect again that may print a warning, and probes find nothing. So it is
 * {@link NativeCommunicator#lost} that ends them. A connection that stalls loses nothing.
 */
final class NativeMessenger implements Messenger {

  /** How often to look while something is on its way. */
  private static final long POLL_NANOS = 1_250_000;

  /** After a ring, at first: the message comes by another way, and may come later. */
  private static final long WOKEN_NANOS = 50_000;

  /** If all others can wake this one. */
  private static final long ASLEEP_NANOS = 1_000_000_000;

  /** For so long after the first frame the others may still come to be able to. */
  private static final long COMING_NANOS = 30_000_000_000L;

  // Where they cannot: the longer nothing came the less often, down to a share of a core's time
  // that follows from what a look takes here.
  private static final long LOOKS_IN_SILENCE = 256;
  private static final long COST_SHARE = 400;
  private static final long LONGEST_POLL_NANOS = 20_000_000;

  private final MpiRuntime runtime;
  private final MpiGroup group;
  private final int tag;
  private final PointToPoint mpi;
  private final ReentrantLock inside;

  // All of it is guarded by inside, since MPI is.
  private final Deque<FrameBuffer> small = new ArrayDeque<>();
  private final Deque<FrameBuffer> large = new ArrayDeque<>();
  private final List<Deque<FrameBuffer>> outgoing = new ArrayList<>();
  private final Deque<FrameBuffer> incoming = new ArrayDeque<>();
  private final boolean[] broken;
  private int queued;
  private boolean closed;

  private final Runnable arrived;
  private @Nullable Doorbell bell;

  /** The ranks that frames were sent to, or came from, and how many. */
  private final int[] met;

  private final boolean[] hasMet;
  private int metRanks;
  private long firstMet;

  private long lastFrame = System.nanoTime();
  private long cost = POLL_NANOS / COST_SHARE;

  NativeMessenger(MpiRuntime runtime, MpiGroup group, int tag, Runnable arrived) {
    this.runtime = runtime;
    this.group = group;
    this.tag = tag;
    this.arrived = arrived;
    met = new int[group.size()];
    hasMet = new boolean[group.size()];
    mpi = runtime.pointToPoint();
    inside = runtime.mpi().library().inside();
    broken = new boolean[group.size()];
    for (int rank = 0; rank < group.size(); rank++) {
      outgoing.add(new ArrayDeque<>());
    }
  }

  @Override
  public void send(int rank, ByteBuffer frame) {
    sendQuietly(rank, frame);
    Doorbell ringing = bell;
    if (ringing != null) {
      ringing.ring(group.worldRank(rank));
    }
  }

  @Override
  public void sendQuietly(int rank, ByteBuffer frame) {
    int length = frame.remaining();
    if (length < 1 || length > FRAME_BYTES) {
      throw new IllegalArgumentException(
          "a frame has 1 to " + FRAME_BYTES + " bytes, not " + length);
    }
    if (Objects.checkIndex(rank, group.size()) == group.rank()) {
      throw new IllegalArgumentException("rank " + rank + " sends to itself");
    }
    inside.lock();
    try {
      collect();
      if (closed || isUnreachable(rank)) {
        frame.position(frame.limit());
        return;
      }
      meet(rank);
      transmit(rank, FrameBuffer.FRAME, frame);
      lastFrame = System.nanoTime();
    } finally {
      inside.unlock();
    }
  }

  private void transmit(int rank, byte what, ByteBuffer frame) {
    int length = FrameBuffer.messageBytes(frame.remaining());
    FrameBuffer buffer = take(length);
    buffer.begin(rank, length);
    buffer.copyFrom(what, frame);
    if (mpi.send(buffer, rank, tag, group.comm())) {
      outgoing.get(rank).add(buffer);
      queued++;
      collect(outgoing.get(rank));
    } else {
      broken[rank] = true;
      runtime.leftovers().keep(buffer);
    }
  }

  /** Before the first frame to a rank, or after the first one from it. */
  private void meet(int rank) {
    if (hasMet[rank]) {
      return;
    }
    if (metRanks == 0) {
      firstMet = System.nanoTime();
      bell = runtime.doorbell();
      if (bell != null) {
        bell.add(arrived);
      }
    }
    hasMet[rank] = true;
    met[metRanks++] = rank;
    ByteBuffer greeting = bell == null ? null : bell.greet(group.worldRank(rank));
    if (greeting != null) {
      transmit(rank, FrameBuffer.GREETING, greeting);
    }
  }

  /** A message of the other doorbell to this one. */
  private void hear(int rank, byte what, ByteBuffer message) {
    meet(rank);
    if (what == FrameBuffer.GREETING) {
      ByteBuffer answer =
          bell == null ? ByteBuffer.allocate(0) : bell.invite(group.worldRank(rank), message);
      transmit(rank, FrameBuffer.INVITATION, answer);
    } else if (bell != null) {
      bell.accept(group.worldRank(rank), message);
    }
  }

  @Override
  public int receive(ByteBuffer target) {
    inside.lock();
    try {
      long start = System.nanoTime();
      collect();
      boolean more = !closed;
      while (more) {
        more = match();
        int rank = deliver(target);
        if (rank >= 0) {
          lastFrame = System.nanoTime();
          return rank;
        }
      }
      long took = System.nanoTime() - start;
      cost = took < cost ? took : cost + (took - cost) / 64; // others may have had this core
      return -1;
    } finally {
      inside.unlock();
    }
  }

  @Override
  public boolean isFlushed() {
    inside.lock();
    try {
      collect();
      return queued == 0;
    } finally {
      inside.unlock();
    }
  }

  /**
   * After a ring: a frame that comes some time after it is seen after half of that time more, at
   * most. Who has nothing to do between sleeps until the next ring, if all can ring.
   */
  @Override
  public long pollNanos() {
    if (queued > 0 || !incoming.isEmpty()) { // only whoever sends and receives changes them
      return POLL_NANOS;
    }
    Doorbell waking = bell;
    boolean all = waking != null;
    boolean coming = false;
    for (int i = 0; i < metRanks && waking != null; i++) {
      int other = group.worldRank(met[i]);
      if (!waking.isConnected(other) && !isUnreachable(met[i])) {
        all = false;
        coming |= waking.isComing(other);
      }
    }
    long now = System.nanoTime();
    if (waking != null && all) {
      return Math.clamp(waking.nanosSinceRing() / 2, WOKEN_NANOS, ASLEEP_NANOS);
    }
    long longest =
        coming && now - firstMet < COMING_NANOS
            ? POLL_NANOS
            : Math.clamp(cost * COST_SHARE, POLL_NANOS, LONGEST_POLL_NANOS);
    return Math.clamp((now - lastFrame) / LOOKS_IN_SILENCE, POLL_NANOS, longest);
  }

  @Override
  public boolean isCutOff(int rank) {
    Doorbell other = bell;
    return other != null && other.isCutOff(group.worldRank(rank));
  }

  @Override
  public void close() {
    if (runtime.isStuck()) {
      return; // MPI is of no use any more, and its lock is never free again
    }
    inside.lock();
    try {
      if (!closed) {
        closed = true;
        if (bell != null) {
          bell.remove(arrived);
        }
        collect();
        outgoing.forEach(runtime.leftovers()::settleLater);
        runtime.leftovers().settleLater(incoming);
        runtime.leftovers().closed();
        queued = 0;
      }
    } finally {
      inside.unlock();
    }
  }

  /** Takes back the buffers of frames that have left. */
  private void collect() {
    for (int rank = 0; queued > 0 && rank < group.size(); rank++) {
      collect(outgoing.get(rank));
    }
  }

  private void collect(Deque<FrameBuffer> frames) {
    for (FrameBuffer first = frames.peek(); first != null; first = frames.peek()) {
      PointToPoint.Outcome outcome = mpi.test(first);
      broken[first.peer()] |= outcome == PointToPoint.Outcome.FAILED;
      if (outcome == PointToPoint.Outcome.DONE) {
        giveBack(first);
      } else if (isUnreachable(first.peer())) {
        runtime.leftovers().keep(first);
      } else {
        return;
      }
      FrameBuffer _ = frames.remove();
      queued--;
    }
  }

  /** Begins to receive the next frame that has come, if there is one. */
  private boolean match() {
    if (!mpi.match(tag, group.comm())) {
      return false;
    }
    FrameBuffer buffer = take(mpi.length());
    buffer.begin(mpi.source(), mpi.length());
    if (mpi.receive(buffer)) {
      incoming.add(buffer);
    } else {
      broken[buffer.peer()] = true;
      runtime.leftovers().keep(buffer);
    }
    return true;
  }

  /** Hands out the first frame that is all there and not behind another of the same rank. */
  private int deliver(ByteBuffer target) {
    if (incoming.isEmpty()) {
      return -1; // without an iterator: the usual case allocates nothing
    }
    for (Iterator<FrameBuffer> frames = incoming.iterator(); frames.hasNext(); ) {
      FrameBuffer frame = frames.next();
      if (isBehindAnother(frame)) {
        continue;
      }
      switch (mpi.test(frame)) {
        case DONE -> {
          frames.remove();
          frame.copyTo(target);
          byte what = frame.what();
          giveBack(frame);
          if (what == FrameBuffer.FRAME) {
            return frame.peer();
          }
          hear(frame.peer(), what, target);
          return deliver(target);
        }
        case FAILED -> broken[frame.peer()] = true;
        case NOT_YET -> {}
      }
      if (isUnreachable(frame.peer())) {
        frames.remove();
        runtime.leftovers().keep(frame);
      }
    }
    return -1;
  }

  private boolean isBehindAnother(FrameBuffer frame) {
    for (FrameBuffer earlier : incoming) {
      if (earlier == frame) {
        return false;
      }
      if (earlier.peer() == frame.peer()) {
        return true;
      }
    }
    return false;
  }

  private boolean isUnreachable(int rank) {
    return broken[rank] || runtime.roster().isLost(group.worldRank(rank));
  }

  private FrameBuffer take(int length) {
    boolean fitsSmall = FrameBuffer.isSmall(length);
    FrameBuffer known = (fitsSmall ? small : large).poll();
    return known != null ? known : FrameBuffer.allocate(fitsSmall);
  }

  private void giveBack(FrameBuffer buffer) {
    (buffer.isSmall() ? small : large).push(buffer);
  }
}
