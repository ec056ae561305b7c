package io.mpilock.spring.autoconfigure;

import io.mpilock.WindowController;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The orderly stop of batch jobs, where the application has Spring Batch. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(JobOperator.class)
@ConditionalOnBooleanProperty(name = "mpilock.batch.stop-on-shutdown", matchIfMissing = true)
class BatchConfiguration {

  @Bean
  @ConditionalOnBean(WindowController.class)
  @ConditionalOnSingleCandidate(JobOperator.class)
  static RunningJobs runningJobs() {
    return new RunningJobs();
  }
}
