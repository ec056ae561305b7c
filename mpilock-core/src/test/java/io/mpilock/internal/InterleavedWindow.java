/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal;

import io.mpilock.transport.NodeWindow;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

/**
 * Words on the heap that Lincheck can follow: atomics of the JDK and parking, no memory segment and
 * no timed wait.
 *
 * <p>A thread that waits without a limit sleeps until it is woken or interrupted, and for nothing
 * else: a lost wake-up is a deadlock, which Lincheck reports, and not a slice of 20 ms. For one
 * that waits for a time, the time passes as soon as it sleeps.
 */
class InterleavedWindow implements NodeWindow {
  private final AtomicLongArray words;
  private final List<Sleeper> sleepers; // guarded by itself
  private volatile boolean freed;

  private static final class Sleeper {
    private final Thread thread = Thread.currentThread();
    private final long index;
    private volatile boolean woken;

    Sleeper(long index) {
      this.index = index;
    }
  }

  InterleavedWindow(long words) {
    this.words = new AtomicLongArray(Math.toIntExact(words));
    this.sleepers = new ArrayList<>();
  }

  private InterleavedWindow(InterleavedWindow other) {
    this.words = other.words;
    this.sleepers = other.sleepers;
  }

  @Override
  public long words() {
    return words.length();
  }

  private int open(long index) {
    if (freed) {
      throw new IllegalStateException("the window is freed");
    }
    return (int) index;
  }

  @Override
  public long get(long index) {
    return words.get(open(index));
  }

  @Override
  public void set(long index, long value) {
    words.set(open(index), value);
  }

  @Override
  public void setRelease(long index, long value) {
    words.setRelease(open(index), value);
  }

  @Override
  public long getAndAdd(long index, long delta) {
    return words.getAndAdd(open(index), delta);
  }

  @Override
  public boolean compareAndSet(long index, long expected, long value) {
    return words.compareAndSet(open(index), expected, value);
  }

  /** A word for each byte would be too many: eight to a word, the last ones padded with zeroes. */
  @Override
  public void putBytes(long index, byte[] source, int offset, int length) {
    for (int done = 0; done < length; done += Long.BYTES) {
      long word = 0;
      for (int i = 0; i < Math.min(Long.BYTES, length - done); i++) {
        word |= (source[offset + done + i] & 0xFFL) << (Byte.SIZE * i);
      }
      words.setPlain(open(index + done / Long.BYTES), word);
    }
  }

  @Override
  public void getBytes(long index, byte[] target, int offset, int length) {
    for (int i = 0; i < length; i++) {
      long word = words.getPlain(open(index + i / Long.BYTES));
      target[offset + i] = (byte) (word >>> (Byte.SIZE * (i % Long.BYTES)));
    }
  }

  @Override
  public void sleepWhile(long index, int low32, long nanos) {
    if (InterleavedThread.letTimePass(nanos)) {
      return;
    }
    Sleeper sleeper = new Sleeper(index);
    synchronized (sleepers) {
      if ((int) get(index) != low32) {
        return;
      }
      sleepers.add(sleeper);
    }
    while (!sleeper.woken
        && !sleeper.thread.isInterrupted()
        && !InterleavedThread.letTimePass(nanos)) {
      LockSupport.park(this);
    }
    synchronized (sleepers) {
      sleepers.remove(sleeper);
    }
  }

  @Override
  public void wake(long index) {
    synchronized (sleepers) {
      for (Sleeper sleeper : sleepers) {
        if (sleeper.index == index) {
          sleeper.woken = true;
          LockSupport.unpark(sleeper.thread);
        }
      }
    }
  }

  @Override
  public InterleavedWindow view() {
    return new InterleavedWindow(this);
  }

  @Override
  public void free() {
    freed = true;
  }
}
