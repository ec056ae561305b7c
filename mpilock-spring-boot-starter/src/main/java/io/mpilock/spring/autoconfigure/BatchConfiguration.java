/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.WindowController;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.ConfigurableEnvironment;

/** The orderly stop of batch jobs, where the application has Spring Batch. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(JobOperator.class)
@ConditionalOnBooleanProperty(name = BatchConfiguration.STOP, matchIfMissing = true)
class BatchConfiguration {
  static final String STOP = "mpilock.batch.stop-on-shutdown";

  @Bean
  @ConditionalOnBean(WindowController.class)
  @ConditionalOnSingleCandidate(JobOperator.class)
  static RunningJobs runningJobs(ConfigurableEnvironment environment) {
    @Nullable Boolean setting = Binder.get(environment).bind(STOP, Boolean.class).orElse(null);
    return new RunningJobs(SystemLauncher.isOn(setting, environment));
  }
}
