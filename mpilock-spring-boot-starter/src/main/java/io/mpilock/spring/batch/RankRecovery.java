package io.mpilock.spring.batch;

import io.mpilock.spring.LockTemplate;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;

/**
 * Recovers, when the application starts, the executions of this rank that a killed process left
 * behind as running: they have failed, and so their jobs can be started again. Only for
 * repositories in which nobody else runs jobs as this rank.
 */
public final class RankRecovery implements SmartInitializingSingleton {
  private static final Log LOG = LogFactory.getLog(RankRecovery.class);

  private final ObjectProvider<JobRepository> repositories;
  private final ObjectProvider<JobOperator> operators;
  private final ObjectProvider<LockTemplate> locks;

  /**
   * Makes a recovery, which finds its beans when all are there.
   *
   * @param repositories the repository
   * @param operators what recovers
   * @param locks tells this rank
   */
  public RankRecovery(
      ObjectProvider<JobRepository> repositories,
      ObjectProvider<JobOperator> operators,
      ObjectProvider<LockTemplate> locks) {
    this.repositories = repositories;
    this.operators = operators;
    this.locks = locks;
  }

  @Override
  public void afterSingletonsInstantiated() {
    JobRepository repository = repositories.getObject();
    long rank = locks.getObject().rank();
    for (String job : repository.getJobNames()) {
      for (JobExecution execution : repository.findRunningJobExecutions(job)) {
        Long itsRank = execution.getJobParameters().getLong(RankRepositoryPostProcessor.RANK);
        if (itsRank != null && itsRank == rank) {
          LOG.warn(
              "The job '%s' was cut off in its execution %d: it counts as failed, and can be started again."
                  .formatted(job, execution.getId()));
          operators.getObject().recover(execution);
        }
      }
    }
  }
}
