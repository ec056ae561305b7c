/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.JobListener;
import io.mpilock.WindowController;
import io.mpilock.spring.event.DeadlockEvent;
import io.mpilock.spring.event.LockStalledEvent;
import io.mpilock.spring.event.RankFailedEvent;
import io.mpilock.spring.event.ResourcePoisonedEvent;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.context.ApplicationEvent;
import org.springframework.context.ApplicationEventPublisher;

/**
 * Publishes what goes wrong in the job on a thread of its own, in order: the application's
 * listeners may lock, and who found out holds a place in a lock, or speaks for a node.
 */
final class JobEvents implements JobListener, AutoCloseable {
  private static final Log LOG = LogFactory.getLog(JobEvents.class);

  /** Listeners that take longer than events come lose the newest. */
  private static final int MOST_WAITING = 1000;

  private final WindowController controller;
  private final ApplicationEventPublisher publisher;

  /** Has no thread while there is nothing to publish. */
  private final ThreadPoolExecutor thread =
      new ThreadPoolExecutor(
          1,
          1,
          1,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(MOST_WAITING),
          Thread.ofPlatform().daemon().name("mpilock-events").factory(),
          new ThreadPoolExecutor.DiscardPolicy());

  JobEvents(WindowController controller, ApplicationEventPublisher publisher) {
    this.controller = controller;
    this.publisher = publisher;
    thread.allowCoreThreadTimeOut(true);
    controller.addListener(this);
  }

  @Override
  public void stalled(String resource, String report) {
    publish(new LockStalledEvent(controller, resource, report));
  }

  @Override
  public void rankFailed(int rank, String report) {
    publish(new RankFailedEvent(controller, rank, report));
  }

  @Override
  public void poisoned(String resource, int rank) {
    publish(new ResourcePoisonedEvent(controller, resource, rank));
  }

  @Override
  public void deadlocked(String resource, String report) {
    publish(new DeadlockEvent(controller, resource, report));
  }

  private void publish(ApplicationEvent event) {
    thread.execute(() -> {
      try {
        publisher.publishEvent(event);
      } catch (RuntimeException e) {
        LOG.warn("A listener to %s failed".formatted(event.getClass().getSimpleName()), e);
      }
    });
  }

  /** What is not published by now is not. */
  @Override
  public void close() {
    controller.removeListener(this);
    thread.shutdownNow();
  }
}
