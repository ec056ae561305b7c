package io.mpilock.protocol;

import io.mpilock.transport.Communicator;

public final class ControllerCore {
  public static ControllerCore open(Communicator c, CoreSettings s) {
    return new ControllerCore();
  }

  public ProcessLock resource(String name) {
    return new ProcessLock();
  }

  public Collectives collectives() {
    return new Collectives();
  }

  public boolean isClosed() {
    return false;
  }

  public boolean close() {
    return true;
  }

  public boolean abandon() {
    return true;
  }
}
