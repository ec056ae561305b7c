/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.internal.node.NodeLock;
import io.mpilock.internal.window.Layout;
import io.mpilock.internal.window.RankContext;
import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.ffm.OffHeapWords;
import io.mpilock.transport.local.LocalCluster;
import io.mpilock.transport.mpj.MappedWords;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What one run of a stress test uses of a window: the header, the slots of two ranks, the beginning
 * of each chunk of the ring, and pieces of the waits, the changes and the directory, close together
 * in one large window of the JVM. Only the index is changed; the accesses are those of the real
 * window, of the kind that the system property {@code mpilock.stress.words} names: local, native or
 * mapped.
 */
class Slice implements NodeWindow {
  static final int RANKS = 2;

  private static final long RING = Layout.slot(RANKS);
  private static final long CHUNK_PART = 2 * Layout.LINE;
  private static final long RING_END = RING + (long) Layout.RING_CHUNKS * Layout.CHUNK_WORDS;
  private static final long SHORT_RING_END = RING + Layout.RING_CHUNKS * CHUNK_PART;
  private static final long WAITS = Layout.waits(RANKS, RANKS);
  private static final long WAITS_OF_ONE = Layout.wait(1, RANKS, RANKS, 0) - WAITS;

  /** One thread of a rank waits at most; one that does so for long is shown. */
  private static final long WAITS_PART = Layout.wait(0, RANKS, RANKS, 1) - WAITS;

  private static final long CHANGES = Layout.change(RANKS, RANKS, 0);
  private static final long CHANGES_PART = Layout.LINE;
  private static final long DIRECTORY = Layout.directory(RANKS, RANKS);
  private static final long ENTRY = Layout.entryWords(Long.BYTES, RANKS);
  private static final long SHORT_WAITS_END = SHORT_RING_END + RANKS * WAITS_PART;
  private static final long SHORT_CHANGES_END = SHORT_WAITS_END + CHANGES_PART;
  private static final long WORDS = SHORT_CHANGES_END + 2 * ENTRY;

  /** More than runs are alive at one time; see the strides in InterleavingStressTest. */
  private static final int SLICES = 8192;

  private static final NodeWindow WINDOW = window(SLICES * WORDS);
  private static final AtomicInteger NEXT = new AtomicInteger();

  private final long base = Math.floorMod(NEXT.getAndIncrement(), SLICES) * WORDS;

  private static NodeWindow window(long words) {
    String kind = System.getProperty("mpilock.stress.words", "local");
    return switch (kind) {
      case "local" -> new LocalCluster(1).world(0).allocate(words);
      case "native" -> OffHeapWords.of(words);
      case "mapped" -> {
        try {
          yield MappedWords.of(words);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
      default -> throw new IllegalArgumentException(kind);
    };
  }

  /** Takes a part and clears it, as a new window is. */
  Slice() {
    for (long i = base; i < base + WORDS; i++) {
      WINDOW.setRelease(i, 0);
    }
    WINDOW.setRelease(at(Layout.DIRECTORY_END), DIRECTORY);
    for (int rank = 0; rank < RANKS; rank++) {
      WINDOW.set(at(Layout.slot(rank) + Layout.LIFE), RankContext.OPEN);
    }
  }

  /** The lock line of a resource that needs no name. */
  static long lockLine() {
    return DIRECTORY;
  }

  private long at(long index) {
    if (index < RING) {
      return base + index;
    }
    if (index < RING_END) {
      long chunk = (index - RING) / Layout.CHUNK_WORDS;
      long word = (index - RING) % Layout.CHUNK_WORDS;
      if (word >= CHUNK_PART) {
        throw new IllegalStateException("word " + word + " of a chunk");
      }
      return base + RING + chunk * CHUNK_PART + word;
    }
    if (index >= WAITS && index < CHANGES) {
      long rank = (index - WAITS) / WAITS_OF_ONE;
      long word = (index - WAITS) % WAITS_OF_ONE;
      boolean isThere = rank < RANKS && word < WAITS_PART;
      return isThere ? base + SHORT_RING_END + rank * WAITS_PART + word : base; // 0, as unused
    }
    if (index >= CHANGES && index < CHANGES + CHANGES_PART) {
      return base + SHORT_WAITS_END + index - CHANGES;
    }
    if (index < DIRECTORY) {
      throw new IllegalStateException("word " + index);
    }
    return base + SHORT_CHANGES_END + index - DIRECTORY;
  }

  @Override
  public long words() {
    return DIRECTORY + 2 * ENTRY;
  }

  @Override
  public long get(long index) {
    return WINDOW.get(at(index));
  }

  @Override
  public void set(long index, long value) {
    WINDOW.set(at(index), value);
  }

  @Override
  public void setRelease(long index, long value) {
    WINDOW.setRelease(at(index), value);
  }

  @Override
  public long getAndAdd(long index, long delta) {
    return WINDOW.getAndAdd(at(index), delta);
  }

  @Override
  public boolean compareAndSet(long index, long expected, long value) {
    return WINDOW.compareAndSet(at(index), expected, value);
  }

  @Override
  public void putBytes(long index, byte[] source, int offset, int length) {
    WINDOW.putBytes(at(index), source, offset, length);
  }

  @Override
  public void getBytes(long index, byte[] target, int offset, int length) {
    WINDOW.getBytes(at(index), target, offset, length);
  }

  @Override
  public void sleepWhile(long index, int low32, long nanos) {
    WINDOW.sleepWhile(at(index), low32, nanos);
  }

  @Override
  public void wake(long index) {
    WINDOW.wake(at(index));
  }

  @Override
  public NodeWindow view() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void free() {}

  /** Two ranks of one node over this part. */
  final RankContext node(int rank) {
    return new RankContext(
        new StressRank(rank),
        this,
        StressRank.SETTINGS,
        new RankContext.Pace(50, 1_000_000, System::nanoTime));
  }

  final NodeLock lock(int rank) {
    return new NodeLock(node(rank), lockLine(), rank);
  }
}
