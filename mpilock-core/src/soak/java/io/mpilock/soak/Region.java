/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The part of the shared file that one resource guards. The file system knows nothing of the locks,
 * and a mapping and a channel see the same bytes of a local file.
 *
 * <pre>
 *   page 0       COUNTER | COMPLETED | BUSY        bytes 0, 8, 16
 *   page 1 ...   TAG | TOKEN | AUTHOR | NONCE | filling from NONCE | SUM
 *
 *   COUNTER      how many writes there were; read, and one more written back, not atomically
 *   COMPLETED    the token of the last write that has ended
 *   BUSY         who is writing: rank + 1 and thread; 0 nobody
 *   TAG          this resource and page
 *   TOKEN        the token of the write that wrote the page
 *   AUTHOR       its rank + 1 and thread
 *   NONCE        a random number, the same on all pages of one write
 *   SUM          CRC-32C of the page before it
 * </pre>
 */
final class Region {
  static final int PAGE_BYTES = 4096;
  static final int COUNTER = 0;
  static final int COMPLETED = 8;
  static final int BUSY = 16;
  static final int TAG = 0;
  static final int TOKEN = 8;
  static final int AUTHOR = 16;
  static final int NONCE = 24;
  static final int FILLING = 32;
  static final int SUM = PAGE_BYTES - Long.BYTES;

  private final int number;
  private final int pages;
  private final long position;
  private final FileChannel channel;
  private final ByteBuffer map;

  private Region(int number, long position, int pages, FileChannel channel, ByteBuffer map) {
    this.number = number;
    this.position = position;
    this.pages = pages;
    this.channel = channel;
    this.map = map;
  }

  /** Maps the regions of a file, of different sizes. */
  static Region[] open(Path file, int count) throws IOException {
    Region[] regions = new Region[count];
    FileChannel channel = // open until the process ends
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    long bytes = 0;
    for (int number = 0; number < count; number++) {
      bytes += (long) pagesOf(number) * PAGE_BYTES;
    }
    MappedByteBuffer map = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes);
    int position = 0;
    for (int number = 0; number < count; number++) {
      int length = pagesOf(number) * PAGE_BYTES;
      regions[number] =
          new Region(number, position, pagesOf(number), channel, map.slice(position, length));
      position += length;
    }
    return regions;
  }

  /** From 2 pages to 17, in no order. */
  private static int pagesOf(int number) {
    return 2 + number * 7 % 16;
  }

  static int longest() {
    return 17 * PAGE_BYTES;
  }

  int number() {
    return number;
  }

  int pages() {
    return pages;
  }

  int tag(int page) {
    return number << 16 | page;
  }

  /** Copies all pages, by the mapping or through the channel. */
  void read(ByteBuffer image, boolean mapped) throws IOException {
    image.clear().limit(pages * PAGE_BYTES);
    if (mapped) {
      image.put(0, map, 0, pages * PAGE_BYTES);
      return;
    }
    while (image.hasRemaining()) {
      if (channel.read(image, position + image.position()) < 0) {
        throw new IOException("the shared file ends early");
      }
    }
  }

  void write(int page, ByteBuffer content, boolean mapped) throws IOException {
    content.clear();
    int at = page * PAGE_BYTES;
    if (mapped) {
      map.put(at, content, 0, PAGE_BYTES);
      return;
    }
    while (content.hasRemaining()) {
      int _ = channel.write(content, position + at + content.position());
    }
  }

  long get(int offset) {
    return map.getLong(offset);
  }

  void set(int offset, long value) {
    map.putLong(offset, value);
  }
}
