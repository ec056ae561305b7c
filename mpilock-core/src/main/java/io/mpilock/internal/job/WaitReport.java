/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import static io.mpilock.internal.job.Frames.code;
import static io.mpilock.internal.job.Frames.flag;
import static io.mpilock.internal.job.Frames.put;
import static io.mpilock.internal.job.Frames.text;

import io.mpilock.internal.job.Message.MalformedException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What a node says of its ranks' threads that have waited for a lock for a while.
 *
 * @param heard the number of what it has heard last from each node in this way, or 0
 * @param waits those that hold something, wait to write, or are in a collective call
 */
public record WaitReport(List<Long> heard, List<Wait> waits) {

  /**
   * A thread that has waited for a lock for a while, and what it holds meanwhile.
   *
   * @param rank its rank in the job
   * @param number of the rank's such waits
   * @param thread the thread's id
   * @param name the start of the thread's name
   * @param wants the resource that it waits for; or "" if it waits for other ranks
   * @param writes whether it waits to write, else to read
   * @param timed whether the wait ends by itself
   * @param since when it began, in milliseconds of the epoch
   * @param holds what it holds
   */
  public record Wait(
      int rank,
      long number,
      long thread,
      String name,
      String wants,
      boolean writes,
      boolean timed,
      long since,
      List<Held> holds) {

    private static final int FIXED_BYTES = 4 + 8 + 8 + 2 + 2 + 1 + 1 + 8 + 1;

    /**
     * A resource that a thread holds.
     *
     * @param resource its name
     * @param writes whether it writes it, else reads
     */
    public record Held(String resource, boolean writes) {}

    /** Copies the list. */
    public Wait {
      holds = List.copyOf(holds);
    }

    /**
     * How much room it takes in a frame.
     *
     * @return bytes
     */
    public int bytes() {
      return FIXED_BYTES
          + Frames.bytes(name)
          + Frames.bytes(wants)
          + holds.stream().mapToInt(held -> 2 + Frames.bytes(held.resource) + 1).sum();
    }

    void encode(ByteBuffer frame) {
      put(frame.putInt(rank).putLong(number).putLong(thread), name);
      put(frame, wants).put(code(writes)).put(code(timed)).putLong(since).put((byte) holds.size());
      holds.forEach(held -> put(frame, held.resource).put(code(held.writes)));
    }

    static Wait decode(ByteBuffer frame) throws MalformedException {
      int rank = frame.getInt();
      long number = frame.getLong();
      long thread = frame.getLong();
      String name = text(frame);
      String wants = text(frame);
      boolean writes = flag(frame);
      boolean timed = flag(frame);
      long since = frame.getLong();
      int count = Byte.toUnsignedInt(frame.get());
      List<Held> holds = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        holds.add(new Held(text(frame), flag(frame)));
      }
      return new Wait(rank, number, thread, name, wants, writes, timed, since, holds);
    }
  }

  /** Copies the lists. */
  public WaitReport {
    heard = List.copyOf(heard);
    waits = List.copyOf(waits);
  }

  void encode(ByteBuffer frame) {
    frame.putInt(heard.size());
    heard.forEach(frame::putLong);
    frame.putShort((short) waits.size());
    waits.forEach(wait -> wait.encode(frame));
  }

  static WaitReport decode(ByteBuffer frame) throws MalformedException {
    int nodes = frame.getInt();
    if (nodes < 0 || nodes > frame.remaining() / Long.BYTES) {
      throw new MalformedException("a report of " + nodes + " nodes is cut off");
    }
    List<Long> heard = new ArrayList<>(nodes);
    for (int i = 0; i < nodes; i++) {
      heard.add(frame.getLong());
    }
    int count = Short.toUnsignedInt(frame.getShort());
    List<Wait> waits = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      waits.add(Wait.decode(frame));
    }
    return new WaitReport(heard, waits);
  }
}
