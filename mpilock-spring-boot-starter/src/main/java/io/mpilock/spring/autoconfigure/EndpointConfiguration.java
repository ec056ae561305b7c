/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.WindowController;
import io.mpilock.spring.actuate.MpilockEndpoint;
import io.mpilock.spring.progress.WorkProgress;
import java.time.Clock;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The endpoint, where the application has Boot's actuator and makes it available. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass({Endpoint.class, ConditionalOnAvailableEndpoint.class})
class EndpointConfiguration {

  @Bean
  @ConditionalOnBean(WindowController.class)
  @ConditionalOnMissingBean
  @ConditionalOnAvailableEndpoint
  MpilockEndpoint mpilockEndpoint(
      WindowController controller, ObjectProvider<WorkProgress> progress) {
    return new MpilockEndpoint(controller, Clock.systemUTC(), progress.getIfAvailable());
  }
}
