/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import io.mpilock.transport.NodeWindow;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Sleeps on bells for threads of this rank that should not do so themselves: virtual ones, whose
 * carrier would sleep with them, and the many that wait for what one of them sleeps on already.
 * They park, and whoever rings in this process wakes them. For rings of other ranks one daemon
 * thread sleeps on the rank's doorbell; it is started when the first thread needs it, and ends when
 * none has for a while, or by whatever is thrown in it. Where it cannot be started, for want of
 * memory or threads, the guests look by themselves, as often as others who sleep.
 *
 * <p>No wake-up is lost. A sleeper is registered, then counts itself among the bell's guests, then
 * gets the epoch, then looks at what it waits for. A ringer changes what is waited for, moves the
 * epoch, and rings the doorbells if the bell has guests. The watcher counts itself in the doorbell,
 * and then looks at the epochs of all who are registered: as for every {@link Bell} one of the two
 * sees the other.
 */
public final class BellWatcher {
  /** How long a guest sleeps at most: what ends a wait if a ringer died before it rang. */
  static final long GUEST_NANOS = 2_000_000_000;

  private static final long IDLE_NANOS = 1_000_000_000;

  private final RankContext node;
  private final NodeWindow window;
  private final ThreadParker threads;
  private final int rank;
  private final Set<Guest> guests = ConcurrentHashMap.newKeySet();
  private volatile @Nullable Thread thread;

  private static final class Guest {
    private final Thread thread = Thread.currentThread();
    private final long epoch;
    private volatile long seen = -1; // not known yet

    Guest(long epoch) {
      this.epoch = epoch;
    }
  }

  BellWatcher(RankContext node) {
    this.node = node;
    this.window = node.window();
    this.threads = node.threads();
    this.rank = node.me();
  }

  /** Whether the calling thread is to sleep here, unless another one sleeps on the bell already. */
  boolean isFor(Thread sleeper) {
    return threads.isReal() && sleeper.isVirtual() && window.holdsCarrier();
  }

  /** Whether threads may sleep here. */
  boolean isOpen() {
    return threads.isReal();
  }

  /** Sleeps until a ring, unless {@code done} already; returns early at will. */
  void sleep(Bell bell, BooleanSupplier done, long nanos) {
    Guest guest = new Guest(bell.epoch());
    guests.add(guest);
    try {
      bell.addGuest(1);
      try {
        guest.seen = window.get(bell.epoch()) & 0xFFFFFFFFL;
        if (!done.getAsBoolean()) {
          boolean isWoken = startWatcher();
          // Registered before this look: a close that it does not see wakes this guest.
          threads.park(
              this, isWoken && !node.isClosed() ? nanos : Math.min(nanos, Waiter.SLICE_NANOS));
        }
      } finally {
        bell.addGuest(-1);
      }
    } finally {
      guests.remove(guest);
    }
  }

  /** Wakes those of this process whose bell was rung. */
  boolean wakeGuests() {
    boolean any = false;
    for (Guest guest : guests) {
      long seen = guest.seen;
      if (seen >= 0 && (window.get(guest.epoch) & 0xFFFFFFFFL) != seen) {
        threads.unpark(guest.thread);
        any = true;
      }
    }
    return any;
  }

  /** Has all guests look again. */
  public void wakeAll() {
    guests.forEach(guest -> threads.unpark(guest.thread));
  }

  /** Rings the doorbells of some ranks, and wakes what guests this process has. */
  void ring(int from, int to) {
    wakeGuests();
    for (int other = from; other < to; other++) {
      if (other != rank || thread == null) { // another part of this process may have its own
        doorbell(other).ring();
      }
    }
  }

  private Bell doorbell(int of) {
    return new Bell(window, Layout.slot(of) + Layout.DOORBELL);
  }

  /** Whether somebody sleeps for the guests. */
  private boolean startWatcher() {
    if (thread == null) {
      synchronized (this) {
        if (thread == null) {
          try {
            thread = threads.startDaemon("mpilock-bell-watcher-" + rank, this::watch);
          } catch (OutOfMemoryError unstarted) { // it wants stack, or the limit of threads is met
            return false;
          }
        }
      }
    }
    return true;
  }

  private void watch() {
    Bell doorbell = doorbell(rank);
    long idleSince = System.nanoTime();
    boolean went = false;
    try {
      while (!went) {
        doorbell.sleep(this::wakeGuests, IDLE_NANOS);
        long now = System.nanoTime();
        if (!guests.isEmpty()) {
          idleSince = now;
        } else if (now - idleSince > IDLE_NANOS) {
          went = goes();
        }
      }
    } catch (Throwable failed) {
      // The window is freed, or fails: everybody finds that out. For want of memory there is a
      // next.
    } finally {
      if (!went) { // else nobody would sleep for the guests, and none be called
        synchronized (this) {
          thread = null;
        }
        wakeAll();
      }
    }
  }

  /** A guest registers before it looks for the watcher: one of the two sees the other. */
  private boolean goes() {
    synchronized (this) {
      thread = null;
      if (guests.isEmpty()) {
        return true;
      }
      thread = Thread.currentThread();
      return false;
    }
  }
}
