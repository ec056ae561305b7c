package io.mpilock.transport.ffm;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What nodes tell each other of ranks that will never come to MPI's end: a rank of its own that it
 * takes no part, though it may live on; one that waits there, that a neighbour has ended. A notice
 * is a message on a communicator that carries no other, to the first rank of each other node; that
 * one waits there too, or will come, or is missed itself. It shows the notice to its node ({@link
 * Leaving}).
 *
 * <p>The end of a process that is alone on its node only its {@link Doorbell} tells. A connection
 * may also be lost for another reason; so a rank that waits asks, and whoever waits as well
 * answers. Not asked is as long as an agent lives that watches over the others.
 */
final class EndNotices {
  private static final int TAG = 0;

  // What a message is; the rank that it is about follows, as an int.
  private static final byte STAYS_AWAY = 0;
  private static final byte HAS_ENDED = 1;
  private static final byte ARE_YOU_THERE = 2;
  private static final byte I_AM = 3;

  /** How long to stay until the notices have left. */
  private static final long FLUSH_NANOS = 1_000_000_000;

  private static final long PAUSE_NANOS = 1_000_000;
  private static final long LONG_PAUSE_NANOS = 250_000_000;

  /** How long whoever has no connection any more has to answer. */
  private static final long ANSWER_NANOS = 5_000_000_000L;

  private final PointToPoint mpi;
  private final ReentrantLock inside;
  private final Roster roster;
  private final Group control;
  private final Leaving leaving;

  // Guarded by inside, since MPI is.
  private final List<FrameBuffer> onTheirWay = new ArrayList<>();

  private @Nullable FrameBuffer coming;

  /** Since when an answer is missed. Used by whoever waits for the end, which is one thread. */
  private final Map<Integer, Long> asked = new HashMap<>();

  EndNotices(MpiLibrary library, PointToPoint mpi, Roster roster, Group control, Leaving leaving) {
    this.mpi = mpi;
    this.inside = library.inside();
    this.roster = roster;
    this.control = control;
    this.leaving = leaving;
  }

  /** Says that this rank takes no part in the end; waits a moment at most until that is sent. */
  void stayAway() {
    leaving.stayAway();
    tellOtherNodes(STAYS_AWAY, roster.self());
  }

  /**
   * Says of a rank for which the end was given up that it has ended, unless it says itself that it
   * stays away, or this node has said so of another.
   */
  void tellMissed(int worldRank) {
    if (!roster.isAlive(worldRank)) {
      if (roster.node(worldRank) != roster.node(roster.self())) {
        leaving.showElsewhere(worldRank, true); // the others here may have no connection to it
      }
      if (leaving.mayTell()) {
        tellOtherNodes(HAS_ENDED, worldRank);
      }
    }
  }

  private void tellOtherNodes(byte what, int about) {
    for (int rank = 0; rank < roster.size(); rank++) {
      if (isAnotherNodesFirst(rank) && !roster.isLost(rank)) {
        send(rank, what, about);
      }
    }
    long start = System.nanoTime();
    while (!isSent() && System.nanoTime() - start < FLUSH_NANOS) {
      LockSupport.parkNanos(this, PAUSE_NANOS);
    }
    if (!isSent()) {
      // To a rank that has not been sent to before, and does not call MPI now.
      Thread rest = new Thread(null, this::sendOn, "mpilock-notices", 0, false);
      rest.setDaemon(true);
      rest.setContextClassLoader(null);
      rest.start();
    }
  }

  private void sendOn() {
    while (!isSent()) {
      LockSupport.parkNanos(this, LONG_PAUSE_NANOS);
    }
  }

  private boolean isAnotherNodesFirst(int rank) {
    return roster.node(rank) == rank && roster.node(roster.self()) != rank;
  }

  private void send(int rank, byte what, int about) {
    ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES).putInt(about).flip();
    FrameBuffer frame = FrameBuffer.allocate(true);
    frame.begin(rank, FrameBuffer.messageBytes(Integer.BYTES));
    frame.copyFrom(what, bytes);
    inside.lock();
    try {
      boolean _ = mpi.send(frame, rank, TAG, control.comm());
      onTheirWay.add(frame); // MPI may touch it though it refuses
    } finally {
      inside.unlock();
    }
  }

  private boolean isSent() {
    inside.lock();
    try {
      for (FrameBuffer frame : onTheirWay) {
        if (mpi.test(frame) == PointToPoint.Outcome.NOT_YET && !roster.isLost(frame.peer())) {
          return false;
        }
      }
      return true;
    } finally {
      inside.unlock();
    }
  }

  /**
   * Takes in what other nodes tell, and what the doorbell does. Called again and again by a rank
   * that waits for MPI's end.
   *
   * @param doorbell null if there is none, or if an agent watches over the other nodes
   */
  void look(@Nullable Doorbell doorbell) {
    receive();
    int ended = leaving.endedElsewhere();
    if (ended >= 0) {
      roster.lose(ended);
    }
    for (int rank = 0; doorbell != null && rank < roster.size(); rank++) {
      if (isAnotherNodesFirst(rank) && !roster.isLost(rank) && doorbell.isCutOff(rank)) {
        ask(rank);
      }
    }
  }

  /** Asks a rank whether it is there, unless it has been asked; without an answer it is lost. */
  private void ask(int rank) {
    long now = System.nanoTime();
    Long since = asked.putIfAbsent(rank, now);
    if (since == null) {
      send(rank, ARE_YOU_THERE, roster.self());
    } else if (now - since > ANSWER_NANOS) {
      roster.lose(rank);
    }
  }

  private void receive() {
    for (FrameBuffer message = match(); message != null; message = match()) {
      ByteBuffer bytes = ByteBuffer.allocate(FrameBuffer.SMALL_BYTES);
      message.copyTo(bytes);
      int about = bytes.remaining() < Integer.BYTES ? -1 : bytes.getInt();
      if (about < 0 || about >= roster.size()) {
        continue; // only this class sends here
      }
      switch (message.what()) {
        case STAYS_AWAY -> leaving.showElsewhere(about, false);
        case HAS_ENDED -> leaving.showElsewhere(about, true);
        case ARE_YOU_THERE -> send(about, I_AM, roster.self());
        case I_AM -> asked.remove(about); // and is asked again, as long as it is cut off
        default -> {}
      }
    }
  }

  /** The next message that is there, if there is one. */
  private @Nullable FrameBuffer match() {
    inside.lock();
    try {
      if (coming == null && mpi.match(TAG, control.comm())) {
        FrameBuffer next = FrameBuffer.allocate(true);
        next.begin(mpi.source(), mpi.length());
        if (mpi.receive(next)) {
          coming = next;
        } else {
          onTheirWay.add(next); // MPI may touch it though it refuses
        }
      }
      FrameBuffer next = coming;
      if (next == null || mpi.test(next) != PointToPoint.Outcome.DONE) {
        return null;
      }
      coming = null;
      return next;
    } finally {
      inside.unlock();
    }
  }
}
