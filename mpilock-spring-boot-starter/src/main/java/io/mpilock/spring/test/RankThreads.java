/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.test;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.SingleWriteFailedException;
import io.mpilock.transport.local.LocalCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The threads that play the ranks of one run, and how they ended. */
final class RankThreads {
  private static final Duration GRACE = Duration.ofSeconds(10);

  private final LocalCluster cluster;
  private final List<Thread> threads;
  private final AtomicReferenceArray<@Nullable Throwable> failures;

  /** What a rank does. */
  interface Body {
    void run(int rank) throws Throwable;
  }

  private record Failure(int rank, Throwable thrown) {
    /** With these another rank has the reason. */
    boolean isConsequence() {
      for (Throwable at = thrown; at != null; at = at.getCause()) {
        if (at instanceof RankFailedException
            || at instanceof CollectiveMismatchException
            || at instanceof SingleWriteFailedException) {
          return true;
        }
      }
      return false;
    }
  }

  private RankThreads(LocalCluster cluster, Body body) {
    this.cluster = cluster;
    this.failures = new AtomicReferenceArray<>(cluster.size());
    this.threads =
        IntStream.range(0, cluster.size())
            .mapToObj(rank ->
                Thread.ofPlatform()
                    .daemon() // one that cannot be ended does not keep the JVM
                    .name("rank-" + rank)
                    .unstarted(() -> play(rank, body)))
            .toList();
  }

  private void play(int rank, Body body) {
    try {
      body.run(rank);
    } catch (Throwable e) {
      failures.set(rank, e);
    }
  }

  /**
   * Runs the body on each rank, and waits for all of them.
   *
   * @throws AssertionError if a rank failed, named in the message, with the likely root as cause
   *     and the failures of the others suppressed; or if not all ended in time or before this
   *     thread was interrupted, with what each rank does. Then the ranks are killed.
   */
  static void run(LocalCluster cluster, Duration timeout, Body body) {
    RankThreads ranks = new RankThreads(cluster, body);
    ranks.threads.forEach(Thread::start);
    boolean interrupted = false;
    String hang = null;
    try {
      if (!ranks.join(timeout)) {
        hang = "The ranks did not end within " + timeout + ".";
      }
    } catch (InterruptedException e) {
      interrupted = true;
      hang = "The test was interrupted before its ranks ended.";
    }
    List<AssertionError> errors = ranks.errors();
    if (hang != null) {
      errors.add(new AssertionError(hang + ranks.dump()));
      interrupted |= ranks.end();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (!errors.isEmpty()) {
      AssertionError root = errors.getFirst();
      errors.stream().skip(1).forEach(root::addSuppressed);
      throw root;
    }
  }

  private boolean join(Duration timeout) throws InterruptedException {
    long start = System.nanoTime();
    for (Thread thread : threads) {
      Duration left = timeout.minusNanos(System.nanoTime() - start);
      if (!thread.join(left.isNegative() ? Duration.ZERO : left)) {
        return false;
      }
    }
    return true;
  }

  /** The failures so far, those first that are no consequence of another. */
  private List<AssertionError> errors() {
    List<Failure> roots = new ArrayList<>();
    List<Failure> consequences = new ArrayList<>();
    for (int rank = 0; rank < threads.size(); rank++) {
      Throwable thrown = failures.get(rank);
      if (thrown != null) {
        Failure failure = new Failure(rank, thrown);
        (failure.isConsequence() ? consequences : roots).add(failure);
      }
    }
    roots.addAll(consequences);
    List<AssertionError> errors = new ArrayList<>();
    for (Failure failure : roots) {
      errors.add(
          new AssertionError(
              "Rank %d of %d failed: %s".formatted(failure.rank, threads.size(), failure.thrown),
              failure.thrown));
    }
    return errors;
  }

  private String dump() {
    StringBuilder text = new StringBuilder();
    for (int rank = 0; rank < threads.size(); rank++) {
      Thread thread = threads.get(rank);
      StackTraceElement[] frames = thread.getStackTrace();
      text.append("\nRank ").append(rank);
      if (frames.length == 0) {
        text.append(failures.get(rank) == null ? " has ended." : " has failed.");
        continue;
      }
      text.append(" is ").append(thread.getState()).append(':');
      for (StackTraceElement frame : frames) {
        text.append("\n    at ").append(frame);
      }
    }
    return text.toString();
  }

  /** Ends what still runs, and tells whether this thread was interrupted meanwhile. */
  private boolean end() {
    for (int rank = 0; rank < threads.size(); rank++) {
      if (threads.get(rank).isAlive()) {
        cluster.kill(rank); // ends its waits for locks
        threads.get(rank).interrupt(); // and others
      }
    }
    try {
      boolean _ = join(GRACE);
      return false;
    } catch (InterruptedException e) {
      return true;
    }
  }
}
