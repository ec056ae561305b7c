/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.mpj;

import io.mpilock.transport.Communicator;
import io.mpilock.transport.Transport;
import io.mpilock.transport.TransportSettings;
import java.util.Map;

/**
 * MPJ Express 0.44, an MPI in pure Java: for machines without an MPI library. The ranks are started
 * by any launcher, or by hand with {@code MPILOCK_RANK} and {@code MPILOCK_SIZE}.
 *
 * <p>MPJ Express is bound at run time, with class loaders of this transport's own: an application
 * that uses MPJ Express itself does not meet it.
 *
 * @since 0.1.0
 */
public final class MpjTransport implements Transport {
  private final Map<String, String> environment;

  /** Makes the transport; {@link java.util.ServiceLoader} calls it. */
  public MpjTransport() {
    this(System.getenv());
  }

  MpjTransport(Map<String, String> environment) {
    this.environment = environment;
  }

  @Override
  public String name() {
    return "mpj";
  }

  @Override
  public Communicator world(TransportSettings settings) {
    return MpjRuntime.world(settings, new JobEnvironment(environment));
  }
}
