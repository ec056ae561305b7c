/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.WindowController;
import io.mpilock.spring.integration.MpilockLockRegistry;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.integration.support.locks.LockRegistry;

/** The lock registry, where the application has Spring Integration. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(LockRegistry.class)
@ConditionalOnBooleanProperty(name = "mpilock.integration.enabled", matchIfMissing = true)
class IntegrationConfiguration {

  @Bean
  @ConditionalOnBean(WindowController.class)
  @ConditionalOnMissingBean(LockRegistry.class)
  MpilockLockRegistry mpilockLockRegistry(
      WindowController controller, MpilockProperties properties) {
    return new MpilockLockRegistry(
        controller, properties.integration().prefix(), properties.integration().stripes());
  }
}
