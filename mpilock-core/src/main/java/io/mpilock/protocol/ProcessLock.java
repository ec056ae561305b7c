package io.mpilock.protocol;

public final class ProcessLock {
  public String name() {
    return "";
  }

  public String quotedName() {
    return "";
  }

  public ThreadHold hold() {
    return new ThreadHold();
  }

  public long optimisticStamp() {
    return 0;
  }

  public boolean validate(long stamp) {
    return true;
  }

  public String describe() {
    return "";
  }
}
