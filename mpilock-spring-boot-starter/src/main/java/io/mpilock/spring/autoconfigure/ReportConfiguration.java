/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The report at the end of the job, unless it is refused. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBooleanProperty(name = "mpilock.report.enabled", matchIfMissing = true)
class ReportConfiguration {

  @Bean
  static ReportAtTheEnd reportAtTheEnd(
      ConfigurableApplicationContext context, ObjectProvider<MpilockProperties> properties) {
    return new ReportAtTheEnd(context, properties);
  }
}
