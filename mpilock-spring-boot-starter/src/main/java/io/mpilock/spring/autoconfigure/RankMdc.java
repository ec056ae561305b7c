/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import org.slf4j.MDC;

/** The keys of the MDC that identify the rank in its log. */
final class RankMdc {
  /** Beside the name of the class, to look for it without loading this one. */
  static final String NEEDED = "org.slf4j.MDC";

  private RankMdc() {}

  /** Puts the rank, and the number of ranks if it is known, into the MDC of the calling thread. */
  static void put(JobPosition position) {
    MDC.put(LauncherEnvironmentPostProcessor.RANK, Integer.toString(position.rank()));
    if (position.size() >= 1) {
      MDC.put(LauncherEnvironmentPostProcessor.SIZE, Integer.toString(position.size()));
    }
  }
}
