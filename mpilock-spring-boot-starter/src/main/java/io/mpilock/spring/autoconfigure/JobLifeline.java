/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.WindowController;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.DestructionAwareBeanPostProcessor;
import org.springframework.beans.factory.support.AbstractBeanFactory;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * What connects a context's fate to the job's. It knows the context's controller, whoever defined
 * that bean, and outlives it: when a refresh fails, Spring destroys the beans before any listener
 * is called. A controller whose context never came up is abandoned instead of closed, since closing
 * waits for ranks that have no reason to close.
 */
final class JobLifeline implements DestructionAwareBeanPostProcessor {
  private final ConfigurableApplicationContext context;
  private volatile @Nullable WindowController controller;

  JobLifeline(ConfigurableApplicationContext context) {
    this.context = context;
  }

  /** Finds the nearest controller among a context and its parents, without making one. */
  static Optional<WindowController> controllerOf(@Nullable ApplicationContext context) {
    for (ApplicationContext at = context; at != null; at = at.getParent()) {
      if (at instanceof ConfigurableApplicationContext configurable
          && configurable.getBeanFactory() instanceof AbstractBeanFactory factory) {
        for (Object processor : factory.getBeanPostProcessors()) {
          if (processor instanceof JobLifeline lifeline && lifeline.controller != null) {
            return Optional.ofNullable(lifeline.controller);
          }
        }
      }
    }
    return Optional.empty();
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String beanName) {
    if (bean instanceof WindowController made) {
      controller = made;
    }
    return bean;
  }

  @Override
  public boolean requiresDestruction(Object bean) {
    return bean instanceof WindowController;
  }

  /** A context that destroys its beans without being closed is one whose refresh failed. */
  @Override
  public void postProcessBeforeDestruction(Object bean, String beanName) {
    if (!context.isClosed() && bean instanceof WindowController made) {
      made.abandon();
    }
  }
}
