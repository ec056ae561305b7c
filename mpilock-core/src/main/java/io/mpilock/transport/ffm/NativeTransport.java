/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.transport.ffm;

import io.mpilock.failure.StartupException;
import io.mpilock.failure.StartupException.Problem;
import io.mpilock.transport.Communicator;
import io.mpilock.transport.Transport;
import io.mpilock.transport.TransportSettings;

/**
 * The MPI library of the machine, called through the Foreign Function and Memory API: Open MPI, or
 * MPICH and what shares its binary interface.
 *
 * <p>Where the application has initialised MPI itself, with MPI_THREAD_SERIALIZED or more, that is
 * used and not finalised. With MPI_THREAD_SERIALIZED the application makes no MPI call while it is
 * in a collective call of this transport, nor, on several nodes, as long as a communicator is open:
 * frames come and go at any time, on a thread of mpilock's own. An application that cannot keep to
 * that initialises MPI with MPI_THREAD_MULTIPLE.
 *
 * @since 0.1.0
 */
public final class NativeTransport implements Transport {

  /** Makes the transport; {@link java.util.ServiceLoader} calls it. */
  public NativeTransport() {}

  @Override
  public String name() {
    return "native";
  }

  @Override
  public Communicator world(TransportSettings settings) {
    try {
      return MpiRuntime.world(settings);
    } catch (IllegalCallerException e) {
      Module module = NativeTransport.class.getModule();
      String name = module.isNamed() ? module.getName() : "ALL-UNNAMED";
      throw new StartupException(
          Problem.NATIVE_ACCESS_DENIED,
          "The JVM does not allow mpilock to call the MPI library: " + e.getMessage() + ".",
          "Start java with --enable-native-access="
              + name
              + ", or put \"Enable-Native-Access: ALL-UNNAMED\" into the manifest of the"
              + " executable jar.",
          e);
    }
  }

  @Override
  public void abort(int status) {
    MpiRuntime.abortIfReached(status);
  }
}
