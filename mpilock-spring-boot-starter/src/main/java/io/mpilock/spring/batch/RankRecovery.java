/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.spring.LockTemplate;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;

/**
 * Recovers, when the application starts, the executions of this rank that a killed process left
 * behind as running: they have failed, and so their jobs can be started again. Only for
 * repositories in which no other process runs these jobs as this rank. Executions that tell no rank
 * are those of a rank that is alone.
 *
 * @since 0.1.0
 */
public final class RankRecovery implements SmartInitializingSingleton {
  private static final Log LOG = LogFactory.getLog(RankRecovery.class);

  private final ObjectProvider<JobRepository> repositories;
  private final ObjectProvider<JobOperator> operators;
  private final ObjectProvider<LockTemplate> locks;
  private final @Nullable ObjectProvider<Job> jobs;

  /**
   * Makes a recovery, which finds its beans when all are there.
   *
   * @param repositories the repository
   * @param operators what recovers
   * @param locks tells this rank
   * @param jobs the jobs whose executions are recovered; if null, those of all in the repository
   */
  public RankRecovery(
      ObjectProvider<JobRepository> repositories,
      ObjectProvider<JobOperator> operators,
      ObjectProvider<LockTemplate> locks,
      @Nullable ObjectProvider<Job> jobs) {
    this.repositories = repositories;
    this.operators = operators;
    this.locks = locks;
    this.jobs = jobs;
  }

  @Override
  public void afterSingletonsInstantiated() {
    JobRepository repository = repositories.getObject();
    for (String job : repository.getJobNames()) {
      if (jobs == null || jobs.stream().anyMatch(known -> known.getName().equals(job))) {
        repository.findRunningJobExecutions(job).stream()
            .filter(this::isOfThisRank)
            .forEach(this::recover);
      }
    }
  }

  private boolean isOfThisRank(JobExecution execution) {
    LockTemplate here = locks.getObject();
    @Nullable Long rank = execution.getJobParameters().getLong(RankRepositoryPostProcessor.RANK);
    return rank == null ? here.size() == 1 : rank == here.rank();
  }

  private void recover(JobExecution execution) {
    LOG.warn(
        ("The job '%s' was interrupted in its execution %d: it counts as failed,"
                + " and can be started again.")
            .formatted(execution.getJobInstance().getJobName(), execution.getId()));
    operators.getObject().recover(execution);
  }
}
