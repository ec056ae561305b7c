/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.LockUseException;
import io.mpilock.internal.rank.ThreadHold;

/**
 * An exclusive hold on a resource, from its grant until {@link #close()}. Belongs to the thread
 * that got it, until that {@linkplain #keep keeps} it for something that ends later.
 *
 * <p>A read taken inside a write and closed after it is a downgrade: no other write comes between.
 *
 * @since 0.1.0
 */
public final class WriteLease implements AutoCloseable {
  private final ResourceLock lock;
  private final ThreadHold hold;
  private final boolean intervened;
  private final long token;
  private boolean open = true;

  /** Set at most once, by the thread that got the lease; then {@code open} is guarded by this. */
  private volatile boolean kept;

  WriteLease(ResourceLock lock, ThreadHold hold, boolean intervened) {
    this.lock = lock;
    this.hold = hold;
    this.intervened = intervened;
    this.token = hold.token();
  }

  /**
   * The fencing token: larger than that of every earlier write of this resource under this
   * controller. A store that remembers the largest token it has seen can refuse a writer that lost
   * its lock without noticing.
   *
   * @return the token, at least 1
   */
  public long token() {
    return token;
  }

  /**
   * Tells, for a lease from {@link ReadLease#upgrade()}, whether another write was granted after
   * the read was taken, so that what was read may be out of date.
   *
   * @return true if another write came in between; false for a lease from a plain write
   */
  public boolean intervened() {
    return intervened;
  }

  /**
   * Ends the write. A second call does nothing.
   *
   * @throws LockUseException if the calling thread is not the one that got the lease, and that does
   *     not {@linkplain #keep keep} it; nothing has changed then
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
    if (kept) {
      endKept();
      return;
    }
    hold.checkOwner(lock.process(), "close");
    if (open) {
      if (token == hold.token()) { // else its end was cut short, and its thread ended it, and asked
        lock.releaseWrite(hold);
      }
      open = false;
    }
  }

  private synchronized void endKept() {
    if (open) {
      lock.releaseKept(hold, token);
      open = false;
    }
  }

  /**
   * Keeps the write beyond the code that took it, for something that ends later, such as a
   * transaction. From now on any thread may close the lease. Until then the thread that took the
   * write holds it, as before: it is reentrant there and nowhere else. Threads that wait for the
   * resource see in reports that the code has ended, and for what the write is kept. Meanwhile that
   * thread is refused collective calls, apart from a single write of this resource by its own rank.
   * Nothing happens if the lease is closed or kept.
   *
   * @param transaction the name of what it is kept for, of whose start 24 bytes are shown; empty if
   *     it has none
   * @throws LockUseException if the calling thread is not the one that got the lease; nothing has
   *     changed then
   */
  public void keep(String transaction) {
    if (!kept) {
      hold.checkOwner(lock.process(), "keep");
      if (open && token == hold.token()) { // as in end()
        hold.keep(lock.process(), transaction);
        kept = true;
      }
    }
  }
}
