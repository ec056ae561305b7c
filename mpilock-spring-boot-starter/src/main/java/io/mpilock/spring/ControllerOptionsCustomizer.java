/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring;

import io.mpilock.ControllerOptions;

/**
 * Changes the options of the controller before it opens. Beans of this type are asked in their
 * order, after the {@code mpilock.*} properties and a bean of type {@link io.mpilock.ShareCodec}.
 *
 * <p>What must be equal on all ranks must be so afterwards, too. The master, where it is not the
 * property {@code mpilock.master}, comes too late for conditions, profiles and logging, which are
 * decided before.
 *
 * @since 0.1.0
 */
@FunctionalInterface
public interface ControllerOptionsCustomizer {

  /**
   * Changes the options.
   *
   * @param options as the properties, and the customizers before this one, say
   * @return the options to use
   */
  ControllerOptions customize(ControllerOptions options);
}
