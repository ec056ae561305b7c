/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.rank.Directory;
import io.mpilock.internal.window.RankContext;
import io.mpilock.testing.Bounded;
import org.jspecify.annotations.Nullable;

/**
 * Resource names: refused, or read back from the window by another rank as they were; two names
 * never have one lock.
 */
public final class ResourceNameFuzz {
  private ResourceNameFuzz() {}

  /** Tries an input: two names, as UTF-16 so that there are unpaired surrogates. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    char[] raw = new char[input.length / 2];
    for (int i = 0; i < raw.length; i++) {
      raw[i] = (char) ((input[2 * i] << 8) | (input[2 * i + 1] & 0xFF));
    }
    String text = new String(raw);
    int cut = text.indexOf('\n');
    Bounded.run(
        200_000 + 32L * input.length,
        () -> name(text.substring(0, Math.max(cut, 0)), text.substring(cut + 1)));
  }

  private static void name(String one, String other) {
    RankContext[] ranks = HostileNode.fresh(2, 1, 0);
    Directory mine = new Directory(ranks[0]);
    Directory theirs = new Directory(ranks[1]);
    Long first = lockLine(mine, one);
    Long second = lockLine(mine, other);
    expect(theirs, one, first);
    expect(theirs, other, second);
    if (first != null && first.equals(second) != one.equals(other)) {
      throw new AssertionError("two names have one lock, or one has two");
    }
  }

  private static void expect(Directory theirs, String name, @Nullable Long lockLine) {
    if (lockLine != null
        && !(lockLine.equals(theirs.known(name)) && name.equals(theirs.name(lockLine)))) {
      throw new AssertionError("another rank reads another name");
    }
  }

  private static @Nullable Long lockLine(Directory directory, String name) {
    try {
      return directory.use(name);
    } catch (IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      if (message.length() > 600 || message.chars().anyMatch(Character::isISOControl)) {
        throw new AssertionError("an answer that cannot be read", e);
      }
      return null;
    }
  }
}
