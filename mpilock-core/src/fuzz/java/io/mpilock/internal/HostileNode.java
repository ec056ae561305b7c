/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.window.CoreSettings;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.testing.BareCommunicator;
import io.mpilock.transport.Member;
import io.mpilock.transport.NodeWindow;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * One node of a job, of which the fuzz targets write the words and the frames. One thread runs it;
 * its clock goes on by a millisecond at each look. There is one at a time, since they share memory.
 */
final class HostileNode implements BareCommunicator {
  static final int WORDS = 122_000;

  /** Kept, so that the level stays: what is dropped is logged, thousands of times a second. */
  private static final Logger LOG = Logger.getLogger("io.mpilock");

  private static final int BLOCK_BITS = 9;

  private static final long[] MEMORY = new long[WORDS];

  /** Which blocks of the memory have been written since it was cleared. */
  private static final boolean[] WRITTEN = new boolean[(WORDS >> BLOCK_BITS) + 1];

  static {
    LOG.setLevel(Level.OFF);
  }

  private final int here;
  private final int elsewhere;
  private final int rank;
  private long clock = 1;

  private HostileNode(int here, int elsewhere, int rank) {
    this.here = here;
    this.elsewhere = elsewhere;
    this.rank = rank;
  }

  /**
   * Clears the memory and gives the ranks of node 0.
   *
   * @param ranks how many node 0 has
   * @param elsewhere how many other nodes there are, each of one rank
   */
  static RankContext[] fresh(int ranks, int elsewhere, int master) {
    for (int block = 0; block < WRITTEN.length; block++) {
      if (WRITTEN[block]) {
        int first = block << BLOCK_BITS;
        Arrays.fill(MEMORY, first, Math.min(WORDS, first + (1 << BLOCK_BITS)), 0);
        WRITTEN[block] = false;
      }
    }
    RankContext[] nodes = new RankContext[ranks];
    for (int rank = 0; rank < ranks; rank++) {
      HostileNode own = new HostileNode(ranks, elsewhere, rank);
      CoreSettings settings =
          new CoreSettings(
              master,
              false,
              Set.of(),
              0,
              false,
              true,
              Duration.ofDays(1),
              Duration.ofSeconds(30),
              Duration.ofDays(1),
              1,
              (value, out) -> {},
              in -> in.readAllBytes(),
              (resource, report) -> {});
      nodes[rank] =
          new RankContext(
              own,
              own.new Words(),
              settings,
              new RankContext.Pace(0, 0, () -> own.clock += 1_000_000));
    }
    RankContext first = nodes[0];
    for (int member = 0; member < first.members(); member++) {
      first.life(member, RankContext.OPEN);
    }
    first.window().set(Layout.DIRECTORY_END, Layout.directory(first.members(), first.jobSize()));
    return nodes;
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return here + elsewhere;
  }

  @Override
  public Member member(int rank) {
    Objects.checkIndex(rank, size());
    return new Member(rank, Math.max(0, rank - here + 1), "host", 1);
  }

  @Override
  public void lost(int rank) {
    Objects.checkIndex(rank, size());
  }

  @Override
  public void abort(int status) {}

  private final class Words implements NodeWindow {
    @Override
    public long words() {
      return WORDS;
    }

    private int at(long index) {
      return (int) Objects.checkIndex(index, WORDS);
    }

    @Override
    public long get(long index) {
      return MEMORY[at(index)];
    }

    @Override
    public void set(long index, long value) {
      MEMORY[at(index)] = value;
      WRITTEN[(int) index >> BLOCK_BITS] = true;
    }

    @Override
    public void setRelease(long index, long value) {
      set(index, value);
    }

    @Override
    public long getAndAdd(long index, long delta) {
      long before = get(index);
      set(index, before + delta);
      return before;
    }

    @Override
    public boolean compareAndSet(long index, long expected, long value) {
      boolean same = get(index) == expected;
      if (same) {
        set(index, value);
      }
      return same;
    }

    @Override
    public void putBytes(long index, byte[] source, int offset, int length) {
      ByteBuffer padded = ByteBuffer.allocate((length + 7) / 8 * 8).order(ByteOrder.nativeOrder());
      padded.put(0, source, offset, length);
      padded.asLongBuffer().get(MEMORY, at(index), padded.capacity() / 8);
      int last = (int) index + padded.capacity() / 8;
      for (int block = (int) index >> BLOCK_BITS; block <= last >> BLOCK_BITS; block++) {
        WRITTEN[block] = true;
      }
    }

    @Override
    public void getBytes(long index, byte[] target, int offset, int length) {
      ByteBuffer padded = ByteBuffer.allocate((length + 7) / 8 * 8).order(ByteOrder.nativeOrder());
      padded.asLongBuffer().put(MEMORY, at(index), padded.capacity() / 8);
      padded.get(0, target, offset, length);
    }

    @Override
    public void sleepWhile(long index, int low32, long nanos) {
      clock += Math.clamp(nanos, 1, 1_000_000_000);
    }

    @Override
    public void wake(long index) {}

    @Override
    public NodeWindow view() {
      return this;
    }

    @Override
    public void free() {}
  }
}
