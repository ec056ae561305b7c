/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The one thread that calls MPI, but for what {@link PointToPoint} does: MPI wants to be finalised
 * by the thread that initialised it. A daemon, parked when idle.
 */
final class MpiThread {
  private static final Duration NEVER = Duration.ofDays(36_500);
  private static final Duration LOOK = Duration.ofMillis(200);

  private final ExecutorService executor =
      Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(null, task, "mpilock-mpi", 0, false);
        thread.setDaemon(true);
        // The thread outlives the application that first used it: do not hold its classes.
        thread.setContextClassLoader(null);
        return thread;
      });

  /** Runs a task on the thread and waits for it, however often the caller is interrupted. */
  <T> T call(Supplier<T> task) {
    return call(task, NEVER, waited -> {});
  }

  /**
   * The same, for a task that may wait for other ranks inside MPI.
   *
   * @param report told how long it has taken, each time that it has taken so long again
   */
  <T> T call(Supplier<T> task, Duration reportEvery, Consumer<Duration> report) {
    Future<T> future = executor.submit(task::get);
    long start = System.nanoTime();
    long next = reportEvery.toNanos();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return future.get(next - (System.nanoTime() - start), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (TimeoutException e) {
          report.accept(Duration.ofNanos(System.nanoTime() - start));
          next = System.nanoTime() - start + reportEvery.toNanos();
        } catch (ExecutionException e) {
          throw Downcalls.failed("MPI", e.getCause() == null ? e : e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * The same, for a task in which another rank may be waited for that never comes.
   *
   * @param look called now and then, throws if that is so
   * @param grace how long it may take all the same
   * @param stuck called if the task has not ended then; what look threw is thrown
   */
  <T> T callWatched(Supplier<T> task, Runnable look, Duration grace, Runnable stuck) {
    AtomicReference<@Nullable RuntimeException> failed = new AtomicReference<>();
    AtomicBoolean done = new AtomicBoolean();
    Duration[] since = {Duration.ZERO};
    try {
      return call(
          () -> {
            try {
              return task.get();
            } finally {
              done.set(true);
            }
          },
          LOOK,
          waited -> {
            try {
              look.run();
            } catch (RuntimeException e) {
              if (failed.compareAndSet(null, e)) {
                since[0] = waited;
              }
            }
            RuntimeException failure = failed.get();
            if (failure != null && waited.minus(since[0]).compareTo(grace) > 0) {
              throw failure;
            }
          });
    } catch (RuntimeException e) {
      if (e.equals(failed.get()) && !done.get()) {
        stuck.run();
      }
      throw e;
    }
  }

  void run(Runnable task) {
    boolean _ =
        call(() -> {
          task.run();
          return true;
        });
  }

  /** Runs a task on the thread, but does not wait for longer than this, nor for an error. */
  void tryRun(Runnable task, long millis) {
    try {
      executor.submit(task).get(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException | RuntimeException e) {
      // The caller has a harder way out.
    }
  }

  /** Lets the thread end when it has done what it was given. */
  void end() {
    executor.shutdown();
  }
}
