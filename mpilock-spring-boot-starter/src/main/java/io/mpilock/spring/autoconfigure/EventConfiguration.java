/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.WindowController;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;

/** Events of the application for what goes wrong in the job. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBean(WindowController.class)
class EventConfiguration {

  @Bean(destroyMethod = "close")
  @Lazy(false)
  JobEvents mpilockEvents(WindowController controller, ApplicationEventPublisher publisher) {
    return new JobEvents(controller, publisher);
  }
}
