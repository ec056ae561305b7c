package io.mpilock.protocol;

import io.mpilock.transport.Communicator;
import io.mpilock.transport.Member;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;

/** Ranks of one node over a window that a test gives, all alive. */
record OneNode(int rank, int size, NodeWindow window) implements Communicator {
  private static final Member[] MEMBERS = {inNodeZero(0), inNodeZero(1), inNodeZero(2)};

  private static Member inNodeZero(int rank) {
    return new Member(rank, 0, "host", 1);
  }

  @Override
  public Member member(int rank) {
    return MEMBERS[rank];
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
    return window;
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
