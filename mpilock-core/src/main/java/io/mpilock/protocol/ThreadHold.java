package io.mpilock.protocol;

public final class ThreadHold {
  public static final long FOREVER = Long.MAX_VALUE;

  public void checkOwner(String call) {}

  public void checkSoleRead() {}

  public boolean acquireRead(long nanos) {
    return true;
  }

  public boolean acquireWrite(long nanos) {
    return true;
  }

  public void releaseRead() {}

  public void releaseWrite() {}

  public long token() {
    return 0;
  }

  public boolean isHeld() {
    return false;
  }

  public boolean isReading() {
    return false;
  }

  public boolean isWriting() {
    return false;
  }

  public boolean waited() {
    return false;
  }

  public long readSince() {
    return 0;
  }

  public long writeSince() {
    return 0;
  }

  public long takeReadSince() {
    return 0;
  }

  public long takeWriteSince() {
    return 0;
  }

  public void since(boolean read, long now) {}
}
