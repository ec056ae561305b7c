/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job.model;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The states that were seen, by 127 bits of a hash of each. Two states with the same hash would be
 * taken for one, and what follows the second might be missed. With n states the probability that
 * there is such a pair is below n² / 2^128: for a thousand million states 3e-21.
 */
final class Fingerprints {
  static final int NEW = 0;
  static final int ON_PATH = 1;
  static final int DONE = 2;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long MIX_ONE = 0x9E3779B97F4A7C15L; // the golden ratio's bits
  private static final long MIX_OTHER = 0xC2B2AE3D27D4EB4FL; // a large odd number, from xxHash

  /** Two words for each: the first half, 0 if there is none; the second, and the colour. */
  private long[] slots = new long[1 << 21];

  private long size;

  static long one(byte[] state) {
    return hash(state, MIX_ONE);
  }

  /** Its last bit is 0: the colour's place. */
  static long other(byte[] state) {
    return hash(state, MIX_OTHER) & ~1;
  }

  /** Multiplies to 128 bits and folds, word by word, with another number for each word. */
  private static long hash(byte[] state, long mix) {
    long hash = mix;
    for (int at = 0; at < state.length; at += Long.BYTES) {
      long word = (long) LONGS.get(state, at);
      long factor = hash ^ word ^ (mix * (at + 1));
      hash = fold(factor, mix + at * 2L) ^ (Long.rotateLeft(word, 29) + hash);
    }
    return fold(hash ^ mix, (MIX_OTHER ^ Long.rotateLeft(mix, 32)) | 1);
  }

  private static long fold(long one, long other) {
    return (one * other) ^ Math.unsignedMultiplyHigh(one, other);
  }

  long size() {
    return size;
  }

  /** Puts a state on the path if it is new; tells where it was before. */
  int enter(long one, long other) {
    int at = find(one, other);
    if (slots[at] == 0) {
      slots[at] = one == 0 ? 1 : one;
      slots[at + 1] = other;
      size++;
      if (3 * size > slots.length) { // two thirds of the places
        grow();
      }
      return NEW;
    }
    return (slots[at + 1] & 1) == 0 ? ON_PATH : DONE;
  }

  /** All that follows the state has been seen. */
  void leave(long one, long other) {
    slots[find(one, other) + 1] = other | 1;
  }

  private int find(long first, long other) {
    long one = first == 0 ? 1 : first;
    int mask = slots.length - 2;
    int at = ((int) (one >>> 20) * 2) & mask;
    while (slots[at] != 0 && (slots[at] != one || (slots[at + 1] & ~1) != other)) {
      at = (at + 2) & mask;
    }
    return at;
  }

  private void grow() {
    long[] old = slots;
    slots = new long[2 * old.length];
    for (int at = 0; at < old.length; at += 2) {
      if (old[at] != 0) {
        int place = find(old[at], old[at + 1] & ~1);
        slots[place] = old[at];
        slots[place + 1] = old[at + 1];
      }
    }
  }
}
