/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.observation;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.mpilock.ResourceLock;
import io.mpilock.WindowController;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.ResourceSettings;
import io.mpilock.spring.metrics.MpilockMetrics;
import io.mpilock.spring.observation.LockObservationContext.Mode;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Makes observations of one rank's requests, for a {@link LockTemplate} whose requests are
 * observed. While nobody listens to the registry, a request costs one look at it.
 *
 * @since 0.1.0
 */
public final class LockObservations {
  private static final LockObservationConvention DEFAULT = new LockObservationConvention() {};

  /** The resources that were observed first. */
  private final Set<String> first = ConcurrentHashMap.newKeySet();

  private final WindowController controller;
  private final ObservationRegistry registry;
  private final @Nullable LockObservationConvention convention;

  private LockObservations(
      WindowController controller,
      ObservationRegistry registry,
      @Nullable LockObservationConvention convention) {
    this.controller = controller;
    this.registry = registry;
    this.convention = convention;
  }

  /**
   * Makes a template over a controller's default resource, as {@link LockTemplate#of} does, whose
   * requests are observed: reads and writes until they are granted, collective calls until their
   * common end. What runs inside such a call is inside its observation, too.
   *
   * @param controller whose locks to take; stays the caller's to close
   * @param settings what to do with a resource unless the caller says otherwise
   * @param registry who listens
   * @param convention what the observations are called and tell; null for the default
   * @return the template
   */
  public static LockTemplate template(
      WindowController controller,
      ResourceSettings settings,
      ObservationRegistry registry,
      @Nullable LockObservationConvention convention) {
    return LockTemplate.of(
        controller,
        settings,
        new ObservedRequests(new LockObservations(controller, registry, convention)));
  }

  /** Whether nobody listens. */
  boolean isOff() {
    return registry.isNoop();
  }

  LockObservationContext context(ResourceLock lock, Mode mode, int writer) {
    return new LockObservationContext(
        lock.name(), group(lock.name()), mode, controller.rank(), writer, lock.toString());
  }

  /** Of low cardinality values some handlers make meters, which stay for good. */
  private String group(String resource) {
    boolean isFirst =
        first.contains(resource)
            || (first.size() < MpilockMetrics.MOST_RESOURCES && first.add(resource));
    return isFirst ? resource : MpilockMetrics.OTHER;
  }

  Observation start(LockObservationContext context) {
    return Observation.start(convention, DEFAULT, () -> context, registry);
  }
}
