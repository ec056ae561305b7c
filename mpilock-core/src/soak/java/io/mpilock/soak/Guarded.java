/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.soak;

import io.mpilock.ResourceLock;

/**
 * A resource: its lock and the part of the file that it guards.
 *
 * @param lock the lock
 * @param region the part of the file
 */
record Guarded(ResourceLock lock, Region region) {
  int number() {
    return region.number();
  }
}
