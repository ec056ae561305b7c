/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.event;

import io.mpilock.WindowController;
import org.springframework.context.ApplicationEvent;

/**
 * A rank is dead, has given itself up, or cannot be reached, as this rank came to know; once for
 * each.
 *
 * @since 0.1.0
 */
public final class RankFailedEvent extends ApplicationEvent {
  private static final long serialVersionUID = 1L;

  private final int rank;
  private final String report;

  /**
   * Makes an event.
   *
   * @param controller whose job it is
   * @param rank the rank
   * @param report what is known, in words
   */
  public RankFailedEvent(WindowController controller, int rank, String report) {
    super(controller);
    this.rank = rank;
    this.report = report;
  }

  /**
   * Gives the rank.
   *
   * @return the rank
   */
  public int rank() {
    return rank;
  }

  /**
   * Gives what is known, in words.
   *
   * @return what is known, in words
   */
  public String report() {
    return report;
  }
}
