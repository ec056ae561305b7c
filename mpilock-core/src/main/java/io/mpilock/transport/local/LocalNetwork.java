/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.local;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What lies between the nodes of a local job. It hands a frame over on the sender's thread, unless
 * a test has disturbed it.
 *
 * <p>Everything here is guarded by this object, the lines too. No callback runs under that lock.
 */
final class LocalNetwork {
  private final Set<Integer> cut = new HashSet<>();
  private final Set<Integer> stalled = new HashSet<>();
  private final Set<Line> busy = new LinkedHashSet<>();
  private @Nullable Random random;
  private long longestDelay;

  /** One direction between two ranks, with the frames that are on the way, oldest first. */
  static final class Line {
    private final LocalMessenger from;
    private final LocalMessenger to;
    private final Deque<ByteBuffer> frames = new ArrayDeque<>();

    /**
     * How many of the frames have had their delay. They go oldest first whichever delay ended, so
     * the order is kept.
     */
    private int due;

    Line(LocalMessenger from, LocalMessenger to) {
      this.from = from;
      this.to = to;
    }

    /** Whether nobody is at the far end any more. */
    boolean hasEnded() {
      return to.isClosed();
    }

    private boolean leads(Set<Integer> nodes) {
      return from.node() != to.node() && (nodes.contains(from.node()) || nodes.contains(to.node()));
    }
  }

  void send(Line line, ByteBuffer frame) {
    long delay;
    synchronized (this) {
      line.frames.add(frame);
      busy.add(line);
      delay = random == null ? 0 : random.nextLong(longestDelay + 1);
    }
    if (delay == 0) {
      carry(line);
    } else {
      CompletableFuture.delayedExecutor(delay, TimeUnit.NANOSECONDS).execute(() -> carry(line));
    }
  }

  private void carry(Line line) {
    boolean passed;
    synchronized (this) {
      line.due++;
      passed = pass(line);
    }
    if (passed) {
      line.to.arrived();
    }
  }

  /** Hands over what is due on a line, and tells whether that was anything. */
  private boolean pass(Line line) {
    if (line.leads(stalled)) {
      return false;
    }
    boolean gone = line.leads(cut) || line.from.isClosed();
    boolean passed = false;
    for (; line.due > 0; line.due--) {
      ByteBuffer frame = line.frames.remove();
      if (!gone) {
        line.to.deliver(line.from.rank(), frame);
        passed = true;
      }
    }
    if (line.frames.isEmpty()) {
      busy.remove(line);
    }
    return passed;
  }

  /** Tells whether nothing that a rank has sent is still on the way. */
  synchronized boolean isFlushed(LocalMessenger from) {
    return busy.stream().noneMatch(line -> line.from == from);
  }

  synchronized void cut(int node) {
    cut.add(node);
  }

  synchronized void stall(int node) {
    stalled.add(node);
  }

  void resume(int node) {
    List<Line> passed;
    synchronized (this) {
      stalled.remove(node);
      passed = new ArrayList<>(busy);
      passed.removeIf(line -> !pass(line));
    }
    passed.forEach(line -> line.to.arrived());
  }

  synchronized void delay(long seed, long longestNanos) {
    random = new Random(seed);
    longestDelay = longestNanos;
  }
}
