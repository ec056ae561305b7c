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
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Three ranks, and something that is thrown at a node's agent, or at the rank that recovers what a
 * dead one left. Loaded by {@link io.mpilock.testing.InjectingLoader}, and called by its names.
 */
public final class LossScenario {
  private static final Duration SOON =
      Duration.ofSeconds(Integer.getInteger("mpilock.injection.seconds", 20));

  private static final ControllerOptions OPTIONS =
      ControllerOptions.defaults().withShutdownTimeout(Duration.ofMillis(500));

  private static final int RANKS = 3;
  private static final int DIES = 1;

  private static final BitSet PLACES = new BitSet();

  private LossScenario() {}

  /** The places in the code that were come to since this was called before. */
  public static BitSet places() {
    BitSet places = (BitSet) PLACES.clone();
    PLACES.clear();
    return places;
  }

  /**
   * Opens, uses and closes on two nodes.
   *
   * @param phase in which it is thrown at the agent of one of them: sync, use or close
   * @param at the place, as {@link Injection#arm} has it
   * @param failure what to throw there
   * @return whether it came to that step
   */
  public static boolean agent(String phase, long at, Throwable failure) throws Exception {
    LocalCluster cluster = new LocalCluster(2, 1);
    List<ExecutorService> threads = threads();
    Injection armed = null;
    try {
      if (phase.equals("sync")) {
        armed = Injection.armFirst("mpilock-agent", at, failure);
      }
      List<List<WindowController>> opened =
          onEach(
              threads,
              RANKS,
              "sync",
              rank -> {
                try {
                  return List.of(WindowController.sync(cluster.world(rank), OPTIONS));
                } catch (MpilockException told) {
                  return List.of();
                }
              });
      if (phase.equals("use")) {
        armed = Injection.armFirst("mpilock-agent", at, failure);
      }
      for (int round = 0; round < 2; round++) {
        String name = "name " + round;
        onEach(
            threads,
            RANKS,
            "use",
            rank -> {
              for (WindowController controller : opened.get(rank)) {
                use(controller, name);
              }
              return rank;
            });
      }
      if (phase.equals("close")) {
        armed = Injection.armFirst("mpilock-agent", at, failure);
      }
      onEach(
          threads,
          RANKS,
          "close",
          rank -> {
            opened.get(rank).forEach(LossScenario::close);
            return rank;
          });
      if (armed == null) {
        throw new AssertionError("no phase: " + phase);
      }
      Thread.sleep(phase.equals("close") ? 50 : 0); // an agent may outlive its controller
      armed.disarm();
      PLACES.or(armed.places());
      return armed.hasThrown();
    } finally {
      end(threads);
    }
  }

  private static void use(WindowController controller, String name) {
    try {
      controller.write(SOON).close();
      controller.read(SOON).close();
      controller.resource(name).write(SOON).close();
      controller.tryWrite().ifPresent(WriteLease::close);
      controller.singleWrite(() -> name);
    } catch (MpilockException told) {
      // that nothing goes across nodes any more
    }
  }

  private static void close(WindowController controller) {
    try {
      controller.close();
    } catch (MpilockException told) {
      // that a rank is missing
    }
  }

  /**
   * A rank dies, and another asks for what it held.
   *
   * @param nodeOfRank a digit for each rank, its node
   * @param held what the dead rank did: read, write, wait to write, or name something
   * @param at the place, as {@link Injection#arm} has it
   * @param failure what to throw there at the rank that asks
   * @return whether it came to that step
   */
  public static boolean recovery(String nodeOfRank, String held, long at, Throwable failure)
      throws Exception {
    LocalCluster cluster =
        LocalCluster.of(nodeOfRank.chars().map(Character::getNumericValue).toArray());
    ControllerOptions options = OPTIONS.withOnHolderDeath(OnHolderDeath.RELEASE);
    List<ExecutorService> threads = threads();
    try {
      List<WindowController> opened =
          onEach(
              threads, RANKS, "sync", rank -> WindowController.sync(cluster.world(rank), options));
      WindowController mine = opened.get(0);
      WindowController theirs = opened.get(2);
      CountDownLatch holds = new CountDownLatch(1);
      WriteLease before = held.equals("waits") ? mine.write() : null;
      Future<?> dead =
          threads
              .get(DIES)
              .submit(() -> {
                WindowController its = opened.get(DIES);
                if (held.equals("read")) {
                  its.read();
                } else if (held.equals("write")) {
                  its.write();
                } else {
                  its.write(SOON);
                }
                holds.countDown();
              });
      if (before == null) {
        dead.get();
      } else {
        while (!mine.resource("default").toString().contains("waiting: ")) {
          Thread.sleep(1);
        }
      }
      cluster.kill(DIES);
      boolean thrown =
          threads
              .get(0)
              .submit(() -> {
                Injection armed = Injection.arm(at, failure);
                try {
                  if (before == null) {
                    mine.write(SOON).close();
                  }
                } catch (Throwable e) {
                  if (!armed.hasThrown()) {
                    throw new AssertionError("the first request", e);
                  }
                } finally {
                  armed.disarm();
                  PLACES.or(armed.places());
                }
                return armed.hasThrown();
              })
              .get(2 * SOON.toSeconds(), TimeUnit.SECONDS);
      if (before != null) {
        before.close();
      }
      await(threads.get(2).submit(() -> theirs.write(SOON).close()), "another rank's write");
      await(threads.get(0).submit(() -> mine.write(SOON).close()), "this rank's write");
      await(threads.get(2).submit(() -> theirs.read(SOON).close()), "another rank's read");
      Future<?> one = threads.get(0).submit(() -> close(mine));
      await(threads.get(2).submit(() -> close(theirs)), "another rank's close");
      await(one, "this rank's close");
      return thrown;
    } finally {
      end(threads);
    }
  }

  private static List<ExecutorService> threads() {
    List<ExecutorService> threads = new ArrayList<>();
    for (int rank = 0; rank < RANKS; rank++) {
      threads.add(Executors.newSingleThreadExecutor());
    }
    return threads;
  }

  private static void end(List<ExecutorService> threads) {
    threads.forEach(ExecutorService::shutdownNow);
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

  private interface Part<T> {
    T of(int rank) throws Exception;
  }

  private static <T> List<T> onEach(
      List<ExecutorService> threads, int ranks, String what, Part<T> part) throws Exception {
    List<Future<T>> parts = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      int mine = rank;
      Callable<T> call = () -> part.of(mine);
      parts.add(threads.get(rank).submit(call));
    }
    List<T> results = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      try {
        results.add(parts.get(rank).get(2 * SOON.toSeconds(), TimeUnit.SECONDS));
      } catch (TimeoutException e) {
        throw new AssertionError("rank " + rank + " is still in " + what + "", e);
      } catch (ExecutionException e) {
        throw new AssertionError("rank " + rank + " failed in " + what, e.getCause());
      }
    }
    return results;
  }
}
