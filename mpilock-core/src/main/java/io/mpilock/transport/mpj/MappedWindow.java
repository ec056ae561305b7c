/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.WindowFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Words in a file that the ranks of a node map. The mapping belongs to an arena of its own, which
 * is closed with the last view of it: that unmaps it, and ends every access that is still going on
 * with an exception.
 *
 * <p>Plain Java has no futex: a sleeper looks at the word again and again, the less often the
 * longer it has waited. A sleeper of the process that wakes it is woken at once.
 */
final class MappedWindow implements NodeWindow {
  private static final VarHandle WORD = JAVA_LONG.varHandle();

  private static final long SHORTEST_NAP_NANOS = 50_000;
  private static final long LONGEST_NAP_NANOS = 2_000_000;

  // Who sleeps for long, as a node's agent without work, naps for longer.
  private static final int LONG_NAP_SHARE = 1_000;
  private static final long LONGEST_LONG_NAP_NANOS = 20_000_000;

  /** A nap is at most this part of the wait so far, so that it adds little to it. */
  private static final int NAP_SHARE = 16;

  /** Sleeps on the same value with a shorter time between them are one wait. */
  private static final long SAME_WAIT_NANOS = 50_000_000;

  private final ThreadLocal<Wait> waits = ThreadLocal.withInitial(Wait::new);
  private final long words;

  /** Null once this view is freed. */
  private volatile @Nullable Mapping mapping;

  /** What the views of this process have in common. */
  private static final class Mapping {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment segment;
    private final Set<Sleeper> sleepers = ConcurrentHashMap.newKeySet();

    /** Guarded by this. */
    private int views;

    Mapping(String path, long bytes) throws IOException {
      try (FileChannel file = WindowFile.open(path, bytes)) {
        segment = file.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
      } catch (IOException | RuntimeException e) {
        arena.close();
        throw e;
      }
    }

    synchronized Mapping share() {
      if (!arena.scope().isAlive()) {
        throw freed();
      }
      views++;
      return this;
    }

    synchronized void release() {
      if (--views == 0) {
        arena.close();
      }
    }
  }

  private record Sleeper(Thread thread, long index) {}

  /** A thread's wait, which may take many calls. */
  private static final class Wait {
    private long index = -1;
    private int value;
    private long since;
    private long until;

    void goOn(long index, int value, long now) {
      if (this.index != index || this.value != value || now - until > SAME_WAIT_NANOS) {
        this.index = index;
        this.value = value;
        since = now;
      }
    }
  }

  MappedWindow(String path, long words) throws IOException {
    this(new Mapping(path, words * Long.BYTES), words);
  }

  private MappedWindow(Mapping mapping, long words) {
    this.words = words;
    this.mapping = mapping.share();
  }

  @Override
  public NodeWindow view() {
    return new MappedWindow(mapping(), words);
  }

  @Override
  public long words() {
    return words;
  }

  @Override
  public long get(long index) {
    return (long) WORD.getVolatile(segment(), offset(index));
  }

  @Override
  public void set(long index, long value) {
    WORD.setVolatile(segment(), offset(index), value);
  }

  @Override
  public void setRelease(long index, long value) {
    WORD.setRelease(segment(), offset(index), value);
  }

  @Override
  public long getAndAdd(long index, long delta) {
    return (long) WORD.getAndAdd(segment(), offset(index), delta);
  }

  @Override
  public boolean compareAndSet(long index, long expected, long value) {
    return WORD.compareAndSet(segment(), offset(index), expected, value);
  }

  @Override
  public void putBytes(long index, byte[] source, int offset, int length) {
    MemorySegment.copy(source, offset, segment(), JAVA_BYTE, offset(index), length);
  }

  @Override
  public void getBytes(long index, byte[] target, int offset, int length) {
    MemorySegment.copy(segment(), JAVA_BYTE, offset(index), target, offset, length);
  }

  @Override
  public void sleepWhile(long index, int low32, long nanos) {
    Thread self = Thread.currentThread();
    long start = System.nanoTime();
    long now = start;
    Wait wait = waits.get();
    wait.goOn(index, low32, now);
    Sleeper sleeper = new Sleeper(self, index);
    Set<Sleeper> sleepers = mapping().sleepers;
    sleepers.add(sleeper); // before the word is looked at: a wake after its change finds it
    try {
      while ((int) get(index) == low32 && now - start < nanos && !self.isInterrupted()) {
        long nap =
            Math.clamp(
                (now - wait.since) / NAP_SHARE,
                SHORTEST_NAP_NANOS,
                Math.clamp(
                    (now - wait.since) / LONG_NAP_SHARE,
                    LONGEST_NAP_NANOS,
                    LONGEST_LONG_NAP_NANOS));
        LockSupport.parkNanos(this, Math.min(nap, nanos - (now - start)));
        now = System.nanoTime();
      }
    } finally {
      sleepers.remove(sleeper);
      wait.until = now;
    }
  }

  @Override
  public void wake(long index) {
    long _ = get(index); // is there such a word?
    for (Sleeper sleeper : mapping().sleepers) {
      if (sleeper.index == index) {
        LockSupport.unpark(sleeper.thread);
      }
    }
  }

  @Override
  public synchronized void free() {
    Mapping mine = mapping;
    mapping = null;
    if (mine != null) {
      mine.release();
    }
  }

  private Mapping mapping() {
    Mapping mine = mapping;
    if (mine == null) {
      throw freed();
    }
    return mine;
  }

  private static IllegalStateException freed() {
    return new IllegalStateException("the window is freed");
  }

  private MemorySegment segment() {
    return mapping().segment;
  }

  private long offset(long index) {
    return Objects.checkIndex(index, words) * Long.BYTES; // or a large index would wrap around
  }
}
