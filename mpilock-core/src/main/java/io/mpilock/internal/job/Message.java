/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.Frames.code;
import static io.mpilock.internal.job.Frames.flag;
import static io.mpilock.internal.job.Frames.permission;
import static io.mpilock.internal.job.Frames.put;
import static io.mpilock.internal.job.Frames.text;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/**
 * What the agents of the nodes say to each other; docs/architecture.md has the table of who says
 * what when. A message is one frame: a byte for its type, then its components in order, numbers in
 * network order, text as a length of two bytes and UTF-8.
 *
 * <p>The bytes of a single write's stream are not here: {@link #STREAM} frames carry them. Long,
 * since each message is a record here.
 */
public sealed interface Message {

  /** The type of a frame that carries a part of a shared object: see the protocol's relay. */
  byte STREAM = 0;

  /** The longest text, in bytes; longer ones are cut between two characters. */
  int LONGEST_TEXT = 4096;

  /** Messages about one resource: these are what a lock costs. */
  sealed interface OfLock extends Message {
    /**
     * The resource.
     *
     * @return its name
     */
    String resource();
  }

  /** Messages about collective calls: {@link CallBranch} tells which way they go. */
  sealed interface OfCall extends Message {}

  /** What the root tells all nodes, and so each node its children. */
  sealed interface ToAll extends OfCall {}

  /**
   * A node to the home: its ranks wait for a permission.
   *
   * @param resource the resource
   * @param wanted SHARED or EXCLUSIVE
   * @param tries a number for those ranks that only try, to be refused if somebody holds it, or 0
   */
  record Request(String resource, Permission wanted, long tries) implements OfLock {}

  /**
   * A node to the home: ranks try to read, and only a recall that is not answered keeps them out.
   *
   * @param resource the resource
   * @param tries a number for them, to be refused if somebody is waited for
   */
  record Plead(String resource, long tries) implements OfLock {}

  /**
   * A node to the home: its ranks do not wait any more.
   *
   * @param resource the resource
   */
  record Cancel(String resource) implements OfLock {}

  /**
   * The home to a node that asked: it has the permission.
   *
   * @param resource the resource
   * @param permission SHARED or EXCLUSIVE
   * @param token of the last write
   * @param value what a counter stands at; 0 of all else
   */
  record Grant(String resource, Permission permission, long token, long value) implements OfLock {}

  /**
   * The home to a node with a permission: it may keep this much.
   *
   * @param resource the resource
   * @param limit NONE, SHARED, or EXCLUSIVE, which takes an earlier recall back
   */
  record Recall(String resource, Permission limit) implements OfLock {}

  /**
   * The home to a node that has or asks for a permission: it is to look at its ranks, and to say so
   * when it has sent all that follows from that.
   *
   * @param resource the resource
   */
  record Settle(String resource) implements OfLock {}

  /**
   * A node to the home, after a recall: it has given up.
   *
   * @param resource the resource
   * @param kept what it still has
   * @param token of the last write
   * @param value what a counter stands at; 0 of all else
   * @param deadWriter a rank that died in its write, or -1
   */
  record Yield(String resource, Permission kept, long token, long value, int deadWriter)
      implements OfLock {}

  /**
   * A node to the home: the answer to {@link Settle}.
   *
   * @param resource the resource
   */
  record Settled(String resource) implements OfLock {}

  /**
   * The home to a node that tried: somebody holds it, or waits for it.
   *
   * @param resource the resource
   * @param tries the number that the node gave to those that are refused
   */
  record Refuse(String resource, long tries) implements OfLock {}

  /**
   * The home to a node that has or asks for a permission: a writer died, nobody gets it any more.
   *
   * @param resource the resource
   * @param rank the writer
   */
  record Poison(String resource, int rank) implements OfLock {}

  /**
   * A node to the home: somebody there has looked at what a dead writer left, and gives the
   * resource free.
   *
   * @param resource the resource
   * @param rank the writer; a poison by another stays
   */
  record Clear(String resource, int rank) implements OfLock {}

  /**
   * The home to the node of a dead writer: somebody gives the resource free; if the writer's
   * process has ended this node is to say so, too.
   *
   * @param resource the resource
   * @param rank the writer
   */
  record Confirm(String resource, int rank) implements OfLock {}

  /**
   * The home to a node that it had told of a dead writer: the resource can be had again.
   *
   * @param resource the resource
   */
  record Cleared(String resource) implements OfLock {}

  /**
   * A node to the home: none of its ranks has the name any more, and it gives back what it has.
   *
   * @param resource the resource
   * @param held what it had; if more is on record a grant is on its way, and nothing is given back
   * @param token of the last write; 0 if it had no permission
   * @param value what a counter stands at; 0 of all else, or if it had no permission
   */
  record Retire(String resource, Permission held, long token, long value) implements OfLock {}

  /**
   * The home to a node: the answer to {@link Retire}. All that was sent to the node before has come
   * there.
   *
   * @param resource the resource
   */
  record Retired(String resource) implements OfLock {}

  /**
   * Each node to each other, first of all: it is there.
   *
   * @param settings a fingerprint of its settings, which must be equal on all nodes
   */
  record Hello(long settings) implements Message {}

  /**
   * Each node to each other, now and then.
   *
   * @param asks whether to answer at once: the receiver may be dead
   * @param answers whether this is an answer
   */
  record Heartbeat(boolean asks, boolean answers) implements Message {}

  /**
   * A node to each other: the controller cannot go on without a rank.
   *
   * @param rank who died, was lost, or closed while others still used the controller
   */
  record Broken(int rank) implements Message {}

  /**
   * A node to each other: one of its ranks died. Its locks are recovered there.
   *
   * @param rank who died
   */
  record Died(int rank) implements Message {}

  /**
   * A node to its parent: all ranks of its subtree have made a collective call, and none a close.
   *
   * @param call the number of the call
   * @param kind what they called, or that they called {@link Verdict#DIFFERENT} things
   * @param writer who is to write
   * @param resource the resource, or ""
   */
  record Arrived(long call, long kind, int writer, String resource) implements OfCall {

    /**
     * What is to be said of the ranks of both.
     *
     * @param other of the same call
     * @return the same as both, or that they differ
     */
    Arrived and(Arrived other) {
      return equals(other) ? this : new Arrived(call, Verdict.DIFFERENT, 0, "");
    }
  }

  /**
   * A node to the root: a collective call must fail.
   *
   * @param call the number of the call
   * @param code why
   * @param rank who is the reason
   */
  record Fail(long call, int code, int rank) implements OfCall {}

  /**
   * A node to the root, and the root to all: a rank closes instead of making the call.
   *
   * @param call the number of the call
   * @param rank who closes
   */
  record Closing(long call, int rank) implements ToAll {}

  /**
   * The root to each node, before it decides that a call failed.
   *
   * @param call the number of the call
   */
  record Ask(long call) implements ToAll {}

  /**
   * A node to the root, after it asked: what each of its ranks called.
   *
   * @param call the number of the call
   * @param text for people
   */
  record Summary(long call, String text) implements OfCall {}

  /**
   * The root to each node: how a collective call was decided.
   *
   * @param call the number of the call
   * @param code to go, or why not
   * @param rank who is the reason
   * @param text what each rank called, if it failed
   */
  record Decide(long call, int code, int rank, String text) implements ToAll {}

  /**
   * A node to the root: whether all of its ranks are in a close.
   *
   * @param all whether they are
   */
  record Through(boolean all) implements OfCall {}

  /** The root to each node: all ranks are in a close. */
  record AllThrough() implements ToAll {}

  /** A node to each other: all of its ranks have closed this controller, or are gone. */
  record Closed() implements Message {}

  /**
   * A node to the one that it has parts of a stream from: it has passed these on.
   *
   * @param call the number of the call
   * @param parts how many, from the first
   */
  record Credit(long call, long parts) implements Message {}

  /**
   * A node to each other: who is there, and who holds what?
   *
   * @param query a number of the asking node
   * @param resource the resource, or "" for all
   */
  record Query(long query, String resource) implements Message {}

  /**
   * A node to the one that asked.
   *
   * @param query the number of the query
   * @param report what the node knows
   */
  record Answer(long query, NodeReport report) implements Message {}

  /**
   * A node to each other: which of its ranks' threads have waited for a lock for a while. Sent now
   * and then, as long as there are any, and once more.
   *
   * @param number of what the node tells in this way, from 1
   * @param report the waits
   */
  record Waits(long number, WaitReport report) implements Message {}

  /** Says that a frame is none of these. */
  final class MalformedException extends Exception {
    private static final long serialVersionUID = 1;

    MalformedException(String message) {
      super(message);
    }
  }

  /**
   * Writes the message as a frame.
   *
   * @param frame an empty buffer; flipped afterwards
   */
  default void encode(ByteBuffer frame) {
    frame.clear();
    switch (this) {
      case Request m -> put(frame.put((byte) 1), m.resource).put(code(m.wanted)).putLong(m.tries);
      case Cancel m -> put(frame.put((byte) 2), m.resource);
      case Grant m ->
          put(frame.put((byte) 3), m.resource)
              .put(code(m.permission))
              .putLong(m.token)
              .putLong(m.value);
      case Recall m -> put(frame.put((byte) 4), m.resource).put(code(m.limit));
      case Yield m ->
          put(frame.put((byte) 5), m.resource)
              .put(code(m.kept))
              .putLong(m.token)
              .putLong(m.value)
              .putInt(m.deadWriter);
      case Settled m -> put(frame.put((byte) 6), m.resource);
      case Refuse m -> put(frame.put((byte) 7), m.resource).putLong(m.tries);
      case Poison m -> put(frame.put((byte) 8), m.resource).putInt(m.rank);
      case Hello m -> frame.put((byte) 9).putLong(m.settings);
      case Heartbeat m -> frame.put((byte) 10).put(code(m.asks)).put(code(m.answers));
      case Broken m -> frame.put((byte) 11).putInt(m.rank);
      case Died m -> frame.put((byte) 12).putInt(m.rank);
      case Arrived m ->
          put(frame.put((byte) 13).putLong(m.call).putLong(m.kind).putInt(m.writer), m.resource);
      case Fail m -> frame.put((byte) 14).putLong(m.call).putInt(m.code).putInt(m.rank);
      case Closing m -> frame.put((byte) 15).putLong(m.call).putInt(m.rank);
      case Ask m -> frame.put((byte) 16).putLong(m.call);
      case Summary m -> put(frame.put((byte) 17).putLong(m.call), m.text);
      case Decide m ->
          put(frame.put((byte) 18).putLong(m.call).putInt(m.code).putInt(m.rank), m.text);
      case Through m -> frame.put((byte) 19).put(code(m.all));
      case AllThrough _ -> frame.put((byte) 20);
      case Credit m -> frame.put((byte) 21).putLong(m.call).putLong(m.parts);
      case Query m -> put(frame.put((byte) 22).putLong(m.query), m.resource);
      case Answer m -> m.report.encode(frame.put((byte) 23).putLong(m.query));
      case Closed _ -> frame.put((byte) 24);
      case Settle m -> put(frame.put((byte) 25), m.resource);
      case Plead m -> put(frame.put((byte) 26), m.resource).putLong(m.tries);
      case Waits m -> m.report.encode(frame.put((byte) 27).putLong(m.number));
      case Clear m -> put(frame.put((byte) 28), m.resource).putInt(m.rank);
      case Confirm m -> put(frame.put((byte) 29), m.resource).putInt(m.rank);
      case Cleared m -> put(frame.put((byte) 30), m.resource);
      case Retire m ->
          put(frame.put((byte) 31), m.resource).put(code(m.held)).putLong(m.token).putLong(m.value);
      case Retired m -> put(frame.put((byte) 32), m.resource);
    }
    frame.flip();
  }

  /**
   * Reads a frame that is not a {@link #STREAM} frame.
   *
   * @param frame from its position to its limit
   * @return the message
   * @throws MalformedException if it is none
   */
  static Message decode(ByteBuffer frame) throws MalformedException {
    try {
      byte type = frame.get();
      Message message =
          switch (type) {
            case 1 -> new Request(text(frame), permission(frame), frame.getLong());
            case 2 -> new Cancel(text(frame));
            case 3 -> new Grant(text(frame), permission(frame), frame.getLong(), frame.getLong());
            case 4 -> new Recall(text(frame), permission(frame));
            case 5 ->
                new Yield(
                    text(frame),
                    permission(frame),
                    frame.getLong(),
                    frame.getLong(),
                    frame.getInt());
            case 6 -> new Settled(text(frame));
            case 7 -> new Refuse(text(frame), frame.getLong());
            case 8 -> new Poison(text(frame), frame.getInt());
            case 9 -> new Hello(frame.getLong());
            case 10 -> new Heartbeat(flag(frame), flag(frame));
            case 11 -> new Broken(frame.getInt());
            case 12 -> new Died(frame.getInt());
            case 13 -> new Arrived(frame.getLong(), frame.getLong(), frame.getInt(), text(frame));
            case 14 -> new Fail(frame.getLong(), frame.getInt(), frame.getInt());
            case 15 -> new Closing(frame.getLong(), frame.getInt());
            case 16 -> new Ask(frame.getLong());
            case 17 -> new Summary(frame.getLong(), text(frame));
            case 18 -> new Decide(frame.getLong(), frame.getInt(), frame.getInt(), text(frame));
            case 19 -> new Through(flag(frame));
            case 20 -> new AllThrough();
            case 21 -> new Credit(frame.getLong(), frame.getLong());
            case 22 -> new Query(frame.getLong(), text(frame));
            case 23 -> new Answer(frame.getLong(), NodeReport.decode(frame));
            case 24 -> new Closed();
            case 25 -> new Settle(text(frame));
            case 26 -> new Plead(text(frame), frame.getLong());
            case 27 -> new Waits(frame.getLong(), WaitReport.decode(frame));
            case 28 -> new Clear(text(frame), frame.getInt());
            case 29 -> new Confirm(text(frame), frame.getInt());
            case 30 -> new Cleared(text(frame));
            case 31 -> new Retire(text(frame), permission(frame), frame.getLong(), frame.getLong());
            case 32 -> new Retired(text(frame));
            default -> throw new MalformedException("there is no message of type " + type);
          };
      if (frame.hasRemaining()) {
        throw new MalformedException(
            frame.remaining() + " bytes too many in a message of type " + type);
      }
      return message;
    } catch (BufferUnderflowException e) {
      throw new MalformedException("a message is cut off");
    }
  }
}
