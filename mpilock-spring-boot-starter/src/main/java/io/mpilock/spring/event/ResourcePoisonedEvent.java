/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.event;

import io.mpilock.WindowController;
import org.springframework.context.ApplicationEvent;

/**
 * No thread gets a resource any more, because its writer died; once for each, when this rank asks
 * for it.
 *
 * @since 0.1.0
 */
public final class ResourcePoisonedEvent extends ApplicationEvent {
  private static final long serialVersionUID = 1L;

  private final String resource;
  private final int rank;

  /**
   * Makes an event.
   *
   * @param controller whose job it is
   * @param resource the resource's name
   * @param rank the rank that wrote
   */
  public ResourcePoisonedEvent(WindowController controller, String resource, int rank) {
    super(controller);
    this.resource = resource;
    this.rank = rank;
  }

  /**
   * Gives the resource's name.
   *
   * @return the resource's name
   */
  public String resource() {
    return resource;
  }

  /**
   * Gives the rank that wrote.
   *
   * @return the rank that wrote
   */
  public int rank() {
    return rank;
  }
}
