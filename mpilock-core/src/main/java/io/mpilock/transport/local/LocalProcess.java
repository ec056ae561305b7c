/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.local;

import java.util.Collections;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** What would be one process of the job: a rank, what it opened, and what it knows of others. */
final class LocalProcess {
  private final int rank;
  private final int node;
  private final Set<LocalWindow> windows = weakSet();
  private final Set<LocalMessenger> messengers = weakSet();
  private final Set<LocalProcess> lost = ConcurrentHashMap.newKeySet();
  private final AtomicInteger leaving = new AtomicInteger();
  private volatile boolean dying;
  private volatile boolean dead;

  /**
   * Starts it.
   *
   * @param rank its rank in the world
   * @param node its node in the world
   */
  LocalProcess(int rank, int node) {
    this.rank = rank;
    this.node = node;
  }

  private static <T> Set<T> weakSet() {
    return Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));
  }

  int rank() {
    return rank;
  }

  int node() {
    return node;
  }

  boolean isDead() {
    return dead;
  }

  /** Ends it, with whatever it has opened; others see it dead when it can do nothing any more. */
  void kill() {
    dying = true;
    endAll();
    dead = true;
  }

  void opened(LocalWindow window) {
    windows.add(window);
    endIfDead();
  }

  void opened(LocalMessenger messenger) {
    messengers.add(messenger);
    endIfDead();
  }

  /** Of a kill and an opening that come together at least one sees the other. */
  private void endIfDead() {
    if (dying) {
      endAll();
    }
  }

  private void endAll() {
    synchronized (windows) {
      windows.forEach(LocalWindow::free);
    }
    synchronized (messengers) {
      messengers.forEach(LocalMessenger::close);
    }
  }

  /** As {@code Communicator.isAlive}: a death on another node is not seen from here. */
  boolean seesAlive(LocalProcess other) {
    return !lost.contains(other) && !(other.dead && other.node == node);
  }

  void lost(LocalProcess other) {
    lost.add(other);
  }

  void leaving(boolean now) {
    leaving.addAndGet(now ? 1 : -1);
  }

  boolean isLeaving() {
    return leaving.get() > 0;
  }
}
