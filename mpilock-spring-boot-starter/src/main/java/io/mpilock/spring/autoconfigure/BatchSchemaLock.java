/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.WindowController;
import io.mpilock.WriteLease;
import java.util.HashMap;
import java.util.Map;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;

/**
 * Lets one rank after the other make Spring Batch's tables, under a write lock. Where the ranks
 * share a database all but the first find them there; at the same time they would meet each other's
 * half of it. Where each has its own it does no harm.
 */
final class BatchSchemaLock implements BeanPostProcessor {
  static final String INITIALIZER =
      "org.springframework.boot.batch.jdbc.autoconfigure.BatchDataSourceScriptDatabaseInitializer";

  private static final String RESOURCE = "mpilock.batch.schema";

  private final ObjectProvider<WindowController> controllers;
  private final Class<?> initializer;

  // Touched by the thread that starts the context.
  private final Map<String, WriteLease> leases = new HashMap<>();

  BatchSchemaLock(ObjectProvider<WindowController> controllers, Class<?> initializer) {
    this.controllers = controllers;
    this.initializer = initializer;
  }

  /** The tables are made between this and the next; if that fails, so does the context. */
  @Override
  public Object postProcessBeforeInitialization(Object bean, String beanName) {
    if (initializer.isInstance(bean)) {
      WindowController controller = controllers.getIfAvailable();
      if (controller != null) {
        leases.put(beanName, controller.resource(RESOURCE).write());
      }
    }
    return bean;
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String beanName) {
    WriteLease lease = leases.remove(beanName);
    if (lease != null) {
      lease.close();
    }
    return bean;
  }
}
