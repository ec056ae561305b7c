package io.mpilock.protocol;

import io.mpilock.protocol.job.Message;
import io.mpilock.transport.Messenger;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Carries the stream of a single write over the nodes, chunk by chunk, along a binary tree with the
 * writer's node as its root. On that node the agent is one of the readers of the ring in the
 * window; on every other node it is the one that fills it.
 *
 * <p>Invariants: a node has at most WINDOW chunks on the way to a child that the child has not
 * passed on, so it holds at most as many itself; and it tells its parent of a chunk only when the
 * chunk stands in its own ring and has left for all of its children. So whoever is slow slows the
 * writer down, and no memory grows. Chunks of call n come only after the root decided that call, so
 * every rank of the node has made it, and nobody reads the ring's chunks of an earlier one.
 *
 * <p>A frame: type {@link Message#STREAM}, call, number of the chunk, the writer's node, kind,
 * length, bytes.
 */
final class Relay {
  private static final int WINDOW = 8;
  private static final int HEADER = 1 + 8 + 8 + 4 + 1 + 4;

  private static final class Chunk {
    private final int kind;
    private final byte[] bytes;
    private final int length;

    Chunk(int kind, byte[] bytes, int length) {
      this.kind = kind;
      this.bytes = bytes;
      this.length = length;
    }
  }

  private final Node node;
  private final Messenger messenger;
  private final BiConsumer<Integer, Message> send;
  private final ByteBuffer frame = ByteBuffer.allocateDirect(Messenger.FRAME_BYTES);
  private final Deque<byte[]> spare = new ArrayDeque<>();

  private long call;
  private int writersNode = -1;
  private @Nullable Stream ring;
  private boolean ended;

  /** How many chunks came: from the ring on the writer's node, from the parent elsewhere. */
  private long come;

  /** Chunks that came and are not yet passed on to all; the first is number {@code done}. */
  private final List<Chunk> chunks = new ArrayList<>();

  private long done;
  private long told;
  private int[] children = {};
  private long[] sent = {};
  private long[] credited = {};

  Relay(Node node, Messenger messenger, BiConsumer<Integer, Message> send) {
    this.node = node;
    this.messenger = messenger;
    this.send = send;
  }

  /** A call goes; on the writer's node the stream begins here. */
  void begin(long newCall, int writer) {
    if (node.nodeOf(writer) == node.myNode()) {
      start(newCall, node.myNode());
      ring = new Stream(node, newCall, writer, node.agent());
    }
  }

  private void start(long newCall, int root) {
    call = newCall;
    writersNode = root;
    come = 0;
    done = 0;
    told = 0;
    ended = false;
    chunks.forEach(chunk -> spare.add(chunk.bytes));
    chunks.clear();
    int nodes = node.nodes();
    int place = Math.floorMod(node.myNode() - root, nodes);
    int count = Math.clamp(nodes - 1L - 2L * place, 0, 2);
    children = new int[count];
    for (int i = 0; i < count; i++) {
      children[i] = (2 * place + 1 + i + root) % nodes;
    }
    sent = new long[count];
    credited = new long[count];
  }

  private int parent() {
    int place = Math.floorMod(node.myNode() - writersNode, node.nodes());
    return ((place - 1) / 2 + writersNode) % node.nodes();
  }

  /** A frame of a stream came. */
  void receive(int from, ByteBuffer in) {
    if (in.remaining() < HEADER) {
      throw new IllegalArgumentException("a stream's frame of " + in.remaining() + " bytes");
    }
    in.get();
    long itsCall = in.getLong();
    long number = in.getLong();
    int root = in.getInt();
    int kind = in.get();
    int length = in.getInt();
    if (itsCall < call || root < 0 || root >= node.nodes() || root == node.myNode()) {
      throw new IllegalArgumentException("a stream's frame of call " + itsCall + ", node " + root);
    }
    if (itsCall > call) {
      start(itsCall, root);
      ring = new Stream(node, itsCall, node.leader(root), node.agent());
    }
    if (root != writersNode
        || from != parent()
        || number != come
        || chunks.size() > WINDOW
        || length != in.remaining()
        || length > Layout.CHUNK_BYTES) {
      throw new IllegalArgumentException(
          "chunk %d of %d bytes from node %d in place of chunk %d"
              .formatted(number, length, from, come));
    }
    byte[] bytes = spare.isEmpty() ? new byte[Layout.CHUNK_BYTES] : spare.remove();
    in.get(bytes, 0, length);
    chunks.add(new Chunk(kind, bytes, length));
    come++;
  }

  /** A child has passed chunks on. */
  void credit(int from, Message.Credit credit) {
    for (int i = 0; i < children.length; i++) {
      if (credit.call() == call && children[i] == from && credit.parts() <= sent[i]) {
        credited[i] = Math.max(credited[i], credit.parts());
      }
    }
  }

  /** Passes on what can be; tells whether there was anything. */
  boolean turn() {
    Stream stream = ring;
    if (stream == null || ended) {
      return false;
    }
    return writersNode == node.myNode() ? takeFromRing(stream) : passOn(stream);
  }

  private boolean takeFromRing(Stream stream) {
    boolean moved = false;
    while (!ended && mayTake() && stream.isProduced()) {
      byte[] bytes = spare.isEmpty() ? new byte[Layout.CHUNK_BYTES] : spare.remove();
      int kind = stream.kind();
      Chunk chunk = new Chunk(kind, bytes, stream.take(bytes));
      toChildren(chunk);
      spare.add(bytes);
      ended = kind == Stream.END;
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

  private void toChildren(Chunk chunk) {
    for (int i = 0; i < children.length; i++) {
      send(i, chunk, come);
    }
    come++;
  }

  private void send(int child, Chunk chunk, long number) {
    frame.clear();
    frame.put(Message.STREAM).putLong(call).putLong(number).putInt(writersNode);
    frame.put((byte) chunk.kind).putInt(chunk.length).put(chunk.bytes, 0, chunk.length);
    messenger.send(node.leader(children[child]), frame.flip());
    sent[child]++;
  }

  private boolean passOn(Stream stream) {
    boolean moved = false;
    for (int i = 0; i < children.length; i++) {
      if (node.isLost(node.leader(children[i]))) {
        sent[i] = come;
        credited[i] = come;
      }
      while (sent[i] < come && sent[i] - credited[i] < WINDOW) {
        send(i, chunks.get((int) (sent[i] - done)), sent[i]);
        moved = true;
      }
    }
    while (stream.chunks() < come && stream.hasRoom()) {
      Chunk chunk = chunks.get((int) (stream.chunks() - done));
      stream.put(chunk.kind, chunk.bytes, 0, chunk.length);
      moved = true;
    }
    while (!chunks.isEmpty() && stream.chunks() > done && haveAllSent(done)) {
      Chunk chunk = chunks.removeFirst();
      spare.add(chunk.bytes);
      done++;
      ended = chunk.kind == Stream.END || chunk.kind == Stream.LOST;
    }
    if (done - told >= WINDOW / 4 || (ended && done > told)) {
      told = done;
      send.accept(parent(), new Message.Credit(call, done));
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
    Stream stream = ring;
    if (stream == null || ended || writersNode != node.myNode()) {
      return;
    }
    int member = node.memberOf(stream.writer());
    if (member >= 0 && node.isGone(member) && !stream.isProduced()) {
      ended = true;
      toChildren(new Chunk(Stream.LOST, new byte[0], 0));
    }
  }
}
