/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.spring.annotation.LockAnnotationBeanPostProcessor;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.SearchStrategy;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** Locks by annotation, with or without real locks behind the template. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBooleanProperty(name = "mpilock.annotations.enabled", matchIfMissing = true)
class AnnotationConfiguration {

  /** Static, and needs no bean: what a post-processor needs is made before it can process it. */
  @Bean
  @ConditionalOnMissingBean(search = SearchStrategy.CURRENT) // it is for the beans of its context
  static LockAnnotationBeanPostProcessor lockAnnotationBeanPostProcessor(Environment environment) {
    LockAnnotationBeanPostProcessor processor = new LockAnnotationBeanPostProcessor();
    processor.setProxyTargetClass(
        environment.getProperty("spring.aop.proxy-target-class", Boolean.class, true));
    return processor;
  }
}
