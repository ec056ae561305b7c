package io.mpilock.protocol;

import io.mpilock.transport.Communicator;
import io.mpilock.transport.Member;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;
import java.time.Duration;

/** One of two ranks of a node in a stress test; its window is given elsewhere. */
record StressRank(int rank) implements Communicator {
  static final CoreSettings SETTINGS =
      new CoreSettings(
          0,
          false,
          0,
          false,
          Duration.ofDays(1),
          Duration.ofSeconds(30),
          Duration.ofSeconds(4),
          1,
          (value, out) -> {},
          in -> null,
          (resource, report) -> {});

  @Override
  public int size() {
    return Slice.RANKS;
  }

  @Override
  public Member member(int rank) {
    return new Member(rank, 0, "host", 1);
  }

  @Override
  public boolean isAlive(int rank) {
    return true;
  }

  @Override
  public String description() {
    return "one node";
  }

  @Override
  public NodeWindow allocate(long wordsPerRank) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Communicator duplicate() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Communicator split(int color, int key) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void lost(int rank) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Messenger messenger(Runnable arrived) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void leaving(boolean now) {}

  @Override
  public boolean isLeaving(int rank) {
    return false;
  }

  @Override
  public void abort(int status) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}

  @Override
  public void abandon() {}
}
