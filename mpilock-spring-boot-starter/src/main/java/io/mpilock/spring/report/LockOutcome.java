/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.report;

/** How a request ended. */
enum LockOutcome {
  GRANTED(0, "granted"),
  GAVE_UP(1, "gave up"),
  FAILED(2, "failed");

  private final int code;
  private final String words;

  LockOutcome(int code, String words) {
    this.code = code;
    this.words = words;
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
