package io.mpilock.spring.autoconfigure;

import io.micrometer.observation.ObservationRegistry;
import io.mpilock.WindowController;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.observation.LockObservationConvention;
import io.mpilock.spring.observation.LockObservations;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * The template whose requests are observed, where the application has a registry of observations.
 * To be imported before the plain one, whose place it takes.
 */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(ObservationRegistry.class)
@ConditionalOnBooleanProperty(name = "mpilock.enabled", matchIfMissing = true)
class ObservationConfiguration {

  @Bean
  @ConditionalOnSingleCandidate(ObservationRegistry.class)
  @ConditionalOnMissingBean(LockTemplate.class)
  LockTemplate observedLockTemplate(
      WindowController controller,
      ObservationRegistry registry,
      ObjectProvider<LockObservationConvention> convention) {
    return LockObservations.template(controller, registry, convention.getIfAvailable());
  }
}
