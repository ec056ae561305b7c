/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport;

import io.mpilock.failure.StartupException;

/**
 * A way for ranks to share words and find each other. Found with {@link java.util.ServiceLoader}; a
 * new transport is this interface, a {@link Communicator} and a {@link NodeWindow}, and it is right
 * when it passes the contract suite.
 *
 * @since 0.1.0
 */
public interface Transport {

  /**
   * The name that {@code mpilock.transport} selects it by.
   *
   * @return a short lower-case word, unique among the transports
   */
  String name();

  /**
   * Opens the communicator of all ranks of the job. Collective: every rank calls it.
   *
   * @param settings what the user configured and the launcher said
   * @return the communicator; the caller closes it
   * @throws StartupException if the transport cannot work here, with the remedy
   */
  Communicator world(TransportSettings settings);

  /**
   * Ends the whole job, on every rank, if this process reached the others by this transport and has
   * not left them, also in a {@link #world} that threw. Does not return then.
   *
   * @param status the exit status, not 0
   */
  default void abort(int status) {}
}
