/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

/** Is given notes and events in the form in which they are kept. */
@FunctionalInterface
interface NoteSink {
  /**
   * A note.
   *
   * @param kind what it is about, as {@link NoteKind} packs it
   * @param beginNanos when it was asked for, by {@link System#nanoTime()}
   * @param waitNanos the wait
   * @param holdNanos the hold
   * @param thread the name of the thread
   */
  void take(long kind, long beginNanos, long waitNanos, long holdNanos, String thread);
}
