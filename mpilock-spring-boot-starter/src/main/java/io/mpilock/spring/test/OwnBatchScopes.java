/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.test;

import java.util.function.Supplier;
import org.springframework.batch.core.scope.BatchScopeSupport;
import org.springframework.batch.core.scope.JobScope;
import org.springframework.batch.core.scope.StepScope;
import org.springframework.beans.factory.config.BeanFactoryPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.support.BeanDefinitionBuilder;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;

/**
 * Gives a rank's context the scopes of Spring Batch for itself. Spring Batch has one object of each
 * for all contexts of a JVM, which makes beans under its lock: ranks in one JVM that meet while
 * they make a bean of step scope would wait for each other.
 */
final class OwnBatchScopes implements BeanFactoryPostProcessor {
  /** Some class of Spring Batch that this one needs. */
  static final String NEEDED = "org.springframework.batch.core.scope.StepScope";

  /** Comes before the scopes have registered themselves. */
  @Override
  public void postProcessBeanFactory(ConfigurableListableBeanFactory beans) {
    replace(beans, "stepScope", StepScope.class, StepScope::new);
    replace(beans, "jobScope", JobScope.class, JobScope::new);
  }

  private static <T extends BatchScopeSupport> void replace(
      ConfigurableListableBeanFactory beans, String name, Class<T> type, Supplier<T> scope) {
    if (beans.containsBeanDefinition(name) && beans.isTypeMatch(name, type)) {
      BeanDefinitionRegistry registry = (BeanDefinitionRegistry) beans;
      registry.removeBeanDefinition(name);
      registry.registerBeanDefinition(
          name,
          BeanDefinitionBuilder.genericBeanDefinition(
                  type,
                  () -> {
                    T made = scope.get();
                    made.setAutoProxy(false); // as Spring Batch has it
                    return made;
                  })
              .getBeanDefinition());
    }
  }
}
