/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.bench.peers;

import org.jspecify.annotations.Nullable;

/**
 * A lock as one client of it has it.
 *
 * @param name for people
 * @param reach what shares it
 * @param exclusive enters and leaves it alone
 * @param shared enters and leaves it beside others; null if it has no such form
 * @param connection what is open for it
 */
record Peer(
    String name,
    Reach reach,
    Entering exclusive,
    @Nullable Entering shared,
    AutoCloseable connection)
    implements AutoCloseable {

  /** Who is kept out. */
  enum Reach {
    /** The threads of one process: the clients are threads. */
    THREADS,
    /** All processes: the clients are ranks. */
    RANKS
  }

  /** Enters a lock, does something inside and leaves. */
  @FunctionalInterface
  interface Entering {
    /** Does it a number of times. */
    void times(int count, Runnable inside) throws Exception;
  }

  @Override
  public void close() throws Exception {
    connection.close();
  }
}
