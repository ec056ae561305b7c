/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

/**
 * What happens to a resource whose writer died inside its write.
 *
 * @since 0.1.0
 */
public enum OnHolderDeath {
  /**
   * No thread gets the resource again in this job, unless its poison is {@linkplain
   * ResourceLock#clearPoison cleared}: what the dead rank wrote may be half done. Every request for
   * it throws {@link io.mpilock.failure.RankFailedException}.
   */
  POISON,
  /** The resource is released to the next waiter, who must be able to live with half-done data. */
  RELEASE
}
