/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.internal.call;

import org.jspecify.annotations.Nullable;

/** One rank's part in a collective call, from the decision to go until it is left. */
interface CallPart {

  /**
   * Takes what the part needs. If it throws, the caller is to {@link #end}.
   *
   * @param nanos what is left of the time
   */
  void begin(long nanos);

  /**
   * Ends this rank's part, so that the others go on. Where it was cut short it goes on, if it is
   * called again.
   *
   * @param why the reason, if it ends in a failure that is not noted yet
   */
  void end(@Nullable Throwable why);

  /**
   * Tells the outcome; nobody hears what is thrown at that.
   *
   * @param failure what the caller gets, or null
   */
  void tellOutcome(@Nullable Throwable failure);
}
