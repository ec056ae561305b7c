/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.progress;

/**
 * Is told which work this rank takes part in. A bean of this type is called by all threads that
 * begin or end work; what {@link #begins} throws fails their step.
 *
 * @since 0.1.0
 */
public interface WorkListener {

  /**
   * A work begins on this rank.
   *
   * @param work the work
   */
  void begins(SharedWork work);

  /**
   * It has ended on this rank: there are no units left for it, or the step failed.
   *
   * @param work the work
   */
  void ended(SharedWork work);
}
