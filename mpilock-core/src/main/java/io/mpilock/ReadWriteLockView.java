/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.LockInterruptedException;
import io.mpilock.internal.rank.ThreadHold;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;

/**
 * A resource's lock as {@code java.util.concurrent} has it; {@link ResourceLock#asReadWriteLock}
 * says what it promises. Has no state of its own: what a thread has locked is stored in its {@link
 * ThreadHold}.
 */
final class ReadWriteLockView implements ReadWriteLock {
  private final Lock readLock;
  private final Lock writeLock;

  ReadWriteLockView(ResourceLock resource) {
    this.readLock = new Side(resource, LockMode.READ);
    this.writeLock = new Side(resource, LockMode.WRITE);
  }

  @Override
  public Lock readLock() {
    return readLock;
  }

  @Override
  public Lock writeLock() {
    return writeLock;
  }

  /** The reads or the writes. */
  private record Side(ResourceLock resource, LockMode mode) implements Lock {

    @Override
    public void lock() {
      if (!acquireUninterruptibly(ThreadHold.FOREVER)) { // and nothing is called if it was granted
        throw notGranted();
      }
    }

    @Override
    public boolean tryLock() {
      return acquireUninterruptibly(0);
    }

    @Override
    public void lockInterruptibly() throws InterruptedException {
      if (!acquireInterruptibly(ThreadHold.FOREVER)) {
        throw notGranted();
      }
    }

    /** A request without an end is granted, or throws: nobody is to go on without the lock. */
    private IllegalStateException notGranted() {
      return new IllegalStateException(
          "The %s lock of %s was not granted, and the reason is unknown."
              .formatted(mode, resource.quotedName()));
    }

    @Override
    public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
      return acquireInterruptibly(Math.max(0, unit.toNanos(time)));
    }

    @Override
    public void unlock() {
      try {
        end();
      } catch (IllegalMonitorStateException refused) {
        throw refused;
      } catch (Throwable cut) {
        end(); // nobody else would
        throw cut;
      }
    }

    private void end() {
      ThreadHold hold = resource.process().hold();
      if (hold.locked(isRead()) == 0) {
        if (!isRead() && hold.isEnding()) {
          resource.releaseWrite(hold); // goes on with an unlock that was cut short
          return;
        }
        if (resource.process().isClosed()) {
          return; // closing took the closing thread's holds
        }
        throw new IllegalMonitorStateException(
            ("Thread '%s' of %s unlocks the %s lock of %s, which it has not locked."
                    + " Only the thread that locked it may unlock it, and a lease ends by its own"
                    + " close().")
                .formatted(
                    Thread.currentThread().getName(),
                    resource.process().me(),
                    mode,
                    resource.quotedName()));
      }
      hold.addLocked(isRead(), -1);
      try {
        if (isRead()) {
          resource.releaseRead(hold);
        } else {
          resource.releaseWrite(hold);
        }
      } catch (Throwable cut) {
        if (isRead() || !hold.isEnding()) {
          hold.addLocked(isRead(), 1); // held as before
        }
        throw cut;
      }
    }

    @Override
    public Condition newCondition() {
      throw new UnsupportedOperationException(
          "mpilock's locks have no conditions: another rank would have to wake a"
              + " waiting thread, and the ranks share no queue of such threads. Unlock and"
              + " check again later, or let the ranks inform each other by a single write"
              + " or a message.");
    }

    @Override
    public String toString() {
      return mode + " lock of " + resource;
    }

    /** An interrupt is told when the request has ended, which keeps its place. */
    private boolean acquireUninterruptibly(long nanos) {
      ThreadHold hold = resource.process().hold();
      hold.setUninterruptible(true);
      try {
        return acquire(nanos);
      } finally {
        try {
          hold.setUninterruptible(false);
        } catch (Throwable cut) { // it may have been granted
          hold.setUninterruptible(false);
        }
      }
    }

    private boolean acquireInterruptibly(long nanos) throws InterruptedException {
      try {
        if (!Thread.interrupted()) {
          return acquire(nanos);
        }
      } catch (LockInterruptedException e) {
        Thread.interrupted(); // the exception tells it
        throw (InterruptedException) new InterruptedException(e.getMessage()).initCause(e);
      }
      throw new InterruptedException(
          "Thread '%s' of %s was interrupted before it asked for the %s of %s."
              .formatted(
                  Thread.currentThread().getName(),
                  resource.process().me(),
                  mode,
                  resource.quotedName()));
    }

    private boolean acquire(long nanos) {
      ThreadHold hold = resource.process().hold();
      hold.addLocked(isRead(), 1); // before: nothing is to fail after the grant
      boolean granted = false;
      try {
        granted = resource.acquire(hold, mode, nanos);
      } finally {
        if (!granted) {
          hold.addLocked(isRead(), -1);
        }
      }
      return granted;
    }

    private boolean isRead() {
      return mode == LockMode.READ;
    }
  }
}
