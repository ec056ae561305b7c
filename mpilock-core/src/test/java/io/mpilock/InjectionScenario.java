/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.MpilockException;
import io.mpilock.testing.Injection;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Lock;

/**
 * Two ranks, on one node or on two, and one thing that a thread of the first of them does while
 * something is thrown at its n-th step. Loaded by {@link io.mpilock.testing.InjectingLoader}, and
 * called by its names.
 */
public final class InjectionScenario {
  /** How long another rank may need for the lock, on a machine that does other work too. */
  private static final Duration SOON =
      Duration.ofSeconds(Integer.getInteger("mpilock.injection.seconds", 20));

  /** What the first rank does. */
  @FunctionalInterface
  interface Act {
    void run() throws Exception;
  }

  /** Prepares an act. */
  @FunctionalInterface
  interface Case {
    Act prepare(Pair ranks) throws Exception;
  }

  /** The two ranks, and what they hold. */
  static final class Pair implements AutoCloseable {
    final WindowController mine;
    final WindowController theirs;
    final List<AutoCloseable> held = new ArrayList<>();
    final ExecutorService other = Executors.newSingleThreadExecutor();

    /** Another thread of the first rank. */
    final ExecutorService sibling = Executors.newSingleThreadExecutor();

    Runnable script = () -> {};
    long scriptAt;
    boolean single;
    boolean closes;
    final List<Future<?>> waiting = new ArrayList<>();
    volatile boolean last;

    Pair(ControllerOptions options, boolean twoNodes) throws Exception {
      LocalCluster cluster = twoNodes ? new LocalCluster(1, 1) : new LocalCluster(2);
      Future<WindowController> opened =
          other.submit(() -> WindowController.sync(cluster.world(1), options));
      mine = WindowController.sync(cluster.world(0), options);
      theirs = opened.get();
    }

    <T extends AutoCloseable> T hold(T lease) {
      held.add(lease);
      return lease;
    }

    @Override
    public void close() {
      other.shutdownNow();
      sibling.shutdownNow();
    }
  }

  /** The places in the code that have been come to. */
  private static final BitSet PLACES = new BitSet();

  private InjectionScenario() {}

  /** The places in the code that were come to since this was called before. */
  public static BitSet places() {
    BitSet places = (BitSet) PLACES.clone();
    PLACES.clear();
    return places;
  }

  private static void await(Future<?> done, String what) throws Exception {
    try {
      done.get(SOON.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError(what + " does not end", e);
    } catch (ExecutionException e) {
      throw new AssertionError(what + " failed", e.getCause());
    }
  }

  /** Another rank waits for the write when this one releases. */
  private static void letOtherWait(Pair ranks) throws Exception {
    letWait(ranks, ranks.other, ranks.theirs, "waiting: ");
  }

  /** Another thread of the same rank waits for the write. */
  private static void letSiblingWait(Pair ranks) throws Exception {
    letWait(ranks, ranks.sibling, ranks.mine, "waiting: ");
  }

  private static void letWait(
      Pair ranks, ExecutorService thread, WindowController rank, String shown) throws Exception {
    Future<?> waits = thread.submit(() -> rank.write(SOON).close());
    ranks.waiting.add(waits);
    while (!rank.resource("default").toString().contains(shown)) {
      if (waits.isDone()) {
        throw new AssertionError("it did not wait");
      }
      Thread.sleep(0, 100_000);
    }
  }

  private static Runnable unchecked(Act act) {
    return () -> {
      try {
        act.run();
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    };
  }

  /** Requests that a listener was told of, less those of whose end it was told. */
  private static final AtomicInteger OPEN_REQUESTS = new AtomicInteger();

  private static final LockListener LISTENER =
      new LockListener() {
        @Override
        public void requested(String resource, LockMode mode) {
          OPEN_REQUESTS.incrementAndGet();
        }

        @Override
        public void granted(String resource, LockMode mode, long waitNanos, boolean contended) {
          OPEN_REQUESTS.decrementAndGet();
        }

        @Override
        public void timedOut(String resource, LockMode mode, long waitNanos) {
          OPEN_REQUESTS.decrementAndGet();
        }

        @Override
        public void failed(String resource, LockMode mode, long waitNanos, Throwable failure) {
          OPEN_REQUESTS.decrementAndGet();
        }
      };

  private static Map<String, Case> cases() {
    Map<String, Case> cases = new TreeMap<>();
    cases.put("read", r -> () -> r.hold(r.mine.read()));
    cases.put("timed read", r -> () -> r.hold(r.mine.read(SOON)));
    cases.put("tried read", r -> () -> r.hold(r.mine.tryRead().orElseThrow()));
    cases.put("write", r -> () -> r.hold(r.mine.write()));
    cases.put("timed write", r -> () -> r.hold(r.mine.write(SOON)));
    cases.put("tried write", r -> () -> r.hold(r.mine.tryWrite().orElseThrow()));
    cases.put("write of a new resource", r -> () -> r.hold(r.mine.resource("new").write()));
    cases.put(
        "read inside a read",
        r -> {
          r.hold(r.mine.read());
          return () -> r.hold(r.mine.read());
        });
    cases.put(
        "read inside a write",
        r -> {
          r.hold(r.mine.write());
          return () -> r.hold(r.mine.read());
        });
    cases.put(
        "write inside a write",
        r -> {
          r.hold(r.mine.write());
          return () -> r.hold(r.mine.write());
        });
    cases.put(
        "write inside a read, refused",
        r -> {
          r.hold(r.mine.read());
          return () -> r.hold(r.mine.write());
        });
    cases.put(
        "optimistic read",
        r ->
            () -> {
              long stamp = r.mine.tryOptimisticRead();
              if (!r.mine.validate(stamp)) {
                throw new AssertionError("nobody writes");
              }
            });
    for (boolean read : new boolean[] {true, false}) {
      String mode = read ? "read" : "write";
      cases.put(
          "observed " + mode,
          r -> {
            r.mine.addListener(LISTENER);
            return () -> r.hold(read ? r.mine.read() : r.mine.write());
          });
      cases.put(
          "end of an observed " + mode,
          r -> {
            r.mine.addListener(LISTENER);
            AutoCloseable lease = r.hold(read ? r.mine.read() : r.mine.write());
            return lease::close;
          });
      cases.put(
          "tried " + mode + ", refused",
          r -> {
            r.hold(r.theirs.write());
            r.mine.addListener(LISTENER);
            return () -> {
              if (read) {
                r.mine.tryRead().ifPresent(r::hold);
              } else {
                r.mine.tryWrite().ifPresent(r::hold);
              }
            };
          });
      cases.put(
          "timed " + mode + ", in vain",
          r -> {
            r.hold(r.theirs.write());
            return () -> {
              Duration nothing = Duration.ofNanos(1);
              r.hold(read ? r.mine.read(nothing) : r.mine.write(nothing));
            };
          });
      cases.put(
          "end of a " + mode,
          r -> {
            AutoCloseable lease = r.hold(read ? r.mine.read() : r.mine.write());
            return lease::close;
          });
      cases.put(
          "end of a " + mode + " that another rank waits for",
          r -> {
            AutoCloseable lease = r.hold(read ? r.mine.read() : r.mine.write());
            letOtherWait(r);
            return lease::close;
          });
      for (boolean blockedByRead : new boolean[] {true, false}) {
        if (read && blockedByRead) {
          continue; // no wait
        }
        for (int step : new int[] {20, 60, 120, 250}) {
          cases.put(
              "%s that waits for a %s until step %d"
                  .formatted(mode, blockedByRead ? "read" : "write", step),
              r -> {
                AutoCloseable theirs = blockedByRead ? r.theirs.read() : r.theirs.write();
                r.scriptAt = step;
                r.script = unchecked(theirs::close);
                r.hold(theirs); // if it does not come to that step
                return () -> r.hold(read ? r.mine.read() : r.mine.write());
              });
        }
      }
      cases.put(
          "end of a " + mode + " that another thread of the rank waits for",
          r -> {
            AutoCloseable lease = r.hold(read ? r.mine.read() : r.mine.write());
            letSiblingWait(r);
            return lease::close;
          });
      Case locks =
          r -> {
            Lock lock = side(r, read);
            return () -> {
              lock.lock();
              r.hold(lock::unlock);
            };
          };
      cases.put("lock() of the " + mode + " lock", locks);
      cases.put(
          "tryLock() of the " + mode + " lock",
          r -> {
            Lock lock = side(r, read);
            return () -> {
              if (lock.tryLock(1, TimeUnit.SECONDS)) {
                r.hold(lock::unlock);
              }
            };
          });
      cases.put(
          "unlock() of the " + mode + " lock",
          r -> {
            Lock lock = side(r, read);
            lock.lock();
            r.hold(unlockOnce(lock));
            return lock::unlock;
          });
    }
    cases.put(
        "end of a write that another rank and another thread of the rank wait for",
        r -> {
          AutoCloseable lease = r.hold(r.mine.write());
          letOtherWait(r);
          letWait(r, r.sibling, r.mine, "waiting: rank 0");
          return lease::close;
        });
    cases.put(
        "end of a write that readers wait for",
        r -> {
          AutoCloseable lease = r.hold(r.mine.write());
          r.waiting.add(r.other.submit(() -> r.theirs.read(SOON).close()));
          r.waiting.add(r.sibling.submit(() -> r.mine.read(SOON).close()));
          return lease::close;
        });
    for (int step : new int[] {20, 60}) {
      cases.put(
          "write behind another thread of the rank, until step " + step,
          r -> {
            AutoCloseable theirs = r.hold(r.theirs.write());
            letSiblingWait(r);
            r.scriptAt = step;
            r.script = unchecked(theirs::close);
            return () -> r.hold(r.mine.write());
          });
      cases.put(
          "write before another thread of the rank, until step " + step,
          r -> {
            AutoCloseable theirs = r.hold(r.theirs.write());
            r.scriptAt = step;
            r.script =
                unchecked(() -> {
                  r.waiting.add(r.sibling.submit(() -> r.mine.write(SOON).close()));
                  Thread.sleep(2); // likely behind this one; either is to go well
                  theirs.close();
                });
            return () -> r.hold(r.mine.write());
          });
    }
    cases.put(
        "timed write behind another thread of the rank, in vain",
        r -> {
          r.hold(r.theirs.write());
          letSiblingWait(r);
          return () -> r.hold(r.mine.write(Duration.ofMillis(1)));
        });
    cases.put(
        "timed write before another thread of the rank, in vain",
        r -> {
          r.hold(r.theirs.write());
          r.scriptAt = 60;
          r.script = () -> r.waiting.add(r.sibling.submit(() -> r.mine.write(SOON).close()));
          return () -> r.hold(r.mine.write(Duration.ofMillis(5)));
        });
    cases.put(
        "write that is to be kept",
        r -> {
          WriteLease lease = r.hold(r.mine.write());
          return () -> lease.keep("t");
        });
    cases.put(
        "end of a write that is kept",
        r -> {
          WriteLease lease = r.hold(r.mine.write());
          lease.keep("t");
          return lease::close;
        });
    cases.put(
        "write inside a write that is kept",
        r -> {
          r.hold(r.mine.write()).keep("t");
          return () -> r.hold(r.mine.write());
        });
    cases.put(
        "upgrade",
        r -> {
          ReadLease read = r.hold(r.mine.read());
          return () -> r.hold(read.upgrade());
        });
    cases.put(
        "downgrade",
        r -> {
          WriteLease write = r.hold(r.mine.write());
          r.hold(r.mine.read());
          return write::close;
        });
    cases.put(
        "single write, as the writer",
        r -> {
          r.single = true;
          return () -> r.mine.singleWrite(() -> "mine");
        });
    cases.put(
        "single write that fails, as the writer",
        r -> {
          r.single = true;
          return () ->
              r.mine.singleWrite(() -> {
                throw new IllegalArgumentException("on purpose");
              });
        });
    cases.put(
        "single write by a fence, as the writer",
        r -> {
          r.single = true;
          return () -> {
            Fence<String> fence = r.mine.singleWrite();
            r.hold(fence);
            try (fence) {
              fence.guard();
              fence.share("mine");
            }
            fence.collect();
          };
        });
    cases.put(
        "single write, as a reader",
        r -> {
          r.single = true;
          return () -> r.mine.singleWrite(1, () -> "mine");
        });
    cases.put(
        "close",
        r -> {
          r.closes = true;
          return () -> r.mine.close();
        });
    return cases;
  }

  private static AutoCloseable unlockOnce(Lock lock) {
    return () -> {
      try {
        lock.unlock();
      } catch (IllegalMonitorStateException unlocked) {
        // as it should be
      }
    };
  }

  private static Lock side(Pair ranks, boolean read) {
    var locks = ranks.mine.resource("default").asReadWriteLock();
    return read ? locks.readLock() : locks.writeLock();
  }

  /** The names of the cases. */
  public static List<String> names() {
    String only = System.getProperty("mpilock.injection", "");
    return cases().keySet().stream().filter(name -> name.contains(only)).toList();
  }

  /**
   * Runs a case.
   *
   * @param name which
   * @param fairness by its name
   * @param twoNodes whether each rank has a node of its own
   * @param at the step to throw at, or the place, as {@link Injection#arm} has it
   * @param failure what to throw there
   * @return whether it came to that step
   */
  public static boolean run(
      String name, String fairness, boolean twoNodes, long at, Throwable failure) throws Exception {
    ControllerOptions options =
        ControllerOptions.defaults()
            .withFairness(Fairness.valueOf(fairness))
            .withShutdownTimeout(name.equals("close") ? Duration.ZERO : SOON);
    Case chosen = Objects.requireNonNull(cases().get(name), name);
    try (Pair ranks = new Pair(options, twoNodes)) {
      Act act = chosen.prepare(ranks);
      Future<?> loop = ranks.single ? ranks.other.submit(() -> takePart(ranks, name)) : null;
      OPEN_REQUESTS.set(0);
      Injection armed = Injection.arm(at, false, failure, ranks.scriptAt, ranks.script);
      try {
        act.run();
      } catch (Throwable thrown) {
        if (!armed.hasThrown() && thrown instanceof AssertionError) {
          throw thrown;
        }
        if (OPEN_REQUESTS.get() != 0) {
          throw new AssertionError("a request failed of which a listener was not told the end");
        }
      } finally {
        armed.disarm();
        PLACES.or(armed.places());
      }
      for (AutoCloseable lease : ranks.held) {
        try {
          lease.close();
        } catch (MpilockException ended) { // a fence that failed
          if (!ranks.single) {
            throw ended;
          }
        }
      }
      if (loop != null) {
        goOn(ranks, name, loop);
      }
      if (ranks.closes) {
        await(
            ranks.other.submit(() -> ranks.theirs.write(SOON).close()), "a write after the close");
        await(ranks.other.submit(ranks.theirs::close), "the other rank's close");
        return armed.hasThrown();
      }
      for (Future<?> waits : ranks.waiting) {
        await(waits, "another thread's wait");
      }
      await(ranks.other.submit(() -> ranks.theirs.write(SOON).close()), "the other rank's write");
      ranks.mine.write(SOON).close();
      ranks.mine.read(SOON).close();
      Future<?> closed = ranks.other.submit(ranks.theirs::close);
      ranks.mine.close();
      await(closed, "the other rank's close");
      return armed.hasThrown();
    }
  }

  /** The other rank makes single writes until it is told that it was the last. */
  private static void takePart(Pair ranks, String name) {
    int writer = name.contains("reader") ? 1 : 0;
    while (true) {
      try {
        String shared = ranks.theirs.singleWrite(writer, () -> ranks.last ? "last" : "theirs");
        if ("last".equals(shared)) {
          return;
        }
      } catch (MpilockException failed) {
        // told
      }
    }
  }

  private static void goOn(Pair ranks, String name, Future<?> loop) throws Exception {
    int writer = name.contains("reader") ? 1 : 0;
    for (int calls = 0; calls < 3; calls++) {
      try {
        ranks.mine.resource("default").singleWrite(writer, SOON, () -> "in step");
        // Not before: the other may write already in the call that was cut short here.
        ranks.last = true;
        String shared = ranks.mine.resource("default").singleWrite(writer, SOON, () -> "last");
        if (!shared.equals("last")) {
          throw new AssertionError("the ranks are not in step");
        }
        await(loop, "the other rank's single write");
        return;
      } catch (MpilockException failed) {
        // the call that was cut short
      }
    }
    throw new AssertionError("the ranks do not come together again");
  }
}
