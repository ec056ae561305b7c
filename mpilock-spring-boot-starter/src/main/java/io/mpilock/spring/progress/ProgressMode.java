/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.progress;

/**
 * How the master shows how far a work is.
 *
 * @since 0.1.0
 */
public enum ProgressMode {
  /** Not at all. */
  NONE,
  /** A line in the log, every ten seconds and at the end. */
  LINES,
  /**
   * A bar on the standard output, by the library {@code me.tongfei:progressbar}, which the
   * application brings; without it lines.
   */
  BAR
}
