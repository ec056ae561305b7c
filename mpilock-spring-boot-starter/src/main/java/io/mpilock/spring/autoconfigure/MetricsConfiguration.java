/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.micrometer.core.instrument.MeterRegistry;
import io.mpilock.WindowController;
import io.mpilock.spring.metrics.MpilockMetrics;
import io.mpilock.spring.metrics.WorkMeters;
import org.springframework.beans.factory.config.BeanFactoryPostProcessor;
import org.springframework.boot.autoconfigure.AbstractDependsOnBeanFactoryPostProcessor;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.micrometer.metrics.export.prometheus.PrometheusPushGatewayManager;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;

/** The meters, where the application has Micrometer and a registry. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(MeterRegistry.class)
@ConditionalOnBooleanProperty(name = "mpilock.metrics.enabled", matchIfMissing = true)
class MetricsConfiguration {

  /**
   * Depends on both the controller and the registry, so it is closed before either: the meters are
   * gone when the controller closes.
   */
  @Bean(destroyMethod = "close")
  @Lazy(false)
  @ConditionalOnBean(WindowController.class)
  @ConditionalOnSingleCandidate(MeterRegistry.class)
  @ConditionalOnMissingBean
  MpilockMetrics mpilockMetrics(
      WindowController controller, MeterRegistry registry, MpilockProperties properties) {
    return MpilockMetrics.bind(
        controller, registry, properties.metrics().rankTag(), properties.metrics().maxResources());
  }

  /** Has meters where a step shares work. */
  @Bean(destroyMethod = "close")
  @ConditionalOnBean(WindowController.class)
  @ConditionalOnSingleCandidate(MeterRegistry.class)
  @ConditionalOnMissingBean
  WorkMeters mpilockWorkMeters(
      WindowController controller, MeterRegistry registry, MpilockProperties properties) {
    return new WorkMeters(
        registry, MpilockMetrics.tags(controller, properties.metrics().rankTag()));
  }

  /**
   * What pushes at the end, to a Pushgateway, depends on the meters, so that they are still there
   * then.
   */
  @Bean
  @ConditionalOnClass(
      name =
          "org.springframework.boot.micrometer.metrics.export.prometheus.PrometheusPushGatewayManager")
  static BeanFactoryPostProcessor pushBeforeTheMetersAreClosed() {
    return new AbstractDependsOnBeanFactoryPostProcessor(
        PrometheusPushGatewayManager.class, MpilockMetrics.class) {};
  }
}
