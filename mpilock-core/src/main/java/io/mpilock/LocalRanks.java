/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.local.LocalCluster;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Runs ranks as threads of this JVM, over the local transport: to try ranked code, and to test it,
 * without a launcher.
 *
 * <pre>{@code
 * LocalRanks.run(4, controller -> {
 *   try (WriteLease write = controller.write()) {
 *     ...
 *   }
 * });
 * }</pre>
 *
 * @since 0.1.0
 */
public final class LocalRanks {
  private LocalRanks() {}

  /** What each rank runs. */
  @FunctionalInterface
  public interface RankBody {
    /**
     * Runs one rank.
     *
     * @param controller this rank's controller; closed afterwards
     * @throws Exception if the rank fails
     */
    void run(WindowController controller) throws Exception;
  }

  /**
   * Runs a body on each of some ranks, each on its own thread, and waits for all of them.
   *
   * @param size the number of ranks
   * @param body what each rank runs; its controller is closed afterwards, or abandoned if it throws
   * @throws Exception what a rank threw, the likely root first, with those of the others suppressed
   */
  public static void run(int size, RankBody body) throws Exception {
    run(size, ControllerOptions.defaults(), body);
  }

  /**
   * Runs a body on each of some ranks of one node, with options.
   *
   * @param size the number of ranks
   * @param options the controllers' options
   * @param body what each rank runs
   * @throws Exception what a rank threw, the likely root first, with those of the others suppressed
   */
  public static void run(int size, ControllerOptions options, RankBody body) throws Exception {
    run(new LocalCluster(size), options, body);
  }

  /**
   * Runs a body on each rank of several nodes, to try code as it runs on several hosts: ranks of
   * different nodes share no memory, and their locks go by messages.
   *
   * @param ranksPerNode the number of ranks on each node, which are numbered node by node: {@code
   *     {1, 3}} puts rank 0 on one node and ranks 1 to 3 on another
   * @param options the controllers' options
   * @param body what each rank runs
   * @throws Exception what a rank threw, the likely root first, with those of the others suppressed
   */
  public static void run(int[] ranksPerNode, ControllerOptions options, RankBody body)
      throws Exception {
    run(new LocalCluster(ranksPerNode), options, body);
  }

  /**
   * Runs a body on each rank of a local job, whose network the caller may disturb meanwhile.
   *
   * @param cluster the job; used for this run only
   * @param options the controllers' options
   * @param body what each rank runs
   * @throws Exception what a rank threw, the likely root first, with those of the others suppressed
   */
  public static void run(LocalCluster cluster, ControllerOptions options, RankBody body)
      throws Exception {
    List<Future<@Nullable Void>> results = new ArrayList<>();
    Exception failure = null;
    try (ExecutorService ranks =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().name("rank-", 0).factory())) {
      for (int rank = 0; rank < cluster.size(); rank++) {
        Communicator world = cluster.world(rank);
        results.add(ranks.submit(() -> runRank(world, options, body)));
      }
      for (Future<@Nullable Void> result : results) {
        failure = collect(result, failure);
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private static @Nullable Void runRank(
      Communicator world, ControllerOptions options, RankBody body) throws Exception {
    WindowController controller = WindowController.sync(world, options);
    try {
      body.run(controller);
    } catch (Throwable e) {
      controller.abandon();
      throw e;
    }
    controller.close();
    return null;
  }

  private static @Nullable Exception collect(
      Future<@Nullable Void> result, @Nullable Exception first) throws InterruptedException {
    try {
      result.get();
      return first;
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      Exception failure =
          cause instanceof Exception exception
              ? exception
              : new MpilockException("A rank failed.", cause);
      if (cause instanceof Error error) {
        throw error;
      }
      if (first == null) {
        return failure;
      }
      boolean consequence =
          first instanceof RankFailedException || first instanceof CollectiveMismatchException;
      Exception root = consequence ? failure : first;
      root.addSuppressed(consequence ? first : failure);
      return root;
    }
  }
}
