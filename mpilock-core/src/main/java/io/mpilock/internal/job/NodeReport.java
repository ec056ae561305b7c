/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

import io.mpilock.internal.job.Message.MalformedException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What a node says of its ranks and of its part in resources, for people. Travels in a frame, and
 * in the window from the agent to the rank that asked.
 *
 * @param takenAt when, in milliseconds of the epoch
 * @param lives the life of each rank of the node, in order
 * @param resources what was asked for, and is known there
 * @param leftOut how many more are known there, for which there was no room
 */
public record NodeReport(long takenAt, List<Integer> lives, List<Resource> resources, int leftOut) {

  /** The most bytes that a report takes. */
  public static final int MAX_BYTES = 64 * 1024;

  private static final int FIXED_BYTES = 8 + 4 + 2 + 2;

  /**
   * A resource on that node.
   *
   * @param name its name
   * @param token of the last write that the node knows of
   * @param poisonedBy the rank that died in its write, or -1
   * @param permission what the node may do
   * @param record what is on record, if the node is the home: in words; or ""
   * @param uses who holds it, and who waits
   */
  public record Resource(
      String name,
      long token,
      int poisonedBy,
      Permission permission,
      String record,
      List<Use> uses) {

    private static final int FIXED_BYTES = 2 + 8 + 4 + 1 + 2 + 2;

    /** Copies the list. */
    public Resource {
      uses = List.copyOf(uses);
    }

    /**
     * How much room it takes in a report.
     *
     * @return bytes
     */
    public int bytes() {
      return FIXED_BYTES
          + Frames.bytes(name)
          + Frames.bytes(record)
          + uses.stream()
              .mapToInt(use -> Use.FIXED_BYTES + Frames.bytes(use.thread) + Frames.bytes(use.kept))
              .sum();
    }
  }

  /**
   * Threads of a rank that use a resource in the same way.
   *
   * @param rank who
   * @param holds whether they hold it, or wait
   * @param writes whether to write, or to read
   * @param threads how many
   * @param threadId the id of one of them, or 0
   * @param thread its name, or ""
   * @param since when that began at the latest, in milliseconds of the epoch; or 0
   * @param kept for what a write is kept whose body has ended, in words; or ""
   * @param atLeast whether it may have begun before that
   * @param ended whether that thread has ended while it held
   */
  public record Use(
      int rank,
      boolean holds,
      boolean writes,
      int threads,
      long threadId,
      String thread,
      long since,
      String kept,
      boolean atLeast,
      boolean ended) {

    private static final int FIXED_BYTES = 4 + 1 + 1 + 4 + 8 + 2 + 8 + 2 + 1 + 1;

    /**
     * One that is not kept, by a thread that lives.
     *
     * @param rank who
     * @param holds whether they hold it, or wait
     * @param writes whether to write, or to read
     * @param threads how many
     * @param threadId the id of one of them, or 0
     * @param thread its name, or ""
     * @param since when that began at the latest, in milliseconds of the epoch; or 0
     */
    public Use(
        int rank,
        boolean holds,
        boolean writes,
        int threads,
        long threadId,
        String thread,
        long since) {
      this(rank, holds, writes, threads, threadId, thread, since, "", false, false);
    }

    /**
     * The same, kept.
     *
     * @param kept for what, in words; or ""
     * @return the use
     */
    public Use kept(String kept) {
      return new Use(rank, holds, writes, threads, threadId, thread, since, kept, atLeast, ended);
    }

    /**
     * The same, begun at the latest then.
     *
     * @param on whether it may have begun before
     * @return the use
     */
    public Use atLeast(boolean on) {
      return new Use(rank, holds, writes, threads, threadId, thread, since, kept, on, ended);
    }

    /**
     * The same, by a thread that has ended.
     *
     * @param on whether it has
     * @return the use
     */
    public Use ended(boolean on) {
      return new Use(rank, holds, writes, threads, threadId, thread, since, kept, atLeast, on);
    }
  }

  /** Copies the lists. */
  public NodeReport {
    lives = List.copyOf(lives);
    resources = List.copyOf(resources);
  }

  /**
   * The same as far as there is room: with the first resources, and the others counted.
   *
   * @return a report of at most {@link #MAX_BYTES}
   */
  public NodeReport cut() {
    int bytes = FIXED_BYTES + lives.size();
    int kept = 0;
    while (kept < resources.size() && bytes + resources.get(kept).bytes() <= MAX_BYTES) {
      bytes += resources.get(kept).bytes();
      kept++;
    }
    return new NodeReport(
        takenAt, lives, resources.subList(0, kept), leftOut + resources.size() - kept);
  }

  /**
   * Writes it behind what a buffer has.
   *
   * @param frame with room for {@link #MAX_BYTES} more
   */
  public void encode(ByteBuffer frame) {
    frame.putLong(takenAt).putInt(leftOut).putShort((short) lives.size());
    lives.forEach(life -> frame.put(life.byteValue()));
    frame.putShort((short) resources.size());
    for (Resource resource : resources) {
      Frames.put(frame, resource.name)
          .putLong(resource.token)
          .putInt(resource.poisonedBy)
          .put(Frames.code(resource.permission));
      Frames.put(frame, resource.record).putShort((short) resource.uses.size());
      for (Use use : resource.uses) {
        frame
            .putInt(use.rank)
            .put(Frames.code(use.holds))
            .put(Frames.code(use.writes))
            .putInt(use.threads)
            .putLong(use.threadId);
        Frames.put(frame, use.thread).putLong(use.since);
        Frames.put(frame, use.kept).put(Frames.code(use.atLeast)).put(Frames.code(use.ended));
      }
    }
  }

  /**
   * Reads what {@link #encode} wrote.
   *
   * @param frame from its position on
   * @return the report
   * @throws MalformedException if it is none
   */
  public static NodeReport decode(ByteBuffer frame) throws MalformedException {
    try {
      int start = frame.position();
      long takenAt = frame.getLong();
      int leftOut = frame.getInt();
      List<Integer> lives = list(frame, 1, from -> (int) from.get());
      List<Resource> resources = list(frame, Resource.FIXED_BYTES, NodeReport::resource);
      if (frame.position() - start > MAX_BYTES) {
        throw new MalformedException("a report of " + (frame.position() - start) + " bytes");
      }
      return new NodeReport(takenAt, lives, resources, leftOut);
    } catch (BufferUnderflowException e) {
      throw new MalformedException("a report is cut off");
    }
  }

  private static Resource resource(ByteBuffer frame) throws MalformedException {
    String name = Frames.text(frame);
    long token = frame.getLong();
    int poisonedBy = frame.getInt();
    Permission permission = Frames.permission(frame);
    String record = Frames.text(frame);
    List<Use> uses = list(frame, Use.FIXED_BYTES, NodeReport::use);
    return new Resource(name, token, poisonedBy, permission, record, uses);
  }

  private static Use use(ByteBuffer frame) throws MalformedException {
    return new Use(
        frame.getInt(),
        Frames.flag(frame),
        Frames.flag(frame),
        frame.getInt(),
        frame.getLong(),
        Frames.text(frame),
        frame.getLong(),
        Frames.text(frame),
        Frames.flag(frame),
        Frames.flag(frame));
  }

  /** Reads one of several. */
  private interface Element<T> {
    T read(ByteBuffer frame) throws MalformedException;
  }

  /** Reads a number, and as many elements; makes room for no more of them than can follow. */
  private static <T> List<T> list(ByteBuffer frame, int leastBytes, Element<T> element)
      throws MalformedException {
    int count = Short.toUnsignedInt(frame.getShort());
    List<T> list = new ArrayList<>(Math.min(count, frame.remaining() / leastBytes));
    for (int i = 0; i < count; i++) {
      list.add(element.read(frame));
    }
    return list;
  }
}
