/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

/**
 * A collective call that takes no lock, for listeners.
 *
 * @since 0.1.0
 */
public enum CollectiveCall {
  /** {@link WindowController#barrier()}. */
  BARRIER("barrier"),
  /** {@link WindowController#allGather(Object)}. */
  ALL_GATHER("allGather"),
  /** {@link WindowController#gather(Object)}. */
  GATHER("gather"),
  /** {@link WindowController#inOrder(LockedAction)}. */
  IN_ORDER("inOrder");

  private final String word;

  CollectiveCall(String word) {
    this.word = word;
  }

  /** Gives the word for people and meters: the name of the method. */
  @Override
  public String toString() {
    return word;
  }
}
