package io.mpilock.transport.mpj;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits of the set-up, which an interrupt does not end, as in MPI; its status is kept. */
final class Waiting {
  private Waiting() {}

  /** For what ends by itself. */
  static <T> T uninterrupted(CompletableFuture<T> future) throws ExecutionException {
    try {
      return uninterrupted(future, Duration.ofDays(1));
    } catch (TimeoutException e) {
      throw new IllegalStateException("what was to end by itself did not", e);
    }
  }

  static <T> T uninterrupted(CompletableFuture<T> future, Duration longest)
      throws ExecutionException, TimeoutException {
    long deadline = System.nanoTime() + longest.toNanos();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return future.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
