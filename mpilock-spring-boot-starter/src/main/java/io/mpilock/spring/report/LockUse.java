/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

import io.mpilock.LockMode;

/** How a resource was asked for. */
enum LockUse {
  READ(0, "read"),
  WRITE(1, "write"),

  /**
   * The writer's whole time counts as its hold, that of the others as their wait. The collective
   * calls without a lock are counted here, too, as waits of all.
   */
  SINGLE_WRITE(2, "single write");

  private final int code;
  private final String words;

  LockUse(int code, String words) {
    this.code = code;
    this.words = words;
  }

  static LockUse of(LockMode mode) {
    return mode == LockMode.READ ? READ : WRITE;
  }

  /** Whether a request of this kind waits for a hold of that kind. */
  boolean waitsFor(LockUse hold) {
    return this != READ || hold != READ;
  }

  /** Its number in what ranks send each other, and in the JSON; counted from 0 in this order. */
  int code() {
    return code;
  }

  @Override
  public String toString() {
    return words;
  }
}
