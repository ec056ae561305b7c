/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.StartupException;
import io.mpilock.testing.Injection;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Three ranks that open a controller, and something that is thrown at one of them meanwhile. Loaded
 * by {@link io.mpilock.testing.InjectingLoader}, and called by its names.
 */
public final class OpeningScenario {
  /** Below the time after which an agent gives a node up that never spoke. */
  private static final Duration SOON =
      Duration.ofSeconds(Integer.getInteger("mpilock.injection.seconds", 20));

  private static final ControllerOptions OPTIONS =
      ControllerOptions.defaults().withShutdownTimeout(Duration.ofMillis(100));

  private static final int RANKS = 3;

  private static final BitSet PLACES = new BitSet();

  /** What a rank's sync came to: one of both. */
  private record Opened(@Nullable WindowController controller, @Nullable Throwable failure) {}

  private OpeningScenario() {}

  /** The places in the code that were come to since this was called before. */
  public static BitSet places() {
    BitSet places = (BitSet) PLACES.clone();
    PLACES.clear();
    return places;
  }

  /**
   * Opens, uses, closes, and opens once more.
   *
   * @param nodeOfRank a digit for each rank, its node
   * @param faulty the rank at which it is thrown
   * @param at the step to throw at, or the place, as {@link Injection#arm} has it
   * @param failure what to throw there
   * @return whether it came to that step
   */
  public static boolean run(String nodeOfRank, int faulty, long at, Throwable failure)
      throws Exception {
    LocalCluster cluster =
        LocalCluster.of(nodeOfRank.chars().map(Character::getNumericValue).toArray());
    List<ExecutorService> threads = new ArrayList<>();
    for (int rank = 0; rank < RANKS; rank++) {
      threads.add(Executors.newSingleThreadExecutor());
    }
    try {
      boolean[] thrown = new boolean[1];
      List<Opened> opened =
          onEach(
              threads,
              "sync",
              rank -> {
                Communicator world = cluster.world(rank);
                if (rank != faulty) {
                  return open(world);
                }
                Injection armed = Injection.arm(at, failure);
                try {
                  return open(world);
                } finally {
                  armed.disarm();
                  thrown[0] = armed.hasThrown();
                  PLACES.or(armed.places());
                }
              });
      Throwable own = opened.get(faulty).failure;
      for (int rank = 0; rank < RANKS; rank++) {
        checkTold(rank, faulty, own, opened.get(rank).failure);
      }
      onEach(threads, "the use of what is open", rank -> use(opened.get(rank), own));
      onEach(threads, "close", rank -> close(opened.get(rank).controller));
      List<Opened> again = onEach(threads, "another sync", rank -> open(cluster.world(rank)));
      boolean works = again.getFirst().failure == null;
      for (Opened each : again) {
        if (works != (each.failure == null)
            || (!works && !(each.failure instanceof RankFailedException))
            || (own == null && !works)) {
          throw new AssertionError("another sync: " + again);
        }
      }
      // To other nodes a rank that was lost once is lost for good.
      Throwable lost = cluster.nodes() > 1 ? own : null;
      onEach(threads, "the use of the second", rank -> use(again.get(rank), lost));
      onEach(threads, "another close", rank -> close(again.get(rank).controller));
      return thrown[0];
    } finally {
      threads.forEach(ExecutorService::shutdownNow);
    }
  }

  private static Opened open(Communicator world) {
    try {
      return new Opened(WindowController.sync(world, OPTIONS), null);
    } catch (Throwable e) {
      return new Opened(null, e);
    }
  }

  private static void checkTold(
      int rank, int faulty, @Nullable Throwable own, @Nullable Throwable failure) {
    if (rank == faulty || failure == null) {
      return;
    }
    if (own == null) {
      throw new AssertionError("rank " + rank + " was told of a failure that was none", failure);
    }
    if (own instanceof StartupException && failure instanceof StartupException) {
      return; // all alike
    }
    if (!(failure instanceof RankFailedException told)
        || told.rank() != faulty
        || !String.valueOf(told.getMessage()).contains("rank " + faulty)) {
      throw new AssertionError("rank " + rank + " was told something else", failure);
    }
  }

  /** Takes the write and takes part in a single write, as far as it is open. */
  private static boolean use(Opened opened, @Nullable Throwable own) {
    WindowController controller = opened.controller;
    if (controller == null) {
      return false;
    }
    try {
      controller.write(SOON).close();
      controller.singleWrite(() -> "shared");
    } catch (MpilockException e) {
      if (own == null) {
        throw e;
      }
    }
    return true;
  }

  private static boolean close(@Nullable WindowController controller) {
    if (controller != null) {
      try {
        controller.close();
      } catch (MpilockException told) {
        // that a rank is missing
      }
    }
    return true;
  }

  /** Where the threads of mpilock's are. */
  static String stacks() {
    StringBuilder text = new StringBuilder();
    Thread.getAllStackTraces()
        .forEach((thread, frames) -> {
          if (Stream.of(frames).anyMatch(f -> f.getClassName().startsWith("io.mpilock."))) {
            text.append("\n  ").append(thread.getName()).append(": ");
            Stream.of(frames).limit(14).forEach(f -> text.append("\n      ").append(f));
          }
        });
    return text.toString();
  }

  private interface Part<T> {
    T of(int rank) throws Exception;
  }

  private static <T> List<T> onEach(List<ExecutorService> threads, String what, Part<T> part)
      throws Exception {
    List<Future<T>> parts = new ArrayList<>();
    for (int rank = 0; rank < RANKS; rank++) {
      int mine = rank;
      Callable<T> call = () -> part.of(mine);
      parts.add(threads.get(rank).submit(call));
    }
    List<T> results = new ArrayList<>();
    for (int rank = 0; rank < RANKS; rank++) {
      try {
        results.add(parts.get(rank).get(SOON.toSeconds(), TimeUnit.SECONDS));
      } catch (TimeoutException e) {
        throw new AssertionError("rank " + rank + " is still in " + what + stacks(), e);
      } catch (ExecutionException e) {
        throw new AssertionError("rank " + rank + " failed in " + what, e.getCause());
      }
    }
    return results;
  }
}
