/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The ranks of a communicator. Its name and the number of a collective call on it name that call on
 * all ranks alike, because they make them in the same order.
 */
final class MpjGroup {
  private final String name;
  private final int rank;
  private final int[] worldRanks;
  private final AtomicInteger calls = new AtomicInteger();

  /** Wraps the ranks; the array is not copied, nor changed. */
  MpjGroup(String name, int rank, int[] worldRanks) {
    this.name = name;
    this.rank = rank;
    this.worldRanks = worldRanks;
  }

  int rank() {
    return rank;
  }

  int size() {
    return worldRanks.length;
  }

  int worldRank(int member) {
    return worldRanks[member];
  }

  int[] worldRanks() {
    return worldRanks;
  }

  /** The place of a rank of the world here, or -1. */
  int placeOf(int worldRank) {
    return Arrays.stream(worldRanks).boxed().toList().indexOf(worldRank);
  }

  String name() {
    return name;
  }

  /** How many collective calls this rank has made. */
  int calls() {
    return calls.get();
  }

  /** Counts a collective call. */
  String nextCall(String kind) {
    return call(kind, calls.incrementAndGet());
  }

  /** The name of a collective call. */
  String call(String kind, int number) {
    return name + "/" + kind + number;
  }

  /** Counts a collective call that was made without {@link #nextCall}. */
  void made(int number) {
    calls.set(number);
  }
}
