/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

/**
 * What happens to threads that wait for each other's locks in a cycle, and so for ever.
 *
 * @since 0.1.0
 */
public enum OnDeadlock {
  /**
   * The latest of their requests ends with {@link io.mpilock.failure.DeadlockException}, so that
   * the others can go on.
   */
  FAIL,
  /** A warning names them; they wait on. */
  WARN
}
