/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.internal.call.CollectiveCalls;
import io.mpilock.internal.rank.RankLock;

/** Gives tests of the inner layers the public locks and leases over what they made themselves. */
public final class Leases {
  private Leases() {}

  /** A controller's listeners. */
  public static final class Ears {
    private final Listeners listeners = new Listeners();

    public void add(LockListener listener) {
      listeners.add(listener);
    }

    public void remove(LockListener listener) {
      listeners.remove(listener);
    }
  }

  public static ResourceLock over(RankLock lock, CollectiveCalls collectives) {
    return over(lock, collectives, new Ears());
  }

  public static ResourceLock over(RankLock lock, CollectiveCalls collectives, Ears ears) {
    return new ResourceLock(lock, collectives, ears.listeners, ControllerOptions.defaults());
  }
}
