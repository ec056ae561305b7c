/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.job.model;

/** A property that does not hold. */
final class Violation extends RuntimeException {
  private static final long serialVersionUID = 1;

  static final String EXCLUSION = "exclusion";
  static final String RECORD = "permissions agree with the home's record";
  static final String PROGRESS = "whoever does not give up is granted";
  static final String ENDS = "no endless exchange of messages";
  static final String ORDER = "writers in the order in which the home saw them";
  static final String WRITERS_FIRST = "no read after a write was requested";
  static final String TOKENS = "tokens grow by one";
  static final String VALUES = "a counter stands at what was counted";
  static final String NO_TRACE = "who gave up leaves no trace";
  static final String POISON = "nobody gets in after a writer's death, and all are told";
  static final String TRIES = "a try waits for nobody's hold";
  static final String FREE = "a try of what is free succeeds";

  private final String property;

  Violation(String property, String message) {
    super(property + ": " + message, null, false, false);
    this.property = property;
  }

  String property() {
    return property;
  }
}
