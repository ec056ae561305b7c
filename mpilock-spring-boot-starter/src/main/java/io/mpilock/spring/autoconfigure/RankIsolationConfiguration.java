/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.batch.jdbc.autoconfigure.BatchJdbcProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.transaction.annotation.Isolation;

/**
 * Lets ranks create job instances in a repository that they share without serializable
 * transactions, which they would lose to each other. A rank's instances are its own, and a unique
 * key guards them. Read committed is what every database has. What the application sets stays.
 */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(BatchJdbcProperties.class)
@Conditional(RanksCondition.class)
class RankIsolationConfiguration {

  @Bean
  static BeanPostProcessor rankIsolation(ConfigurableEnvironment environment) {
    return new BeanPostProcessor() {
      @Override
      public @Nullable Object postProcessAfterInitialization(Object bean, String beanName) {
        if (bean instanceof BatchJdbcProperties properties
            && properties.getIsolationLevelForCreate() == null
            && SystemLauncher.position(environment).mayHavePeers()) {
          properties.setIsolationLevelForCreate(Isolation.READ_COMMITTED);
        }
        return bean;
      }
    };
  }
}
