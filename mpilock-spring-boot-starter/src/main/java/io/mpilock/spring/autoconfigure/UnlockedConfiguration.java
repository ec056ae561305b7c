/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.spring.ControllerOptionsCustomizer;
import io.mpilock.spring.LockTemplate;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import org.springframework.core.env.ConfigurableEnvironment;

/** {@code mpilock.enabled=false}: a template without locks, and no MPI. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBooleanProperty(name = "mpilock.enabled", havingValue = false)
class UnlockedConfiguration {
  private static final Log LOG = LogFactory.getLog(MpilockAutoConfiguration.class);

  /** Not lazy, so that the warning is seen. */
  @Bean
  @Lazy(false)
  @ConditionalOnMissingBean
  LockTemplate lockTemplate(
      MpilockProperties properties,
      ObjectProvider<ControllerOptionsCustomizer> customizers,
      ConfigurableEnvironment environment,
      BeanFactory beanFactory) {
    JobPosition position = SystemLauncher.position(environment);
    LOG.warn(
        "mpilock.enabled is false: rank %d of %d runs every callback without a lock, and single writes run on every rank."
            .formatted(position.rank(), position.sizeAtLeast()));
    return LockTemplate.withoutLocks(
        position.rank(),
        position.sizeAtLeast(),
        LockingConfiguration.customized(
            properties.toOptions(SharePatterns.applicationPackages(beanFactory)), customizers));
  }
}
