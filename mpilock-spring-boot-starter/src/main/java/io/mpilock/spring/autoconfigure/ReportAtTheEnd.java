/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.WindowController;
import io.mpilock.spring.report.LockReport;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.DestructionAwareBeanPostProcessor;
import org.springframework.boot.context.event.ApplicationFailedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Records what happens to a controller's locks from its first moment, and reports it at the last
 * one: when everything that depends on the controller, the application's beans and the meters, has
 * been destroyed, and directly before it is closed, within the time of that.
 *
 * <p>A context that failed gathers nothing, since it would wait for ranks that have no reason to
 * end: one whose refresh failed destroys its beans without being closed, and one that failed later
 * is told so by Boot. A rank that is alone waits for no other.
 */
final class ReportAtTheEnd
    implements DestructionAwareBeanPostProcessor, ApplicationListener<ApplicationFailedEvent> {
  private final ConfigurableApplicationContext context;
  private final ObjectProvider<MpilockProperties> properties;
  private final Map<WindowController, LockReport> reports = new ConcurrentHashMap<>();
  private volatile boolean failed;

  ReportAtTheEnd(
      ConfigurableApplicationContext context, ObjectProvider<MpilockProperties> properties) {
    this.context = context;
    this.properties = properties;
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String beanName) {
    if (bean instanceof WindowController controller) {
      MpilockProperties.Report settings = properties.getObject().report();
      if (settings.isOf(controller.size())) {
        reports.computeIfAbsent(controller, made -> LockReport.record(made, settings.events()));
      }
    }
    return bean;
  }

  @Override
  public void onApplicationEvent(ApplicationFailedEvent event) {
    failed = true;
  }

  @Override
  public boolean requiresDestruction(Object bean) {
    return bean instanceof WindowController;
  }

  @Override
  public void postProcessBeforeDestruction(Object bean, String beanName) {
    if (bean instanceof WindowController controller) {
      LockReport report = reports.remove(controller);
      if (report == null) {
        return;
      }
      boolean inOrder = context.isClosed() && !failed;
      if (!controller.isClosed() && (inOrder || controller.size() == 1)) {
        report.finish(properties.getObject().report().directory(), controller.beginShutdown());
      } else {
        report.discard();
      }
    }
  }
}
