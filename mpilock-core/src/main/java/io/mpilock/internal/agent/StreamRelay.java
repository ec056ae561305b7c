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
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Carries the stream of a single write over the nodes (those of calls in which the ranks take
 * turns: {@link TurnRelay}), chunk by chunk, along a binary tree with the writer's node as its
 * root. On that node the agent is one of the readers of the ring in the window; on every other node
 * it is the one that fills it.
 *
 * <p>Invariants: a node has at most WINDOW chunks, and the end, on the way to a child that the
 * child has not passed on, so it holds at most as many itself; and it tells its parent of a chunk
 * only when the chunk stands in its own ring and has left for all of its children. So whoever is
 * slow slows the writer down, and no memory grows. Chunks of call n come only after the root
 * decided that call, so every rank of the node has made it, and nobody reads the ring's chunks of
 * an earlier one.
 *
 * <p>A frame: type {@link Message#STREAM}, call, number of the chunk, the writer's node, kind,
 * length, bytes.
 */
public final class StreamRelay {
  private static final int WINDOW = 8;
  static final int HEADER = 1 + 8 + 8 + 4 + 1 + 4;

  // Where a frame's parts stand.
  static final int KIND = 1 + 8 + 8 + 4;
  static final int LENGTH = KIND + 1;

  private final RankContext node;
  private final Messenger messenger;
  private final BiConsumer<Integer, Message> send;
  private final TurnRelay turns;
  private final Deque<ByteBuffer> spare = new ArrayDeque<>();

  private long call;
  private int writersNode = -1;
  private @Nullable ShareStream ring;
  private boolean ended;

  /** How many chunks came: from the ring on the writer's node, from the parent elsewhere. */
  private long come;

  /**
   * Frames that came and are not yet passed on to all, as they came; the first is number {@code
   * done}.
   */
  private final List<ByteBuffer> chunks = new ArrayList<>();

  private long done;
  private long told;
  private int[] children = {};
  private long[] sent = {};
  private long[] credited = {};

  StreamRelay(RankContext node, Messenger messenger, BiConsumer<Integer, Message> send) {
    this.node = node;
    this.messenger = messenger;
    this.send = send;
    this.turns = new TurnRelay(node, messenger, send);
  }

  /** A call goes; on the writer's node the stream of a single write begins here. */
  void begin(long newCall, long kind, int writer) {
    turns.noteKind(newCall, kind);
    if (Verdict.takesTurns(kind)) {
      beginTurns(newCall);
    } else if (kind == Verdict.SINGLE_WRITE && node.nodeOf(writer) == node.myNode()) {
      start(newCall, node.myNode());
      ring = new ShareStream(node, newCall, writer, node.agent());
    }
  }

  private void beginTurns(long newCall) {
    stop();
    turns.begin(newCall);
  }

  /** Another call goes: nobody reads any more of this one, and the ring is the other's. */
  private void stop() {
    ended = true;
    spare.addAll(chunks);
    chunks.clear();
  }

  private void start(long newCall, int root) {
    turns.stop();
    stop();
    call = newCall;
    writersNode = root;
    come = 0;
    done = 0;
    told = 0;
    ended = false;
    children = tree(root).children(node.myNode());
    sent = new long[children.length];
    credited = new long[children.length];
  }

  /** Binary, since a node sends each chunk to each of its children. */
  private Tree tree(int root) {
    return new Tree(node.nodes(), root, 2);
  }

  private int parent(int root) {
    return tree(root).parent(node.myNode());
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
    if (in.remaining() < HEADER) {
      throw new IllegalArgumentException("a stream's frame of " + in.remaining() + " bytes");
    }
    if (turns.isLate(in.getLong(in.position() + 1))) {
      return in; // all ranks of all nodes have left that call
    }
    if (turns.isFor(in.getLong(in.position() + 1))) {
      ByteBuffer next = turns.receive(from, in);
      stop();
      return next;
    }
    in.get();
    long itsCall = in.getLong();
    long number = in.getLong();
    int root = in.getInt();
    in.get();
    int length = in.getInt();
    if (itsCall < call || root < 0 || root >= node.nodes() || root == node.myNode()) {
      throw new IllegalArgumentException("a stream's frame of call " + itsCall + ", node " + root);
    }
    boolean isNew = itsCall > call;
    if ((isNew && turns.kind(itsCall) != Verdict.SINGLE_WRITE)
        || (!isNew && ended)
        || (!isNew && root != writersNode)
        || from != parent(root)
        || number != (isNew ? 0 : come)
        || (!isNew && chunks.size() > WINDOW)
        || length != in.remaining()
        || length > Layout.CHUNK_BYTES) {
      throw new IllegalArgumentException(
          "chunk %d of %d bytes from node %d in place of chunk %d"
              .formatted(number, length, from, come));
    }
    if (isNew) { // after all checks: a frame that is dropped changes nothing
      start(itsCall, root);
      ring = new ShareStream(node, itsCall, node.leader(root), node.agent());
    }
    chunks.add(in);
    come++;
    return buffer();
  }

  private ByteBuffer buffer() {
    return spare.isEmpty() ? newBuffer() : spare.remove();
  }

  /** On the heap, since the window copies from and to arrays. */
  static ByteBuffer newBuffer() {
    return ByteBuffer.allocate(Messenger.FRAME_BYTES);
  }

  /** A child has passed chunks on. */
  void credit(int from, Message.Credit credit) {
    turns.credit(from, credit);
    for (int i = 0; i < children.length; i++) {
      if (credit.call() == call && children[i] == from && credit.parts() <= sent[i]) {
        credited[i] = Math.max(credited[i], credit.parts());
      }
    }
  }

  /** Passes on what can be; tells whether there was anything. */
  boolean turn() {
    boolean moved = turns.turn();
    ShareStream stream = ring;
    if (stream == null || ended) {
      return moved;
    }
    boolean more = writersNode == node.myNode() ? takeFromRing(stream) : passOn(stream);
    return moved || more;
  }

  private boolean takeFromRing(ShareStream stream) {
    boolean moved = false;
    while (!ended && stream.isProduced() && (mayTake() || ShareStream.isEnd(stream.kind()))) {
      ByteBuffer chunk = buffer();
      int kind = stream.kind();
      toChildren(chunk, kind, stream.take(chunk.array(), chunk.arrayOffset() + HEADER));
      spare.add(chunk);
      ended = ShareStream.isEnd(kind);
      moved = true;
    }
    return moved;
  }

  private boolean mayTake() {
    for (int i = 0; i < children.length; i++) {
      if (sent[i] - credited[i] >= WINDOW && !node.isLost(node.leader(children[i]))) {
        return false;
      }
    }
    return true;
  }

  private void toChildren(ByteBuffer chunk, int kind, int length) {
    chunk.clear();
    chunk.put(Message.STREAM).putLong(call).putLong(come).putInt(writersNode);
    chunk.put((byte) kind).putInt(length);
    chunk.limit(HEADER + length);
    for (int i = 0; i < children.length; i++) {
      send(i, chunk);
    }
    come++;
  }

  private void send(int child, ByteBuffer chunk) {
    messenger.send(node.leader(children[child]), chunk.rewind());
    sent[child]++;
  }

  private boolean passOn(ShareStream stream) {
    boolean moved = false;
    for (int i = 0; i < children.length; i++) {
      if (node.isLost(node.leader(children[i]))) {
        sent[i] = come;
        credited[i] = come;
      }
      while (sent[i] < come) {
        ByteBuffer chunk = chunks.get((int) (sent[i] - done));
        if (sent[i] - credited[i] >= WINDOW && !ShareStream.isEnd(chunk.get(KIND))) {
          break;
        }
        send(i, chunk);
        moved = true;
      }
    }
    while (stream.chunks() < come) {
      ByteBuffer chunk = chunks.get((int) (stream.chunks() - done));
      int kind = chunk.get(KIND);
      if (!ShareStream.isEnd(kind) && !stream.hasRoom()) {
        break;
      }
      stream.put(kind, chunk.array(), chunk.arrayOffset() + HEADER, chunk.getInt(LENGTH));
      moved = true;
    }
    while (!chunks.isEmpty() && stream.chunks() > done && haveAllSent(done)) {
      ByteBuffer chunk = chunks.removeFirst();
      ended = ShareStream.isEnd(chunk.get(KIND));
      spare.add(chunk);
      done++;
    }
    if (done - told >= WINDOW / 4 || (ended && done > told)) {
      told = done;
      send.accept(parent(writersNode), new Message.Credit(call, done));
    }
    return moved;
  }

  private boolean haveAllSent(long number) {
    for (int i = 0; i < children.length; i++) {
      if (sent[i] <= number) {
        return false;
      }
    }
    return true;
  }

  /** Ends the stream on the other nodes if the writer died in the middle of it. */
  void lookForDeath() {
    turns.lookForDeath();
    ShareStream stream = ring;
    if (stream == null || ended || writersNode != node.myNode()) {
      return;
    }
    int member = node.memberOf(stream.writer());
    if (member >= 0 && node.isGone(member) && !stream.isProduced()) {
      ended = true;
      toChildren(buffer(), ShareStream.LOST, 0);
    }
  }
}
