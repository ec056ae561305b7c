/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job;

/** What a node may do with a resource; each includes the ones before it. */
public enum Permission {
  /** Nothing. */
  NONE,
  /** Its ranks may read. Several nodes may have it at a time. */
  SHARED,
  /** Its ranks may read and write. No other node has any permission then. */
  EXCLUSIVE;

  boolean isBelow(Permission other) {
    return compareTo(other) < 0;
  }
}
