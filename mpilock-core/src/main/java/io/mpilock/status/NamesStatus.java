/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.status;

/**
 * How many names of resources a node knows, and how much of its shared memory they take. A name
 * that no rank needs any more gives its place back when others need it.
 *
 * @param names how many have a place, of which some may be needed no more
 * @param reclaimed how often a place was given back
 * @param fill how much of the room those take that a rank needs, or has needed until its last
 *     garbage collections, from 0 to 1
 * @since 0.1.0
 */
public record NamesStatus(long names, long reclaimed, double fill) {
  /** From here on a warning is due: a name for which there is no room is refused. */
  public static final double NEARLY_FULL = 0.8;

  /**
   * Whether there may soon be no room for a new name.
   *
   * @return true from {@link #NEARLY_FULL} on
   */
  public boolean isNearlyFull() {
    return fill >= NEARLY_FULL;
  }
}
