package io.mpilock.protocol;

import org.jspecify.annotations.Nullable;

public final class FencedSection {
  public boolean isWriter() {
    return true;
  }

  public void awaitWriter() {}

  public void share(@Nullable Object value) {}

  public void complete() {}

  public void fail(Throwable t) {}

  public @Nullable Object collect() {
    return null;
  }

  public void close() {}
}
