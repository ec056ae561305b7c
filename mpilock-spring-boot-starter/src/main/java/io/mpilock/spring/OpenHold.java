/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

/** A hold from its grant until its body ends. */
interface OpenHold extends AutoCloseable {

  /** The body has ended: ends the hold, unless a transaction keeps it. */
  @Override
  void close();

  /** The body has not begun, and does not: ends the hold. */
  void giveUp();
}
