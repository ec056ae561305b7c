/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import io.mpilock.WindowController;
import io.mpilock.failure.MpilockException;
import io.mpilock.spring.LockTemplate;
import java.io.IOException;
import java.time.Duration;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Brings the figures of all ranks together. Collective, and bounded: that the ranks meet, that they
 * share the figures, and that a thread gives up which does not get on, takes no longer than is
 * said.
 *
 * <p>A single write has a time-out until its body begins, and none after that. So this is done on a
 * thread of its own, which is interrupted and left behind if it takes too long: the close of the
 * controller ends whatever it waits for.
 */
final class Gathering {
  private static final String RESOURCE = "mpilock.report";

  /** Of the time, the part that is kept for giving up. */
  private static final int GRACES = 20;

  private final WindowController controller;
  private final Duration grace;
  private final Duration rest;
  private final RankRecord mine;

  // Guarded by this object.
  private final SortedMap<Integer, RankRecord> ranks = new TreeMap<>();
  private final SortedMap<Integer, String> missing = new TreeMap<>();
  private String reason = "they did not tell them in time";

  private Gathering(WindowController controller, RankRecord mine, Duration time) {
    this.controller = controller;
    Duration part = time.dividedBy(GRACES);
    this.grace = part.compareTo(CallApart.GRACE) < 0 ? part : CallApart.GRACE;
    this.rest = time.minus(grace.multipliedBy(2));
    this.mine = mine;
    ranks.put(mine.rank(), mine);
  }

  /** Gathers, for a time at most. Every rank calls it, or closes. Does not throw. */
  static Gathered gather(WindowController controller, RankRecord mine, Duration time) {
    Gathering gathering = new Gathering(controller, mine, time);
    if (controller.size() > 1) {
      gathering.onAThreadOfItsOwn();
    }
    return gathering.result();
  }

  private void onAThreadOfItsOwn() {
    try {
      if (!CallApart.make(RESOURCE, rest, grace, this::exchange)) {
        stop("a rank stands still");
      }
    } catch (InterruptedException e) {
      stop("the thread that closes was interrupted");
      Thread.currentThread().interrupt();
    }
  }

  private void exchange() {
    long start = System.nanoTime();
    try {
      byte[] encoded = RankCodec.encode(mine);
      LockTemplate locks = LockTemplate.of(controller).on(RESOURCE);
      locks.withTimeout(rest).barrier();
      locks.withTimeout(rest.minusNanos(System.nanoTime() - start)).allGather(encoded, this::take);
    } catch (RuntimeException e) {
      stop(messageOf(e));
    }
  }

  /** What went wrong with one rank's figures does not end the others'. */
  private void take(byte[] encoded, int rank) {
    if (rank == mine.rank() || !controller.isMaster()) {
      return;
    }
    try {
      RankRecord record = RankCodec.decode(encoded);
      if (record.rank() != rank) {
        throw new IOException("figures of rank " + record.rank());
      }
      put(record);
    } catch (IOException | RuntimeException e) {
      leaveOut(rank, messageOf(e));
    }
  }

  private synchronized void put(RankRecord record) {
    ranks.put(record.rank(), record);
  }

  private synchronized void leaveOut(int rank, String why) {
    missing.put(rank, why);
  }

  private synchronized void stop(String why) {
    reason = why;
  }

  private synchronized Gathered result() {
    SortedMap<Integer, String> without = new TreeMap<>(missing);
    for (int rank = 0; rank < controller.size(); rank++) {
      if (!ranks.containsKey(rank)) {
        without.putIfAbsent(rank, reason);
      }
    }
    return new Gathered(new TreeMap<>(ranks), without);
  }

  private static String messageOf(Exception e) {
    String message = e.getMessage();
    String text = message == null ? e.toString() : message.lines().findFirst().orElse("");
    return e instanceof MpilockException ? text : e.getClass().getSimpleName() + ": " + text;
  }
}
