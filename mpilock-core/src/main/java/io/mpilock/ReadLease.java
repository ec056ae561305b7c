/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.LockTimeoutException;
import io.mpilock.failure.LockUseException;
import io.mpilock.internal.rank.ThreadHold;
import java.time.Duration;

/**
 * A shared hold on a resource, from its grant until {@link #close()}. Belongs to the thread that
 * got it.
 *
 * @since 0.1.0
 */
public final class ReadLease implements AutoCloseable {
  private final ResourceLock lock;
  private final ThreadHold hold;
  private final long token;
  private boolean open = true;

  ReadLease(ResourceLock lock, ThreadHold hold) {
    this.lock = lock;
    this.hold = hold;
    this.token = hold.token();
  }

  /**
   * The fencing token of the last write before this read, or of the write that this read is nested
   * in.
   *
   * @return the token; 0 if the resource was never written in this job
   */
  public long token() {
    return token;
  }

  /**
   * Releases this read, waits for the write, and tells whether another write came in between:
   * {@link WriteLease#intervened()}. After it this lease is closed, whatever the outcome: if the
   * wait fails, the thread holds nothing.
   *
   * @return the write
   * @throws LockUseException if this is not the thread's only hold on the resource, since the outer
   *     one would lose what it read without being told; nothing has changed then
   * @throws RuntimeException as {@link ResourceLock#write()}
   */
  public WriteLease upgrade() {
    return upgrade(ThreadHold.FOREVER);
  }

  /**
   * As {@link #upgrade()}, waiting at most the given time.
   *
   * @param timeout the longest time to wait for the write; zero or less does not wait
   * @return the write
   * @throws LockTimeoutException if it was not granted in time; the read is given up then, too
   */
  public WriteLease upgrade(Duration timeout) {
    return upgrade(ResourceLock.nanos(timeout));
  }

  private WriteLease upgrade(long nanos) {
    hold.checkOwner(lock.process(), "upgrade");
    if (!open) {
      throw new LockUseException(
          "This read lease of " + lock.quotedName() + " is closed: there is nothing to upgrade.");
    }
    hold.checkSoleRead(lock.process());
    close();
    return lock.writeAfter(hold, token, nanos);
  }

  /**
   * Ends the read. A second call does nothing.
   *
   * @throws LockUseException if the calling thread is not the one that got the lease; nothing has
   *     changed then
   */
  @Override
  public void close() {
    try {
      end();
    } catch (LockUseException refused) {
      throw refused;
    } catch (Throwable cut) {
      end(); // nobody else would: what closes a lease does so once
      throw cut;
    }
  }

  private void end() {
    hold.checkOwner(lock.process(), "close");
    if (open) {
      lock.releaseRead(hold);
      open = false;
    }
  }
}
