/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.agent;

import io.mpilock.internal.call.ShareStream;
import io.mpilock.internal.job.Message;
import io.mpilock.internal.job.Tree;
import io.mpilock.internal.job.Verdict;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.Messenger;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Carries the stream of a call in which the ranks take turns over the nodes, chunk by chunk, along
 * a binary tree with the master's node as its top. While a rank of this node has its turn, the
 * agent is one of the readers of the ring; otherwise it is the one that fills it. A chunk goes from
 * its node to each neighbour in the tree, and from each of these to its other neighbours: to every
 * node once.
 *
 * <h2>Invariants</h2>
 *
 * <ol>
 *   <li>All nodes see the chunks in one order, that of their numbers. For who writes a chunk has
 *       read the one before, so its node has passed that on, and has it from the side on which it
 *       was written: each node in between has passed it on before, and each pair of nodes keeps the
 *       order of what it sends. (Causal order on a tree of channels that keep theirs.)
 *   <li>A node passes a chunk on to its ring and to all neighbours at the same time, when all of
 *       them have room. So what it has not passed on came from one neighbour, and is at most WINDOW
 *       chunks and the end: no memory grows, and who is slow slows the writer.
 *   <li>Of a call whose values are for the master alone, only what goes up carries bytes.
 * </ol>
 *
 * <p>Frames are those of {@link StreamRelay}, with the tree's top in place of the writer's node.
 */
final class TurnRelay {
  private static final int WINDOW = 8;

  private final RankContext node;
  private final Messenger messenger;
  private final BiConsumer<Integer, Message> send;
  private final Deque<ByteBuffer> spare = new ArrayDeque<>();
  private final int top;
  private final int parent;
  private final int[] neighbours;

  /** For each neighbour: how many frames it was sent, and how many of these it has passed on. */
  private final long[] sent;

  private final long[] credited;

  /** For each neighbour: how many of its frames were passed on, and how many it was told of. */
  private final long[] passed;

  private final long[] told;

  private long call;
  private boolean forMaster;
  private @Nullable ShareStream ring;
  private boolean ended;
  private boolean stopped;

  /** The last call that went, and what it was. */
  private long knownCall;

  private long knownKind;

  /** Frames that came and are not yet passed on, as they came; and who sent them. */
  private final Deque<ByteBuffer> waiting = new ArrayDeque<>();

  private int waitingFrom;

  TurnRelay(RankContext node, Messenger messenger, BiConsumer<Integer, Message> send) {
    this.node = node;
    this.messenger = messenger;
    this.send = send;
    this.top = node.nodeOf(node.settings().master());
    Tree tree = new Tree(node.nodes(), top, 2);
    int me = node.myNode();
    int[] children = tree.children(me);
    this.parent = me == top ? -1 : tree.parent(me);
    if (parent < 0) {
      this.neighbours = children;
    } else {
      this.neighbours = new int[children.length + 1];
      System.arraycopy(children, 0, neighbours, 1, children.length);
      neighbours[0] = parent;
    }
    this.sent = new long[neighbours.length];
    this.credited = new long[neighbours.length];
    this.passed = new long[neighbours.length];
    this.told = new long[neighbours.length];
  }

  /** Tells whether the ranks take turns in a call. */
  boolean isFor(long itsCall) {
    return itsCall == call || (itsCall > call && Verdict.takesTurns(kind(itsCall)));
  }

  /**
   * Tells whether a later call goes: a rank makes its next call known before its last chunk has
   * left, and an agent tells of that call before it sends the chunk.
   */
  boolean isLate(long itsCall) {
    return itsCall < knownCall || (stopped && itsCall == call);
  }

  /** A call goes: its ranks may make others before all frames of it are there. */
  void noteKind(long itsCall, long kind) {
    knownCall = itsCall;
    knownKind = kind;
  }

  /** What this node's ranks called; 0 if they have not come to that call. */
  long kind(long itsCall) {
    if (itsCall == knownCall) {
      return knownKind;
    }
    long slot = Layout.callSlot(0, itsCall);
    return node.window().get(slot + Layout.CALL) >>> 8 == itsCall
        ? node.window().get(slot + Layout.KIND)
        : 0;
  }

  /** Another call goes: nobody reads any more of this one, and the ring is the other's. */
  void stop() {
    ended = true;
    stopped = true;
    spare.addAll(waiting);
    waiting.clear();
  }

  /** A call goes. A frame of it may have come before. */
  void begin(long newCall) {
    if (newCall > call) {
      stop();
      forMaster = kind(newCall) == Verdict.GATHER;
      call = newCall;
      ring = ShareStream.ofTurns(node, newCall, node.agent());
      ended = false;
      stopped = false;
      for (int i = 0; i < neighbours.length; i++) {
        sent[i] = 0;
        credited[i] = 0;
        passed[i] = 0;
        told[i] = 0;
      }
    }
  }

  /**
   * A frame of a stream came.
   *
   * @param from the node that sent it
   * @param in the frame; the relay keeps it
   * @return a buffer to receive the next frame
   * @throws IllegalArgumentException if the frame is not the next of a stream; then it is not kept
   */
  ByteBuffer receive(int from, ByteBuffer in) {
    in.get();
    long itsCall = in.getLong();
    long number = in.getLong();
    int itsTop = in.getInt();
    int kind = in.get();
    int length = in.getInt();
    ShareStream stream = itsCall == call ? ring : null;
    int before = stream == null ? 0 : waiting.size();
    long expected = stream == null ? 0 : stream.chunks() + before;
    if (itsTop != top
        || !isNeighbour(from)
        || number != expected
        || length != in.remaining()
        || length > Layout.CHUNK_BYTES
        || (stream != null && ended)
        || (before > 0 && (from != waitingFrom || before > WINDOW))
        || isMine(stream)) {
      throw new IllegalArgumentException(
          "chunk %d of %d bytes, of kind %d, of turns from node %d in place of chunk %d"
              .formatted(number, length, kind, from, expected));
    }
    begin(itsCall); // after all checks: a frame that is dropped changes nothing
    waiting.add(in);
    waitingFrom = from;
    return spare.isEmpty() ? StreamRelay.newBuffer() : spare.remove();
  }

  private boolean isNeighbour(int other) {
    for (int neighbour : neighbours) {
      if (neighbour == other) {
        return true;
      }
    }
    return false;
  }

  /** Whether the next chunk is to come from a rank of this node, as far as that is known. */
  private boolean isMine(@Nullable ShareStream stream) {
    if (stream == null) {
      return node.memberOf(0) >= 0;
    }
    return waiting.isEmpty() && !stream.areAllOver() && node.memberOf(stream.writer()) >= 0;
  }

  /** A neighbour has passed frames on. */
  void credit(int from, Message.Credit credit) {
    for (int i = 0; i < neighbours.length; i++) {
      if (credit.call() == call && neighbours[i] == from && credit.parts() <= sent[i]) {
        credited[i] = Math.max(credited[i], credit.parts());
      }
    }
  }

  /** Passes on what can be; tells whether there was anything. */
  boolean turn() {
    ShareStream stream = ring;
    boolean moved = false;
    while (stream != null && !ended && (isMine(stream) ? takeFromRing(stream) : passOn(stream))) {
      moved = true;
    }
    return moved;
  }

  private boolean takeFromRing(ShareStream stream) {
    if (!stream.isProduced()) {
      return endForOneWhoLeft(stream);
    }
    int kind = stream.kind();
    boolean end = ShareStream.isEnd(kind);
    if (!end && !haveRoom(-1)) {
      return false;
    }
    ByteBuffer frame = spare.isEmpty() ? StreamRelay.newBuffer() : spare.remove();
    long number = stream.chunks();
    int length = stream.take(frame.array(), frame.arrayOffset() + StreamRelay.HEADER);
    toOthers(frame, number, kind, length, -1);
    spare.add(frame);
    ended = end || stream.areAllOver();
    return true;
  }

  private boolean passOn(ShareStream stream) {
    ByteBuffer frame = waiting.peek();
    if (frame == null) {
      return false;
    }
    int kind = frame.get(StreamRelay.KIND);
    int length = frame.getInt(StreamRelay.LENGTH);
    boolean end = ShareStream.isEnd(kind);
    if (!end && !(stream.hasRoom() && haveRoom(waitingFrom))) {
      return false;
    }
    waiting.remove();
    long number = stream.chunks();
    toOthers(frame, number, kind, length, waitingFrom);
    stream.put(kind, frame.array(), frame.arrayOffset() + StreamRelay.HEADER, length);
    spare.add(frame);
    ended = end || stream.areAllOver();
    for (int i = 0; i < neighbours.length; i++) {
      if (neighbours[i] == waitingFrom) {
        passed[i]++;
        if (passed[i] - told[i] >= WINDOW / 4) {
          told[i] = passed[i];
          send.accept(waitingFrom, new Message.Credit(call, passed[i]));
        }
      }
    }
    return true;
  }

  /** Whether all neighbours but one that it came from can be sent a chunk. */
  private boolean haveRoom(int source) {
    for (int i = 0; i < neighbours.length; i++) {
      if (neighbours[i] != source
          && sent[i] - credited[i] >= WINDOW
          && !node.isLost(node.leader(neighbours[i]))) {
        return false;
      }
    }
    return true;
  }

  private void toOthers(ByteBuffer frame, long number, int kind, int length, int source) {
    for (int i = 0; i < neighbours.length; i++) {
      if (neighbours[i] != source) {
        int bytes = !forMaster || neighbours[i] == parent || !isValue(kind) ? length : 0;
        frame.clear();
        frame.put(Message.STREAM).putLong(call).putLong(number).putInt(top);
        frame.put((byte) kind).putInt(bytes);
        frame.limit(StreamRelay.HEADER + bytes);
        messenger.send(node.leader(neighbours[i]), frame.rewind());
        sent[i]++;
      }
    }
  }

  private static boolean isValue(int kind) {
    return kind == ShareStream.DATA || kind == ShareStream.LAST;
  }

  /** Ends the stream everywhere if the rank whose turn it is died in the middle of it. */
  void lookForDeath() {
    ShareStream stream = ring;
    if (stream != null && !ended && isMine(stream)) {
      int member = node.memberOf(stream.writer());
      if (node.isGone(member) && !stream.isProduced()) {
        end(stream, stream.hasWriterLeft() ? ShareStream.LEFT : ShareStream.LOST);
      }
    }
  }

  private boolean endForOneWhoLeft(ShareStream stream) {
    if (stream.hasWriterLeft() && !stream.isProduced()) {
      end(stream, ShareStream.LEFT);
      return true;
    }
    return false;
  }

  private void end(ShareStream stream, int kind) {
    ended = true;
    ByteBuffer frame = spare.isEmpty() ? StreamRelay.newBuffer() : spare.remove();
    toOthers(frame, stream.chunks(), kind, 0, -1);
    spare.add(frame);
    stream.put(kind, new byte[0], 0, 0);
  }
}
