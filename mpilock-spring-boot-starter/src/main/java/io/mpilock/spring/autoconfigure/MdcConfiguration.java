/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import org.slf4j.MDC;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Fallback;
import org.springframework.core.env.Environment;
import org.springframework.core.task.TaskDecorator;

/** The rank in the MDC of the threads of Boot's executors and schedulers, if there are several. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(MDC.class)
@ConditionalOnProperty(LauncherEnvironmentPostProcessor.RANK)
@Conditional(RanksCondition.class)
@ConditionalOnBooleanProperty(name = RankDefaults.LOG_RANK, matchIfMissing = true)
class MdcConfiguration {

  /**
   * It stays in the thread: that is this rank's. A fallback, so that it does not replace the
   * application's own.
   */
  @Bean
  @Fallback
  static TaskDecorator rankTaskDecorator(Environment environment) {
    JobPosition position = JobPosition.of(Binder.get(environment));
    return task ->
        position.mayHavePeers()
            ? () -> {
              RankMdc.put(position);
              task.run();
            }
            : task;
  }
}
