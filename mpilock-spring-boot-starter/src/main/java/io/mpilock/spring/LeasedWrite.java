/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.failure.LockUseException;

/**
 * The write under which an action of {@link LockTemplate#writeWithLease(LeaseAction)} or {@link
 * LeasedRead#upgrade(LeaseAction)} runs. For its thread, and until the action has ended.
 *
 * @since 0.1.0
 */
public interface LeasedWrite {

  /**
   * The fencing token: larger than that of every earlier write of this resource in this job. A
   * store that remembers the largest it has seen can refuse a writer that lost its lock without
   * noticing.
   *
   * @return the token, at least 1; 0 without locks
   */
  long token();

  /**
   * Tells, in {@link LeasedRead#upgrade(LeaseAction)}, whether another write was granted after the
   * read was taken, so that what was read may be out of date.
   *
   * @return true if another write came in between; false for a plain write, and without locks
   */
  boolean intervened();

  /**
   * Ends the write and goes on with a read until the action has ended, so that other readers come
   * in, and no other writer. A write that a transaction keeps lets them in when that has completed,
   * unless the read has ended before. A second call does nothing.
   *
   * @throws LockUseException if this thread does not hold the write, or the action has ended
   */
  void downgrade();
}
