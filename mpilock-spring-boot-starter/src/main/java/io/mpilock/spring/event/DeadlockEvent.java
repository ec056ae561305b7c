/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.event;

import io.mpilock.WindowController;
import org.springframework.context.ApplicationEvent;

/**
 * A request of this rank ends with {@link io.mpilock.failure.DeadlockException}, since it is the
 * latest in a cycle of waits; once for each cycle, on the rank whose request it is.
 *
 * @since 0.1.0
 */
public final class DeadlockEvent extends ApplicationEvent {
  private static final long serialVersionUID = 1L;

  private final String resource;
  private final String report;

  /**
   * Makes an event.
   *
   * @param controller whose job it is
   * @param resource the name of the resource that was asked for
   * @param report a text: who is in the cycle, and what each holds and waits for
   */
  public DeadlockEvent(WindowController controller, String resource, String report) {
    super(controller);
    this.resource = resource;
    this.report = report;
  }

  /**
   * Gives the name of the resource that was asked for.
   *
   * @return the name of the resource that was asked for
   */
  public String resource() {
    return resource;
  }

  /**
   * Gives a text: who is in the cycle, and what each holds and waits for.
   *
   * @return the text
   */
  public String report() {
    return report;
  }
}
