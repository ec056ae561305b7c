/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock;

/**
 * Which requests go first when readers and writers wait for the same resource.
 *
 * @since 0.1.0
 */
public enum Fairness {
  /**
   * A read is not granted while a write is held or requested. Readers wait for as long as writers
   * keep coming.
   */
  WRITER_FIRST,
  /**
   * Readers that were waiting when a write ends go before the next writer, as one batch. Neither
   * side starves: a reader waits for one write at most, a writer for one batch of readers between
   * two writes.
   */
  PHASE_FAIR
}
