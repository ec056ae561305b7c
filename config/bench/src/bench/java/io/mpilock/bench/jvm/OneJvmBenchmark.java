/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench.jvm;

import io.mpilock.ControllerOptions;
import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Enter and exit of a free lock by one thread of one JVM: the forms of mpilock, over the local
 * transport, beside the locks of the JDK and what the machine can do at best.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class OneJvmBenchmark {
  private static final Duration LONG = Duration.ofMinutes(1);

  private final WindowController controller =
      WindowController.syncOwning(new LocalCluster(1).world(0), ControllerOptions.defaults());
  private final ResourceLock lock = controller.resource("measured");
  private final ReentrantReadWriteLock reentrant = new ReentrantReadWriteLock();
  private final ReentrantReadWriteLock reentrantHeld = new ReentrantReadWriteLock();
  private final StampedLock stamped = new StampedLock();
  private final NodeWindow window = new LocalCluster(1).world(0).allocate(1);

  /** A write that the thread has already. */
  @State(Scope.Thread)
  public static class Held {
    private final ResourceLock lock;
    private final WriteLease lease;

    /** Takes it, on the thread that measures. */
    public Held() {
      WindowController controller =
          WindowController.syncOwning(new LocalCluster(1).world(0), ControllerOptions.defaults());
      lock = controller.resource("held");
      lease = lock.write();
    }

    /** Gives it back. */
    @TearDown
    public void release() {
      lease.close();
    }
  }

  /** A read that the thread has already. */
  @State(Scope.Thread)
  public static class HeldRead {
    private final ResourceLock lock;
    private final ReadLease lease;

    /** Takes it, on the thread that measures. */
    public HeldRead() {
      WindowController controller =
          WindowController.syncOwning(new LocalCluster(1).world(0), ControllerOptions.defaults());
      lock = controller.resource("held");
      lease = lock.read();
    }

    /** Gives it back. */
    @TearDown
    public void release() {
      lease.close();
    }
  }

  /** Takes the JDK's lock for {@link #heldReentrantReadWriteLockWrite}. */
  @Setup
  public void hold() {
    reentrantHeld.writeLock().lock();
  }

  /** Closes the controller. */
  @TearDown
  public void close() {
    reentrantHeld.writeLock().unlock();
    controller.close();
  }

  /** mpilock's write. */
  @Benchmark
  public long write() {
    try (WriteLease write = lock.write()) {
      return write.token();
    }
  }

  /** mpilock's write with a time limit. */
  @Benchmark
  public long writeTimed() {
    try (WriteLease write = lock.write(LONG)) {
      return write.token();
    }
  }

  /** mpilock's write if it is free. */
  @Benchmark
  public long writeTried() {
    Optional<WriteLease> write = lock.tryWrite();
    long token = write.isPresent() ? write.get().token() : 0;
    write.ifPresent(WriteLease::close);
    return token;
  }

  /** mpilock's write inside the thread's own write. */
  @Benchmark
  public long writeInWrite(Held held) {
    try (WriteLease write = held.lock.write()) {
      return write.token();
    }
  }

  /** mpilock's read. */
  @Benchmark
  public long read() {
    try (ReadLease read = lock.read()) {
      return read.token();
    }
  }

  /** mpilock's read with a time limit. */
  @Benchmark
  public long readTimed() {
    try (ReadLease read = lock.read(LONG)) {
      return read.token();
    }
  }

  /** mpilock's read if it is free. */
  @Benchmark
  public long readTried() {
    Optional<ReadLease> read = lock.tryRead();
    long token = read.isPresent() ? read.get().token() : 0;
    read.ifPresent(ReadLease::close);
    return token;
  }

  /** mpilock's read inside the thread's own write. */
  @Benchmark
  public long readInWrite(Held held) {
    try (ReadLease read = held.lock.read()) {
      return read.token();
    }
  }

  /** mpilock's read inside the thread's own read. */
  @Benchmark
  public long readInRead(HeldRead held) {
    try (ReadLease read = held.lock.read()) {
      return read.token();
    }
  }

  /** mpilock's optimistic read. */
  @Benchmark
  public boolean optimisticRead() {
    return lock.validate(lock.tryOptimisticRead());
  }

  /** The JDK's write lock. */
  @Benchmark
  public long reentrantReadWriteLockWrite() {
    reentrant.writeLock().lock();
    try {
      return 1;
    } finally {
      reentrant.writeLock().unlock();
    }
  }

  /** The JDK's read lock. */
  @Benchmark
  public long reentrantReadWriteLockRead() {
    reentrant.readLock().lock();
    try {
      return 1;
    } finally {
      reentrant.readLock().unlock();
    }
  }

  /** The JDK's write lock inside the thread's own. */
  @Benchmark
  public long heldReentrantReadWriteLockWrite() {
    reentrantHeld.writeLock().lock();
    try {
      return 1;
    } finally {
      reentrantHeld.writeLock().unlock();
    }
  }

  /** The write form of the JDK's lock without owners. */
  @Benchmark
  public long stampedLockWrite() {
    long stamp = stamped.writeLock();
    stamped.unlockWrite(stamp);
    return stamp;
  }

  /** Its read form. */
  @Benchmark
  public long stampedLockRead() {
    long stamp = stamped.readLock();
    stamped.unlockRead(stamp);
    return stamp;
  }

  /** Its optimistic form. */
  @Benchmark
  public boolean stampedLockOptimistic() {
    return stamped.validate(stamped.tryOptimisticRead());
  }

  /** The floor of all tables, two compare-and-sets on a word of a window; here of this JVM. */
  @Benchmark
  public boolean compareAndSetPair() {
    return window.compareAndSet(0, 0, 1) && window.compareAndSet(0, 1, 0);
  }
}
