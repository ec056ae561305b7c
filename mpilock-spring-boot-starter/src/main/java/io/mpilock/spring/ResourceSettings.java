/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link LockTemplate} does with a resource unless its caller says otherwise.
 *
 * @since 0.1.0
 */
@FunctionalInterface
public interface ResourceSettings {

  /**
   * Tells how long a write lasts that is taken in a transaction.
   *
   * @param resource the resource's name
   * @return until when
   */
  Until until(String resource);

  /**
   * Tells how long to wait for the lock. For single writes that must be the same on every rank.
   *
   * @param resource the resource's name
   * @return the longest time, zero not to wait; null for as long as it takes
   */
  default @Nullable Duration timeout(String resource) {
    return null;
  }
}
