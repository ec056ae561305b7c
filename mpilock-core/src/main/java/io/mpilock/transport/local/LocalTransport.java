/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.local;

import io.mpilock.transport.Communicator;
import io.mpilock.transport.Transport;
import io.mpilock.transport.TransportSettings;

/**
 * The transport {@code local}: this JVM alone is the job, with one rank.
 *
 * @since 0.1.0
 */
public final class LocalTransport implements Transport {

  /** Made by {@link java.util.ServiceLoader}. */
  public LocalTransport() {}

  @Override
  public String name() {
    return "local";
  }

  @Override
  public Communicator world(TransportSettings settings) {
    return new LocalCluster(1).world(0);
  }
}
