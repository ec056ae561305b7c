/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.local;

import io.mpilock.transport.NodeWindow;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * One rank's view of words on the heap. The memory comes block by block as it is touched, so a
 * large window costs a laptop nothing.
 */
final class LocalWindow implements NodeWindow {
  private static final VarHandle WORDS = MethodHandles.arrayElementVarHandle(long[].class);
  private static final int BLOCK_BITS = 13;
  private static final int BLOCK_WORDS = 1 << BLOCK_BITS;

  private volatile @Nullable Memory memory;
  private final long words;

  private final LocalProcess process;

  /** A handle of a process, which takes it away when it dies. */
  LocalWindow(Memory memory, LocalProcess process) {
    this.memory = memory;
    this.words = memory.words;
    this.process = process;
    process.opened(this);
  }

  @Override
  public NodeWindow view() {
    return new LocalWindow(open(), process);
  }

  @Override
  public long words() {
    return words;
  }

  @Override
  public long get(long index) {
    return (long) WORDS.getVolatile(block(index), at(index));
  }

  @Override
  public void set(long index, long value) {
    WORDS.setVolatile(block(index), at(index), value);
  }

  @Override
  public void setRelease(long index, long value) {
    WORDS.setRelease(block(index), at(index), value);
  }

  @Override
  public long getAndAdd(long index, long delta) {
    return (long) WORDS.getAndAdd(block(index), at(index), delta);
  }

  @Override
  public boolean compareAndSet(long index, long expected, long value) {
    return WORDS.compareAndSet(block(index), at(index), expected, value);
  }

  @Override
  public void putBytes(long index, byte[] source, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, source.length);
    ByteBuffer bytes = ByteBuffer.wrap(source).order(ByteOrder.nativeOrder());
    int whole = length / Long.BYTES;
    for (int i = 0; i < whole; i++) {
      WORDS.set(block(index + i), at(index + i), bytes.getLong(offset + i * Long.BYTES));
    }
    if (whole * Long.BYTES < length) {
      byte[] rest = new byte[Long.BYTES];
      System.arraycopy(source, offset + whole * Long.BYTES, rest, 0, length - whole * Long.BYTES);
      long last = ByteBuffer.wrap(rest).order(ByteOrder.nativeOrder()).getLong();
      WORDS.set(block(index + whole), at(index + whole), last);
    }
  }

  @Override
  public void getBytes(long index, byte[] target, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, target.length);
    ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
    for (int done = 0; done < length; done += Long.BYTES) {
      long at = index + done / Long.BYTES;
      word.putLong(0, (long) WORDS.get(block(at), at(at)));
      word.get(0, target, offset + done, Math.min(Long.BYTES, length - done));
    }
  }

  @Override
  public void sleepWhile(long index, int low32, long nanos) {
    Memory mine = open();
    Object bed = mine.bed(index);
    boolean interrupted = false;
    synchronized (bed) {
      if ((int) get(index) == low32) {
        try {
          TimeUnit.NANOSECONDS.timedWait(bed, Math.max(1, nanos));
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void wake(long index) {
    Object bed = open().bed(Objects.checkIndex(index, words));
    synchronized (bed) {
      bed.notifyAll();
    }
  }

  @Override
  public void free() {
    Memory mine = memory;
    memory = null;
    if (mine != null) {
      mine.wakeAll(); // a sleeper of this rank looks at the memory again, and finds none
    }
  }

  private long[] block(long index) {
    return open().block(Objects.checkIndex(index, words));
  }

  private static int at(long index) {
    return (int) index & (BLOCK_WORDS - 1);
  }

  private Memory open() {
    Memory mine = memory;
    if (mine == null) {
      throw new IllegalStateException("the window is freed");
    }
    return mine;
  }

  /** The words themselves, one for all ranks. */
  static final class Memory {
    private final long words;
    private final AtomicReferenceArray<long @Nullable []> blocks;
    private final Object[] beds = new Object[64];

    Memory(long words) {
      this.words = words;
      this.blocks =
          new AtomicReferenceArray<>(Math.toIntExact((words + BLOCK_WORDS - 1) / BLOCK_WORDS));
      for (int i = 0; i < beds.length; i++) {
        beds[i] = new Object();
      }
    }

    private long[] block(long index) {
      int number = (int) (index >>> BLOCK_BITS);
      long[] block = blocks.get(number);
      if (block == null) {
        blocks.compareAndSet(number, null, new long[BLOCK_WORDS]);
        block = Objects.requireNonNull(blocks.get(number));
      }
      return block;
    }

    private void wakeAll() {
      for (Object bed : beds) {
        synchronized (bed) {
          bed.notifyAll();
        }
      }
    }

    private Object bed(long index) {
      return beds[(int) index & (beds.length - 1)];
    }
  }
}
