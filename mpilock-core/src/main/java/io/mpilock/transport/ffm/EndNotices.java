/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What nodes tell each other of ranks that will never come to MPI's end: a rank of itself that it
 * takes no part, though it may live on; one that gives the end up, of the rank that it missed. A
 * notice is a message on a communicator that carries no other, to the first rank of each other
 * node; that one waits there too, or will come, or is missed itself. It shows the notice to its
 * node ({@link MpiClosing}).
 *
 * <p>The end of a process that is alone on its node only its {@link Doorbell} tells. A connection
 * may also be lost for another reason; so a rank that waits asks, and whoever waits as well
 * answers. Not asked is as long as an agent lives that watches over the others.
 */
final class EndNotices {
  private static final System.Logger LOG = System.getLogger("io.mpilock");

  private static final int TAG = 0;

  // What a message is; the rank that it is about follows, as an int.
  private static final byte STAYS_AWAY = 0;
  private static final byte HAS_ENDED = 1;
  private static final byte ARE_YOU_THERE = 2;
  private static final byte I_AM = 3;

  /** A group is out of step; its id and why follow the rank that does not come. */
  private static final byte CUT_SHORT = 4;

  /** How long to stay until the notices have left. */
  private static final long FLUSH_NANOS = 1_000_000_000;

  private static final long PAUSE_NANOS = 1_000_000;
  private static final long LONG_PAUSE_NANOS = 250_000_000;

  /** How long whoever has no connection any more has to answer. */
  private static final long ANSWER_NANOS = 5_000_000_000L;

  private record Notice(int to, byte what, int about, long group, String reason) {
    Notice(int to, byte what, int about) {
      this(to, what, about, 0, "");
    }
  }

  private static final int LONGEST_REASON = 200;

  private final PointToPoint mpi;
  private final ReentrantLock inside;
  private final OrphanedFrames leftovers;
  private final Roster roster;
  private final MpiGroup control;
  private final MpiClosing leaving;

  /** What is to be sent as soon as MPI is free. */
  private final Queue<Notice> unsent = new ConcurrentLinkedQueue<>();

  // Guarded by inside, since MPI is.
  private final List<FrameBuffer> onTheirWay = new ArrayList<>();

  private @Nullable FrameBuffer coming;

  /** Since when an answer is missed. Used by whoever waits for the end, which is one thread. */
  private final Map<Integer, Long> asked = new ConcurrentHashMap<>();

  EndNotices(
      MpiLibrary library,
      PointToPoint mpi,
      OrphanedFrames leftovers,
      Roster roster,
      MpiGroup control,
      MpiClosing leaving) {
    this.mpi = mpi;
    this.inside = library.inside();
    this.leftovers = leftovers;
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
   * Says of a rank for which the end was given up that it will not come, unless this node has said
   * so of another. One of another node that lives has its own node to say so; for one of this node,
   * which has said so itself, that may have been lost with it.
   */
  void tellMissed(int worldRank) {
    boolean ended = !roster.isAlive(worldRank);
    boolean elsewhere = roster.node(worldRank) != roster.node(roster.self());
    if (ended && elsewhere) {
      leaving.showElsewhere(worldRank, true); // the others here may have no connection to it
    }
    if ((ended || !elsewhere) && leaving.mayTell()) {
      tellOtherNodes(ended ? HAS_ENDED : STAYS_AWAY, worldRank);
    }
  }

  /** Does not throw, as for want of memory: who calls it is failing, and has more to end. */
  private void tellOtherNodes(byte what, int about) {
    if (!roster.spansNodes()) {
      return;
    }
    try {
      for (int rank = 0; rank < roster.size(); rank++) {
        if (isAnotherNodesFirst(rank) && !roster.isLost(rank)) {
          unsent.add(new Notice(rank, what, about));
        }
      }
      flush();
    } catch (RuntimeException | Error e) {
      LOG.log(
          System.Logger.Level.DEBUG,
          "Other nodes may not learn which ranks are missing at MPI's end",
          e);
    }
  }

  /**
   * Says that a group is out of step, since a rank does not come to its collective calls; to those
   * of its ranks that are on other nodes, each of which looks for itself. Does not throw.
   */
  void cutShort(MpiGroup group, int worldRank, String reason) {
    leaving.cutShort(group.id(), worldRank, reason);
    if (!roster.spansNodes()) {
      return;
    }
    try {
      for (int member = 0; member < group.size(); member++) {
        int rank = group.worldRank(member);
        if (roster.node(rank) != roster.node(roster.self()) && !roster.isLost(rank)) {
          unsent.add(new Notice(rank, CUT_SHORT, worldRank, group.id(), reason));
        }
      }
      flush();
    } catch (RuntimeException | Error e) {
      LOG.log(
          System.Logger.Level.DEBUG, "Other nodes may not learn that an opening was cut short", e);
    }
  }

  private void flush() {
    long start = System.nanoTime();
    while (!isSent() && System.nanoTime() - start < FLUSH_NANOS) {
      LockSupport.parkNanos(this, PAUSE_NANOS);
    }
    if (!isSent()) {
      // MPI is not free; or it goes to a rank that was not sent to before, and calls no MPI now.
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

  private void send(Notice notice) {
    byte[] reason = notice.reason().getBytes(StandardCharsets.UTF_8);
    int length = Math.min(reason.length, LONGEST_REASON);
    ByteBuffer bytes =
        ByteBuffer.allocate(Integer.BYTES + Long.BYTES + length)
            .putInt(notice.about())
            .putLong(notice.group())
            .put(reason, 0, length)
            .flip();
    FrameBuffer frame = FrameBuffer.allocate(true);
    frame.begin(notice.to(), FrameBuffer.messageBytes(bytes.remaining()));
    frame.copyFrom(notice.what(), bytes);
    inside.lock();
    try {
      onTheirWay.removeIf(earlier -> test(earlier) != PointToPoint.Outcome.NOT_YET);
      if (mpi.send(frame, notice.to(), TAG, control.comm())) {
        onTheirWay.add(frame);
      } else {
        leftovers.keep(frame);
      }
    } finally {
      inside.unlock();
    }
  }

  /**
   * Sends what is unsent, and tells whether all has left. Does not wait for MPI: a thread may be in
   * a collective call for ever, since a rank has died.
   */
  private boolean isSent() {
    if (!inside.tryLock()) {
      return false;
    }
    try {
      for (Notice next = unsent.poll(); next != null; next = unsent.poll()) {
        send(next);
      }
      onTheirWay.removeIf(frame -> test(frame) != PointToPoint.Outcome.NOT_YET);
      return onTheirWay.isEmpty();
    } finally {
      inside.unlock();
    }
  }

  /** How far a frame is. One that failed, or whose peer is lost, must not be tested again. */
  private PointToPoint.Outcome test(FrameBuffer frame) {
    PointToPoint.Outcome outcome = mpi.test(frame);
    if (outcome == PointToPoint.Outcome.NOT_YET && roster.isLost(frame.peer())) {
      outcome = PointToPoint.Outcome.FAILED;
    }
    if (outcome == PointToPoint.Outcome.FAILED) {
      leftovers.keep(frame);
    }
    return outcome;
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
      send(new Notice(rank, ARE_YOU_THERE, roster.self()));
    } else if (now - since > ANSWER_NANOS) {
      roster.lose(rank);
    }
  }

  /** Takes in what other nodes tell. Called again and again by a rank that waits. */
  void receive() {
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
        case ARE_YOU_THERE -> send(new Notice(about, I_AM, roster.self()));
        case CUT_SHORT -> {
          if (bytes.remaining() >= Long.BYTES) {
            long group = bytes.getLong();
            leaving.cutShort(group, about, StandardCharsets.UTF_8.decode(bytes).toString());
          }
        }
        case I_AM -> asked.remove(about); // and is asked again, as long as it is cut off
        default -> {}
      }
    }
  }

  /** The next message that is there, if there is one. */
  private @Nullable FrameBuffer match() {
    if (!inside.tryLock()) { // perhaps for ever, as above; else at the next look
      return null;
    }
    try {
      if (coming == null && mpi.match(TAG, control.comm())) {
        FrameBuffer next = FrameBuffer.allocate(true);
        next.begin(mpi.source(), mpi.length());
        if (mpi.receive(next)) {
          coming = next;
        } else {
          leftovers.keep(next);
        }
      }
      FrameBuffer next = coming;
      PointToPoint.Outcome outcome = next == null ? PointToPoint.Outcome.NOT_YET : test(next);
      if (outcome != PointToPoint.Outcome.NOT_YET) {
        coming = null;
      }
      return outcome == PointToPoint.Outcome.DONE ? next : null;
    } finally {
      inside.unlock();
    }
  }
}
