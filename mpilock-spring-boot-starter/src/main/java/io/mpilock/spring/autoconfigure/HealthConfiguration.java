/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.WindowController;
import io.mpilock.spring.actuate.MpilockHealthIndicator;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The health contributor {@code mpilock}, where the application has Boot's health. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass({HealthIndicator.class, ConditionalOnEnabledHealthIndicator.class})
class HealthConfiguration {

  @Bean
  @ConditionalOnBean(WindowController.class)
  @ConditionalOnMissingBean(name = "mpilockHealthIndicator")
  @ConditionalOnEnabledHealthIndicator("mpilock")
  HealthIndicator mpilockHealthIndicator(WindowController controller) {
    return new MpilockHealthIndicator(controller);
  }
}
