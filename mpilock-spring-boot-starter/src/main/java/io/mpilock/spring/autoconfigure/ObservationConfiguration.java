/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.micrometer.observation.ObservationRegistry;
import io.mpilock.WindowController;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.observation.LockObservationConvention;
import io.mpilock.spring.observation.LockObservations;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.AnyNestedCondition;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;

/**
 * The template whose requests are observed, where the application has a registry of observations,
 * and traces or asks for it. Boot's actuator alone makes meters of every observation, and the locks
 * have meters of their own. To be imported before the plain template, whose place it takes.
 */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(ObservationRegistry.class)
@ConditionalOnBooleanProperty(name = "mpilock.enabled", matchIfMissing = true)
@ConditionalOnBooleanProperty(name = ObservationConfiguration.ENABLED, matchIfMissing = true)
@Conditional(ObservationConfiguration.Wanted.class)
class ObservationConfiguration {
  static final String ENABLED = "mpilock.observation.enabled";

  /** Whether there is a tracer, or the property asks for observations. */
  static final class Wanted extends AnyNestedCondition {
    Wanted() {
      super(ConfigurationPhase.REGISTER_BEAN);
    }

    @ConditionalOnBooleanProperty(ENABLED)
    static final class Asked {}

    @ConditionalOnBean(type = "io.micrometer.tracing.Tracer")
    static final class Traced {}
  }

  @Bean
  @ConditionalOnSingleCandidate(ObservationRegistry.class)
  @ConditionalOnMissingBean(LockTemplate.class)
  LockTemplate observedLockTemplate(
      WindowController controller,
      MpilockProperties properties,
      ObservationRegistry registry,
      ObjectProvider<LockObservationConvention> convention) {
    return LockObservations.template(controller, properties, registry, convention.getIfAvailable());
  }
}
