/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

import java.util.Locale;

/**
 * How a resource is held.
 *
 * @since 0.1.0
 */
public enum LockMode {
  /** Shared with other readers. */
  READ,
  /** Exclusive over all threads of all ranks. */
  WRITE;

  /** Gives the word for people and meters: the name in lower case. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
