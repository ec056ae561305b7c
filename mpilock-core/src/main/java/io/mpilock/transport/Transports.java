package io.mpilock.transport;

public final class Transports {
  public static Communicator open(String name, TransportSettings settings) {
    throw new IllegalStateException(name + settings);
  }
}
