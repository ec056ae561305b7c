/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.ExitStatus;
import org.springframework.batch.core.job.AbstractJob;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.JobInterruptedException;
import org.springframework.batch.core.listener.JobExecutionListener;
import org.springframework.batch.core.scope.context.JobContext;
import org.springframework.batch.core.scope.context.JobSynchronizationManager;
import org.springframework.batch.core.step.AbstractStep;
import org.springframework.batch.core.step.Step;
import org.springframework.batch.core.step.StepExecution;
import org.springframework.batch.core.step.StoppableStep;
import org.springframework.batch.core.step.tasklet.StoppableTasklet;
import org.springframework.batch.core.step.tasklet.TaskletStep;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.context.SmartLifecycle;
import org.springframework.core.Ordered;

/**
 * Stops the batch jobs of a context that closes, as on SIGTERM, and makes the close wait for their
 * end: the controller, the meters and the data sources are still there while a job ends its chunk
 * and writes into its repository how it ended. The wait is in the first phase of the shutdown and
 * as long as {@code spring.lifecycle.timeout-per-shutdown-phase} allows.
 *
 * <p>Ranks receive a signal at different times. A job that was asked to stop, and failed only
 * because another rank had stopped before it, has stopped too and not failed.
 *
 * <p>It listens to every job that is a bean, first at the beginning and last at the end, so it
 * knows of the jobs of this process only: the repository may have those of all ranks.
 */
final class RunningJobs
    implements BeanPostProcessor, JobExecutionListener, SmartLifecycle, Ordered {
  private static final Log LOG = LogFactory.getLog(RunningJobs.class);

  private final boolean on;
  private final Map<String, AbstractJob> jobs = new ConcurrentHashMap<>();

  // Guarded by this object. No callback runs under its lock. A job is ended and asked to stop under
  // the lock that it has here, so its end is not overwritten by a stop that comes late.
  private final IdentityHashMap<JobExecution, Lock> running = new IdentityHashMap<>();
  private @Nullable Runnable whenNoneRuns;
  private boolean stopping;

  private final Correction correction = new Correction();

  /**
   * Watches the jobs of a context.
   *
   * @param on whether it does anything
   */
  RunningJobs(boolean on) {
    this.on = on;
  }

  /**
   * Puts right how a job ended, after the job's other listeners, but before the ranks tell each
   * other how it did.
   */
  private final class Correction implements JobExecutionListener, Ordered {
    @Override
    public int getOrder() {
      return HIGHEST_PRECEDENCE + 2;
    }

    @Override
    public void afterJob(JobExecution execution) {
      if (!isRunning()) {
        locked(execution, () -> correct(execution));
      }
    }
  }

  @Override
  public int getOrder() {
    return HIGHEST_PRECEDENCE;
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String beanName) {
    if (on && bean instanceof AbstractJob job) {
      jobs.put(job.getName(), job);
      job.registerJobExecutionListener(this);
      job.registerJobExecutionListener(correction);
    }
    return bean;
  }

  @Override
  public void beforeJob(JobExecution execution) {
    boolean late;
    synchronized (this) {
      running.put(execution, new ReentrantLock());
      late = stopping;
    }
    if (late) {
      stop(execution);
    }
  }

  /**
   * After its listeners Spring Batch writes the end into the repository, which needs its data
   * source; then it destroys the beans of the job's scope, and so tells of the end. Not if another
   * rank of this JVM has an execution with the same id, for then they share that scope.
   */
  @Override
  @SuppressWarnings("ReferenceEquality") // that of another rank may be equal
  public void afterJob(JobExecution execution) {
    JobContext scope = JobSynchronizationManager.getContext();
    if (scope != null && scope.getJobExecution() == execution) {
      scope.registerDestructionCallback(RunningJobs.class.getName(), () -> ended(execution));
    } else {
      ended(execution);
    }
  }

  private void ended(JobExecution execution) {
    synchronized (this) {
      running.remove(execution);
    }
    tellIfNoneRuns();
  }

  private void locked(JobExecution execution, Runnable action) {
    Lock lock;
    synchronized (this) {
      lock = running.getOrDefault(execution, new ReentrantLock());
    }
    lock.lock();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Spring Batch leaves STOPPING or STOPPED over what a step or the job came to while it was asked
   * to stop, and knows nothing of ranks.
   */
  private static void correct(JobExecution execution) {
    BatchStatus status = execution.getStatus();
    List<Throwable> failures = execution.getAllFailureExceptions();
    @Nullable Throwable own =
        failures.stream().filter(failure -> !isStop(failure)).findFirst().orElse(null);
    boolean isStopped = status == BatchStatus.STOPPING || status == BatchStatus.STOPPED;
    if (isStopped && own != null) {
      execution.setStatus(BatchStatus.FAILED);
      execution.setExitStatus(ExitStatus.FAILED.addExitDescription(own));
    } else if (own == null
        && failures.stream().anyMatch(JobEndingExceptionReporter::isOfAnotherRank)) {
      execution.setStatus(BatchStatus.STOPPED);
      execution.setExitStatus(
          ExitStatus.STOPPED.addExitDescription("Another rank had stopped before this one."));
    } else if (isStopped) {
      execution.setStatus(BatchStatus.STOPPED);
      execution.setExitStatus(execution.getExitStatus().and(ExitStatus.STOPPED));
    }
  }

  private static boolean isStop(Throwable failure) {
    return failure instanceof JobInterruptedException
        || failure.getCause() instanceof JobInterruptedException
        || JobEndingExceptionReporter.isOfAnotherRank(failure);
  }

  @Override
  public synchronized void start() {
    stopping = false;
  }

  @Override
  public synchronized boolean isRunning() {
    return !stopping;
  }

  @Override
  public void stop() {
    stop(() -> {});
  }

  @Override
  public void stop(Runnable callback) {
    List<JobExecution> executions;
    synchronized (this) {
      stopping = true;
      whenNoneRuns = callback;
      executions = List.copyOf(running.keySet());
    }
    executions.forEach(this::stop);
    tellIfNoneRuns();
  }

  private void stop(JobExecution execution) {
    LOG.info(
        "Stopping the job '%s': the application shuts down"
            .formatted(execution.getJobInstance().getJobName()));
    locked(
        execution,
        () -> {
          if (execution.getStatus().isRunning()) {
            execution.setStatus(BatchStatus.STOPPING);
            execution.getStepExecutions().stream()
                .filter(step -> step.getStatus().isRunning())
                .forEach(this::stop);
          }
        });
  }

  /**
   * Asks a step, whose thread looks at the mark after its chunk. It is not {@code
   * JobOperator.stop}: that also writes the step into the repository, at the same time as the
   * step's own thread, whose write is then refused as one of an older version, and the job fails.
   */
  private void stop(StepExecution execution) {
    execution.setTerminateOnly();
    AbstractJob job = jobs.get(execution.getJobExecution().getJobInstance().getJobName());
    Step step = job == null ? null : job.getStep(execution.getStepName());
    try {
      if (step instanceof TaskletStep tasklets
          && tasklets.getTasklet() instanceof StoppableTasklet tasklet) {
        tasklet.stop(execution);
      } else if (step instanceof StoppableStep stoppable && !(step instanceof AbstractStep)) {
        stoppable.stop(execution); // that of AbstractStep says that it has stopped
      }
    } catch (RuntimeException e) {
      LOG.warn("The step '%s' could not be stopped".formatted(execution.getStepName()), e);
    }
  }

  private void tellIfNoneRuns() {
    Runnable callback = null;
    synchronized (this) {
      if (running.isEmpty()) {
        callback = whenNoneRuns;
        whenNoneRuns = null;
      }
    }
    if (callback != null) {
      callback.run();
    }
  }
}
