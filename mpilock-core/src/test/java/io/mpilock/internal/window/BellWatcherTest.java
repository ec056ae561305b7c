/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.window;

import static org.assertj.core.api.Assertions.assertThat;

import io.mpilock.internal.Simulation;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.NodeWindow;
import io.mpilock.transport.local.LocalCluster;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Threads whose sleep only a ring, an interrupt or a close ends within the time of the test. */
@Timeout(60)
class BellWatcherTest {
  private static final long LONG = TimeUnit.HOURS.toNanos(1);
  private static final long BELL = 4096;

  private final Communicator world = new LocalCluster(1).world(0);
  private final NodeWindow words = world.allocate(1 << 14);
  private final AtomicInteger virtualSleeps = new AtomicInteger();
  private final AtomicInteger thrown = new AtomicInteger();

  /** Of one process; another one has another. */
  private RankContext node() {
    NodeWindow window =
        (NodeWindow)
            Proxy.newProxyInstance(
                NodeWindow.class.getClassLoader(),
                new Class<?>[] {NodeWindow.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("holdsCarrier")) {
                    return true;
                  }
                  if (method.getName().equals("sleepWhile") && Thread.currentThread().isVirtual()) {
                    virtualSleeps.incrementAndGet();
                  }
                  try {
                    return method.invoke(words, arguments);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    return new RankContext(
        world,
        window,
        Simulation.settings(false, 0, false),
        new RankContext.Pace(0, 0, System::nanoTime));
  }

  /** A process in which something is thrown each time that its doorman sleeps, or is started. */
  private RankContext nodeWithout(String what, Supplier<Error> failure) {
    NodeWindow window =
        (NodeWindow)
            Proxy.newProxyInstance(
                NodeWindow.class.getClassLoader(),
                new Class<?>[] {NodeWindow.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("holdsCarrier")) {
                    return true;
                  }
                  if (method.getName().equals("sleepWhile") && what.equals("sleep")) {
                    thrown.incrementAndGet();
                    throw failure.get();
                  }
                  try {
                    return method.invoke(words, arguments);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    ThreadParker threads =
        new ThreadParker() {
          @Override
          public boolean isReal() {
            return true;
          }

          @Override
          public Thread startDaemon(String name, Runnable body) {
            if (what.equals("start")) {
              thrown.incrementAndGet();
              throw failure.get();
            }
            return ThreadParker.super.startDaemon(name, body);
          }

          @Override
          public void park(Object blocker, long nanos) {
            REAL.park(blocker, nanos);
          }

          @Override
          public void unpark(Thread thread) {
            REAL.unpark(thread);
          }
        };
    return new RankContext(
        world,
        window,
        Simulation.settings(false, 0, false),
        new RankContext.Pace(0, 0, System::nanoTime, LockSupport::parkNanos, threads));
  }

  private static Bell bell(RankContext node, boolean many) {
    return new Bell(node.window(), BELL, node.bellWatcher(), 0, 1, many);
  }

  private static List<Thread> sleepers(int count, Bell bell, AtomicInteger turns) {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Runnable sleep =
          () -> {
            while (turns.get() == 0 && !Thread.currentThread().isInterrupted()) {
              bell.sleep(() -> turns.get() != 0, LONG);
            }
          };
      threads.add(Thread.ofVirtual().start(sleep));
    }
    return threads;
  }

  private void awaitGuests(int count) throws InterruptedException {
    while (words.get(BELL + 1) >>> 32 != count) {
      Thread.sleep(1);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aRingWakesAllGuestsWhicheverProcessItComesFrom(boolean own) throws Exception {
    RankContext mine = node();
    RankContext ringer = own ? mine : node();
    for (int round = 0; round < 20; round++) {
      AtomicInteger turns = new AtomicInteger();
      List<Thread> threads = sleepers(10, bell(mine, true), turns);
      if (round % 2 == 0) {
        awaitGuests(10);
      }
      turns.set(1);
      bell(ringer, true).ring();
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(words.get(BELL + 1)).as("sleepers and guests that are left").isZero();
    }
    assertThat(virtualSleeps).as("sleeps that held a carrier").hasValue(0);
  }

  @Test
  void anInterruptWakesAGuest() throws Exception {
    List<Thread> threads = sleepers(1, bell(node(), false), new AtomicInteger());
    awaitGuests(1);
    threads.getFirst().interrupt();
    threads.getFirst().join();
    assertThat(words.get(BELL + 1)).isZero();
  }

  @Test
  void aCloseWakesAllGuests() throws Exception {
    RankContext mine = node();
    AtomicInteger turns = new AtomicInteger();
    List<Thread> threads = sleepers(5, bell(mine, true), turns);
    awaitGuests(5);
    turns.set(1);
    mine.bellWatcher().wakeAll();
    for (Thread thread : threads) {
      thread.join();
    }
  }

  /** The guests are woken by a ring of another process, without the time of the test going by. */
  @ParameterizedTest
  @ValueSource(strings = {"start", "sleep"})
  void guestsLookByThemselvesIfNobodyCanSleepForThem(String what) throws Exception {
    RankContext mine =
        nodeWithout(
            what,
            () ->
                what.equals("start")
                    ? new OutOfMemoryError("unable to create native thread")
                    : new InternalError("a fault in an access to a mapped page"));
    AtomicInteger turns = new AtomicInteger();
    List<Thread> threads = sleepers(3, bell(mine, true), turns);
    while (thrown.get() < 10) { // it is called again and again
      Thread.sleep(1);
    }
    turns.set(1);
    bell(node(), true).ring();
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(words.get(BELL + 1)).as("sleepers and guests that are left").isZero();
  }
}
