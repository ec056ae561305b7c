package io.mpilock;

import io.mpilock.failure.LockUseException;
import io.mpilock.protocol.ThreadHold;

/**
 * An exclusive hold on a resource, from its grant until {@link #close()}. Belongs to the thread
 * that got it.
 *
 * <p>A read taken inside a write and closed after it is a downgrade: no other write comes between.
 */
public final class WriteLease implements AutoCloseable {
  private final ResourceLock lock;
  private final ThreadHold hold;
  private final boolean intervened;
  private final long token;
  private boolean open = true;

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
   * @throws LockUseException if the calling thread is not the one that got the lease; nothing has
   *     changed then
   */
  @Override
  public void close() {
    hold.checkOwner(lock.process(), "close");
    if (open) {
      open = false;
      lock.releaseWrite(hold);
    }
  }
}
