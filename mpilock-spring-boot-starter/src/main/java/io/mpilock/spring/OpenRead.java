/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.ReadLease;
import org.jspecify.annotations.Nullable;

/** A read from its grant until its body ends. */
final class OpenRead implements LeasedRead, OpenHold {
  private final ControllerLockTemplate template;
  private ReadLease lease;

  OpenRead(ControllerLockTemplate template, ReadLease lease) {
    this.template = template;
    this.lease = lease;
  }

  @Override
  public long token() {
    return lease.token();
  }

  @Override
  public <T extends @Nullable Object, E extends Throwable> T upgrade(
      LeaseAction<LeasedWrite, T, E> action) throws E {
    if (template.isWriteHeldByCurrentThread()) {
      return template.writeWithLease(action); // around this read, which nobody can have disturbed
    }
    OpenWrite write = template.upgrade(lease);
    try {
      return action.run(write);
    } finally {
      lease = write.goOnReading();
    }
  }

  @Override
  public void giveUp() {
    close();
  }

  @Override
  public void close() {
    lease.close();
  }
}
