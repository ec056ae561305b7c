/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.event;

import io.mpilock.WindowController;
import org.springframework.context.ApplicationEvent;

/**
 * A wait of this rank has lasted for {@code mpilock.stall-warning}; once for a resource and such a
 * time.
 *
 * @since 0.1.0
 */
public final class LockStalledEvent extends ApplicationEvent {
  private static final long serialVersionUID = 1L;

  private final String resource;
  private final String report;

  /**
   * Makes an event.
   *
   * @param controller whose job it is
   * @param resource the resource's name; empty for a wait that is for none
   * @param report a text: who waits, who holds it and who else waits
   */
  public LockStalledEvent(WindowController controller, String resource, String report) {
    super(controller);
    this.resource = resource;
    this.report = report;
  }

  /**
   * Gives the resource's name.
   *
   * @return the resource's name; empty for a wait that is for none
   */
  public String resource() {
    return resource;
  }

  /**
   * Gives a text: who waits, who holds it and who else waits.
   *
   * @return the text
   */
  public String report() {
    return report;
  }
}
