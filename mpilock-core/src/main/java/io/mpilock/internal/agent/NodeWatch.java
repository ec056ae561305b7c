/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import io.mpilock.internal.job.Message;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.Messenger;
import java.util.Arrays;
import java.util.function.IntConsumer;
import java.util.function.ObjIntConsumer;

/**
 * Whether the other nodes' agents live: by what is heard of them, and by what the transport knows
 * of their processes and connections. Used by the agent's thread only.
 */
public final class NodeWatch {
  /** How long a node may take to say its first word. */
  private static final long FIRST_HELLO_NANOS = 30_000_000_000L;

  /** How long an agent has to answer when its process seems to have ended. */
  private static final long CUT_OFF_NANOS = 2_000_000_000;

  /** Whether another node's agent may have ended with its process. */
  private enum Suspicion {
    NONE,
    /** Its connection ended without a word: it is asked whether it lives. */
    ASKED,
    /** It has answered; from now on only its silence tells. */
    CLEARED
  }

  private final RankContext node;
  private final Messenger messenger;
  private final ObjIntConsumer<Message> outbox;
  private final int me;
  private final int nodes;
  private final long heartbeatNanos;
  private final boolean[] greeted;
  private final long[] lastHeard;
  private final long[] lastSent;
  private final Suspicion[] suspicion;
  private final long[] suspectSince;
  private int greetings;
  private long lastTick;

  /**
   * Watches from {@link #begin} on.
   *
   * @param outbox takes a message to a node
   */
  NodeWatch(RankContext node, Messenger messenger, ObjIntConsumer<Message> outbox) {
    this.node = node;
    this.messenger = messenger;
    this.outbox = outbox;
    this.me = node.myNode();
    this.nodes = node.nodes();
    this.heartbeatNanos = node.settings().heartbeatTimeout().toNanos();
    this.greeted = new boolean[nodes];
    this.lastHeard = new long[nodes];
    this.lastSent = new long[nodes];
    this.suspicion = new Suspicion[nodes];
    Arrays.fill(suspicion, Suspicion.NONE);
    this.suspectSince = new long[nodes];
  }

  void begin(long now) {
    lastTick = now;
    Arrays.fill(lastHeard, now);
  }

  /** A frame has come from a node. */
  void heard(int from) {
    lastHeard[from] = node.nanoTime();
  }

  /** A frame was sent to a node. */
  void sent(int to) {
    lastSent[to] = node.nanoTime();
  }

  /**
   * A node has said its first word.
   *
   * @return false if it had before
   */
  boolean isNew(int from) {
    if (greeted[from]) {
      return false;
    }
    greeted[from] = true;
    greetings++;
    return true;
  }

  /** Whether each other node has said its first word. */
  boolean haveAllGreeted() {
    return greetings == nodes - 1;
  }

  /** A sign of life, which may ask for one, or answer. */
  void heartbeat(int from, Message.Heartbeat message) {
    if (message.asks()) {
      outbox.accept(new Message.Heartbeat(false, true), from);
    }
    if (message.answers() && suspicion[from] == Suspicion.ASKED) {
      suspicion[from] = Suspicion.CLEARED;
    }
  }

  /**
   * Looks at all other nodes; now and then.
   *
   * @param needed whether they are needed still
   * @param lost is told the leader of each that is lost
   */
  void look(long now, boolean needed, IntConsumer lost) {
    // If this agent itself did not run for long, frames may wait to be received.
    boolean slept = now - lastTick > heartbeatNanos / 2;
    for (int other = 0; other < nodes; other++) {
      int leader = node.leader(other);
      if (other == me || node.isLost(leader)) {
        continue;
      }
      if (slept) {
        lastHeard[other] = Math.max(lastHeard[other], now - heartbeatNanos / 2);
      }
      long mostSilence =
          greeted[other] ? heartbeatNanos : Math.max(heartbeatNanos, FIRST_HELLO_NANOS);
      if (needed
          && (now - lastHeard[other] > mostSilence
              || hasEnded(other, now)
              || !node.communicator().isAlive(leader))) {
        lost.accept(leader);
      } else if (isSuspect(other) || now - lastSent[other] > heartbeatNanos / 4) {
        outbox.accept(new Message.Heartbeat(isSuspect(other), false), other);
      }
    }
    lastTick = now;
  }

  /**
   * Whether a node's agent has not answered since the transport saw its process end, if it did. One
   * that answers has only lost the connection.
   */
  private boolean hasEnded(int other, long now) {
    if (suspicion[other] == Suspicion.NONE && messenger.isCutOff(node.leader(other))) {
      suspicion[other] = Suspicion.ASKED;
      suspectSince[other] = now;
    } else if (now - lastTick > CUT_OFF_NANOS / 2) {
      suspectSince[other] = now; // this agent itself did not run: the answer may be there
    }
    return isSuspect(other) && now - suspectSince[other] > CUT_OFF_NANOS;
  }

  private boolean isSuspect(int other) {
    return suspicion[other] == Suspicion.ASKED;
  }
}
