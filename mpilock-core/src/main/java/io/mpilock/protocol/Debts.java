package io.mpilock.protocol;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What threads of this rank could not give back of a resource when it was to be, for want of stack
 * or memory. Such a thread pays before all else when it next asks; but it may never ask again, or
 * end. So a thread is started that pays in its place, if there is room for one; and every other
 * thread of the rank pays, too, that waits for the resource, is refused it, comes to it for the
 * first time, looks at the job or closes.
 */
final class Debts {
  private static final long AGAIN_NANOS = 250_000_000;

  private final ProcessLock lock;
  private final Node node;

  /** Whoever has it may touch what those in the list owe. */
  private final Object paying = new Object();

  /**
   * The list, by {@link ThreadHold#nextDebtor}; changed under this object's monitor. That is held
   * for no call, so nobody waits under it, and whoever has no stack for a call may take it.
   */
  volatile @Nullable ThreadHold first;

  private boolean hasPayer;

  Debts(ProcessLock lock, Node node) {
    this.lock = lock;
    this.node = node;
  }

  /** Has a thread pay that does nothing else, if it can be started. */
  void payLater() {
    synchronized (this) {
      if (hasPayer || !node.threads().isReal()) {
        return;
      }
      hasPayer = true;
    }
    boolean started = false;
    try {
      Thread _ = node.threads().startDaemon("mpilock-debts", this::payAll);
      started = true;
    } finally {
      if (!started) {
        hasPayer = false;
      }
    }
  }

  private void payAll() {
    while (true) {
      pay();
      synchronized (this) {
        if (first == null || node.hasGone()) {
          hasPayer = false;
          return;
        }
      }
      LockSupport.parkNanos(this, AGAIN_NANOS);
    }
  }

  /** Pays what can be paid now. Throws nothing: who calls this has its own to do. */
  void pay() {
    if (first == null && lock.lastDebtor == null) {
      return;
    }
    try {
      synchronized (paying) {
        ThreadHold last = lock.lastDebtor;
        if (last != null && last.hasEnded() && last.payFor(lock)) {
          lock.lastDebtor = null;
        }
        ThreadHold next;
        for (ThreadHold each = first; each != null; each = next) {
          next = each.nextDebtor;
          if (each.payFor(lock)) {
            remove(each);
          }
        }
      }
    } catch (Throwable again) {
      // It is owed still.
    }
  }

  /** The debtor itself pays, or throws. */
  void settle(ThreadHold debtor) {
    synchronized (paying) {
      debtor.paySelf(lock);
      remove(debtor);
    }
  }

  private void remove(ThreadHold debtor) {
    synchronized (this) {
      if (!debtor.isListed) {
        return;
      }
      ThreadHold before = null;
      for (ThreadHold each = first; each != null && each != debtor; each = each.nextDebtor) {
        before = each;
      }
      if (before == null) {
        first = debtor.nextDebtor;
      } else {
        before.nextDebtor = debtor.nextDebtor;
      }
      debtor.nextDebtor = null;
      debtor.isListed = false;
    }
  }
}
