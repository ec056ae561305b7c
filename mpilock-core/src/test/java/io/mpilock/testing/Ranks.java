/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import io.mpilock.ControllerOptions;
import io.mpilock.LocalRanks;
import io.mpilock.transport.Communicator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The ranks that a contract test runs on: threads of this JVM, or this process as one rank among
 * those that a launcher started. A test's body runs on every rank either way.
 */
public interface Ranks {

  /** The number of ranks. */
  int size();

  /** Runs a body on every rank that lives in this process, each with a fresh controller. */
  void run(ControllerOptions options, LocalRanks.RankBody body) throws Exception;

  /** Runs a body on each rank's bare communicator. */
  void runBare(BareBody body) throws Exception;

  /** A folder that all ranks see, empty when the suite began. */
  Path folder();

  /** Words that all ranks share without protection; zero at first. */
  default SharedWords words(String name, int count) throws IOException {
    return SharedWords.open(folder().resolve(name), count);
  }

  default void run(LocalRanks.RankBody body) throws Exception {
    run(ControllerOptions.defaults(), body);
  }

  /** What a rank runs on a communicator. */
  @FunctionalInterface
  interface BareBody {
    void run(Communicator world) throws Exception;
  }

  /** Waits for a signal of another thread of this test; fails if it never comes. */
  static void await(CountDownLatch latch) {
    try {
      if (!latch.await(60, TimeUnit.SECONDS)) {
        throw new AssertionError("waited a minute in vain");
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
