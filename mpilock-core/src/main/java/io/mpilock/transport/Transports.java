package io.mpilock.transport;

/** Replaced when the native transport is merged. */
public final class Transports {
  private Transports() {}

  /**
   * Opens.
   *
   * @param name the name
   * @param settings the settings
   * @return never
   */
  public static Communicator open(String name, TransportSettings settings) {
    throw new IllegalStateException(name + settings);
  }
}
