/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32C;

/**
 * One thread's hand on the shared file. What it writes says whose it is, and what it reads it
 * checks to the last byte: all pages from one write, and that write the one which the lease's token
 * names.
 */
final class Hand {
  private final int rank;
  private final int thread;
  private final byte[] imageBytes = new byte[Region.longest()];
  private final ByteBuffer image = ByteBuffer.wrap(imageBytes);
  private final byte[] pageBytes = new byte[Region.PAGE_BYTES];
  private final ByteBuffer page = ByteBuffer.wrap(pageBytes);
  private final CRC32C sum = new CRC32C();

  Hand(int rank, int thread) {
    this.rank = rank;
    this.thread = thread;
  }

  /** Makes a region that is as after the write of a token. Nobody else may be looking. */
  void format(Region region, long token) {
    try {
      writePages(region, token, 0, new SplittableRandom(token));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    region.set(Region.COUNTER, token);
    region.set(Region.COMPLETED, token);
    region.set(Region.BUSY, 0);
  }

  /** Under a write: looks at what the write before left, and overwrites all of it. */
  void overwrite(Region region, long token, SplittableRandom random) {
    check(region, token - 1, random);
    long counter = region.get(Region.COUNTER);
    region.set(Region.BUSY, author());
    long nonce = random.nextLong();
    try {
      writePages(region, token, nonce, random);
      dawdle(random);
      region.read(image, random.nextBoolean());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    checkControl(region, Region.COUNTER, "the counter", counter);
    checkControl(region, Region.COMPLETED, "the last token", token - 1);
    checkControl(region, Region.BUSY, "who is writing", author());
    checkPages(region, token);
    if (image.getLong(Region.PAGE_BYTES + Region.NONCE) != nonce) {
      throw new Violation(
          "under the write with token %d, %s was overwritten; page 1 is %s"
              .formatted(token, name(region), describe(1)));
    }
    region.set(Region.COUNTER, counter + 1);
    region.set(Region.COMPLETED, token);
    region.set(Region.BUSY, 0);
  }

  /** Under a read or a write: all is as the write with this token left it. */
  void check(Region region, long token, SplittableRandom random) {
    copy(region, random);
    checkCopy(region, token);
  }

  /** Copies a region, for a read without a lock. */
  void copy(Region region, SplittableRandom random) {
    try {
      region.read(image, random.nextBoolean());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Looks at what was copied last. */
  void checkCopy(Region region, long token) {
    checkControl(region, Region.BUSY, "who is writing", 0);
    checkControl(region, Region.COUNTER, "the counter", token);
    checkControl(region, Region.COMPLETED, "the last token", token);
    checkPages(region, token);
  }

  private void checkControl(Region region, int offset, String what, long expected) {
    long read = image.getLong(offset);
    if (read != expected) {
      boolean people = offset == Region.BUSY;
      throw new Violation(
          "in %s, %s is read as %s, expected %s; page 1 is %s"
              .formatted(
                  name(region),
                  what,
                  people ? who(read) : read,
                  people ? who(expected) : expected,
                  describe(1)));
    }
  }

  private void checkPages(Region region, long token) {
    long nonce = image.getLong(Region.PAGE_BYTES + Region.NONCE);
    for (int i = 1; i < region.pages(); i++) {
      int at = i * Region.PAGE_BYTES;
      if (image.getLong(at + Region.TOKEN) != token
          || image.getLong(at + Region.NONCE) != nonce
          || image.getLong(at + Region.TAG) != region.tag(i)
          || image.getLong(at + Region.SUM) != sumOf(imageBytes, at)) {
        throw new Violation(
            "page %d of %s is read as %s, expected token %d, as on page 1 (%s)"
                .formatted(i, name(region), describe(i), token, describe(1)));
      }
    }
  }

  private String describe(int number) {
    int at = number * Region.PAGE_BYTES;
    return "token %d of %s, nonce %x, checksum %s"
        .formatted(
            image.getLong(at + Region.TOKEN),
            who(image.getLong(at + Region.AUTHOR)),
            image.getLong(at + Region.NONCE),
            image.getLong(at + Region.SUM) == sumOf(imageBytes, at) ? "right" : "wrong");
  }

  private void writePages(Region region, long token, long nonce, SplittableRandom random)
      throws IOException {
    boolean mapped = random.nextBoolean();
    SplittableRandom filling = new SplittableRandom(nonce);
    for (int i = 1; i < region.pages(); i++) {
      page.putLong(Region.TAG, region.tag(i));
      page.putLong(Region.TOKEN, token);
      page.putLong(Region.AUTHOR, author());
      page.putLong(Region.NONCE, nonce);
      for (int at = Region.FILLING; at < Region.SUM; at += Long.BYTES) {
        page.putLong(at, filling.nextLong());
      }
      page.putLong(Region.SUM, sumOf(pageBytes, 0));
      region.write(i, page, mapped);
      if (random.nextInt(16) == 0) {
        dawdle(random);
      }
    }
  }

  /** Gives another thread time to do what it must not. */
  @SuppressWarnings("ThreadPriorityCheck") // it makes interleavings, nothing relies on it
  static void dawdle(SplittableRandom random) {
    switch (random.nextInt(16)) {
      case 0 -> LockSupport.parkNanos(random.nextInt(200_000));
      case 1, 2 -> Thread.yield();
      default -> Thread.onSpinWait();
    }
  }

  private long sumOf(byte[] bytes, int at) {
    sum.reset();
    sum.update(bytes, at, Region.SUM);
    return sum.getValue();
  }

  private long author() {
    return (rank + 1L) << 32 | thread;
  }

  private static String who(long author) {
    return author == 0
        ? "nobody"
        : "rank %d, thread %d".formatted((author >>> 32) - 1, (int) author);
  }

  static String name(Region region) {
    return "resource r" + region.number();
  }
}
