/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.ReadLease;
import io.mpilock.ResourceLock;
import io.mpilock.WriteLease;
import io.mpilock.failure.LockUseException;
import org.jspecify.annotations.Nullable;

/** A write from its grant until its body ends; then it ends too, or a transaction keeps it. */
final class OpenWrite implements LeasedWrite, OpenHold {
  private final ResourceLock lock;
  private final WriteLease lease;
  private final @Nullable KeptWrites keeper;
  private boolean ended;
  private @Nullable ReadLease read;

  private OpenWrite(ResourceLock lock, WriteLease lease, @Nullable KeptWrites keeper) {
    this.lock = lock;
    this.lease = lease;
    this.keeper = keeper;
  }

  static OpenWrite of(ResourceLock lock, WriteLease lease, @Nullable KeptWrites keeper) {
    try {
      OpenWrite write = new OpenWrite(lock, lease, keeper);
      if (keeper != null) {
        keeper.grant(lock);
      }
      return write;
    } catch (Throwable failure) {
      lease.close(); // nobody else could
      throw failure;
    }
  }

  @Override
  public long token() {
    return lease.token();
  }

  @Override
  public boolean intervened() {
    return lease.intervened();
  }

  @Override
  public void downgrade() {
    if (read == null) {
      if (ended || !lock.isWriteHeldByCurrentThread()) {
        throw new LockUseException(
            "Thread '%s' called downgrade() on a write of resource '%s' that it does not hold, or whose action has ended: only the action itself may call it, on the thread that runs it."
                .formatted(Thread.currentThread().getName(), lock.name()));
      }
      read = lock.read();
      end();
    }
  }

  /** Ends the body with a read in its place, which the caller closes. */
  ReadLease goOnReading() {
    try {
      ReadLease goesOn = read == null ? lock.read() : read;
      read = null;
      return goesOn;
    } finally {
      end();
    }
  }

  @Override
  public void giveUp() {
    ended = true;
    lease.close();
    if (keeper != null && !lock.isWriteHeldByCurrentThread()) {
      keeper.giveUp(lock);
    }
  }

  @Override
  public void close() {
    try {
      end();
    } finally {
      if (read != null) {
        read.close();
      }
    }
  }

  private void end() {
    if (!ended) {
      ended = true;
      if (keeper == null) {
        lease.close();
      } else {
        keeper.keep(lock, lease);
      }
    }
  }
}
