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

/**
 * Frames as MPI messages on a group's communicator, with a tag for each messenger. MPI keeps the
 * messages of one pair, communicator and tag in order, and the receives are delivered in the order
 * in which they matched, so frames stay in order.
 *
 * <p>A large frame takes several calls to send and to receive (the rendezvous protocol); no call
 * waits for it, and a sender that dies in the middle does not hold up the frames of others. Memory
 * that MPI may still touch is never used again: it goes to {@link Leftovers}.
 *
 * <p>Of a peer that died over TCP Open MPI says nothing: sends to it stay unfinished for ever, each
 * with an attempt to connect again that may print a warning, and probes find nothing. So it is
 * {@link NativeCommunicator#lost} that ends them. A connection that stalls loses nothing.
 */
final class NativeMessenger implements Messenger {

  /**
   * So that an idle agent takes less than 2 % of a core. Measured over TCP, with two looks for each
   * poll (see {@link PointToPoint#match}): about 1.6 % with both libraries, and 1.8 to 2 % with 1
   * ms.
   */
  private static final long POLL_NANOS = 1_250_000;

  private final MpiRuntime runtime;
  private final Group group;
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

  NativeMessenger(MpiRuntime runtime, Group group, int tag) {
    this.runtime = runtime;
    this.group = group;
    this.tag = tag;
    mpi = runtime.pointToPoint();
    inside = runtime.mpi().library().inside();
    broken = new boolean[group.size()];
    for (int rank = 0; rank < group.size(); rank++) {
      outgoing.add(new ArrayDeque<>());
    }
  }

  @Override
  public void send(int rank, ByteBuffer frame) {
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
      FrameBuffer buffer = take(length);
      buffer.begin(rank, length);
      buffer.copyFrom(frame);
      if (mpi.send(buffer, rank, tag, group.comm())) {
        outgoing.get(rank).add(buffer);
        queued++;
        collect(outgoing.get(rank));
      } else {
        broken[rank] = true;
        runtime.leftovers().keep(buffer);
      }
    } finally {
      inside.unlock();
    }
  }

  @Override
  public int receive(ByteBuffer target) {
    inside.lock();
    try {
      collect();
      boolean more = !closed;
      while (more) {
        more = match();
        int rank = deliver(target);
        if (rank >= 0) {
          return rank;
        }
      }
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

  @Override
  public long pollNanos() {
    return POLL_NANOS;
  }

  @Override
  public void close() {
    inside.lock();
    try {
      if (!closed) {
        closed = true;
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
          giveBack(frame);
          return frame.peer();
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
