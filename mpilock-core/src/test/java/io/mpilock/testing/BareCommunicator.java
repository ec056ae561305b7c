/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.testing;

import io.mpilock.transport.Communicator;
import io.mpilock.transport.Messenger;
import io.mpilock.transport.NodeWindow;

/**
 * A communicator of which the code under test needs a part only: all are alive and stay, there is
 * nothing to close, and what a test does not give is an error.
 */
public interface BareCommunicator extends Communicator {
  @Override
  default boolean isAlive(int rank) {
    return true;
  }

  @Override
  default String description() {
    return "of a test";
  }

  @Override
  default NodeWindow allocate(long wordsPerRank) {
    throw new UnsupportedOperationException();
  }

  @Override
  default Communicator duplicate() {
    throw new UnsupportedOperationException();
  }

  @Override
  default Communicator split(int color, int key) {
    throw new UnsupportedOperationException();
  }

  @Override
  default void lost(int rank) {
    throw new UnsupportedOperationException();
  }

  @Override
  default Messenger messenger(Runnable arrived) {
    throw new UnsupportedOperationException();
  }

  @Override
  default void leaving(boolean now) {}

  @Override
  default boolean isLeaving(int rank) {
    return false;
  }

  @Override
  default void abort(int status) {
    throw new UnsupportedOperationException();
  }

  @Override
  default void close() {}

  @Override
  default void abandon() {}
}
