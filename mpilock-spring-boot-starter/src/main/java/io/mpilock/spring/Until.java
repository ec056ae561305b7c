/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

/**
 * How long a write lasts that is taken in a transaction of Spring's.
 *
 * @since 0.1.0
 */
public enum Until {
  /** Until its body has ended: for what is not part of the transaction, such as a file. */
  BODY,

  /**
   * Until the transaction in which it was taken has completed, however it does: what was written in
   * it is not there for others before. Without a transaction until its body has ended.
   */
  TRANSACTION
}
