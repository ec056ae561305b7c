/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Waits of the set-up, which an interrupt does not end, as in MPI; its status is kept. */
final class UninterruptedWait {
  private UninterruptedWait() {}

  /** For what ends by itself. */
  static <T> T uninterrupted(CompletableFuture<T> future) throws ExecutionException {
    try {
      return uninterrupted(future, Duration.ofDays(1));
    } catch (TimeoutException e) {
      throw new IllegalStateException("a wait that should have ended by itself did not", e);
    }
  }

  static <T> T uninterrupted(CompletableFuture<T> future, Duration longest)
      throws ExecutionException, TimeoutException {
    return uninterrupted(future, longest, longest, waited -> {});
  }

  /** The same, told how long it has taken each time that it has taken so long again. */
  static <T> T uninterrupted(
      CompletableFuture<T> future,
      Duration longest,
      Duration reportEvery,
      Consumer<Duration> report)
      throws ExecutionException, TimeoutException {
    long start = System.nanoTime();
    long next = reportEvery.toNanos();
    boolean interrupted = false;
    try {
      while (true) {
        long waited = System.nanoTime() - start;
        try {
          return future.get(Math.min(next, longest.toNanos()) - waited, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (TimeoutException e) {
          if (next >= longest.toNanos()) {
            throw e;
          }
          report.accept(Duration.ofNanos(System.nanoTime() - start));
          next += reportEvery.toNanos();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
