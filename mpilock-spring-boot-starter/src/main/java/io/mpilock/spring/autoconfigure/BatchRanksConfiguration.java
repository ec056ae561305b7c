/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.autoconfigure;

import io.mpilock.WindowController;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.batch.RankOutcomes;
import io.mpilock.spring.batch.RankRecovery;
import io.mpilock.spring.batch.RankRepositoryPostProcessor;
import io.mpilock.spring.batch.RankSlices;
import io.mpilock.spring.batch.RankWork;
import io.mpilock.spring.batch.WorkJournal;
import io.mpilock.spring.progress.ProgressDisplay;
import io.mpilock.spring.progress.ProgressMode;
import io.mpilock.spring.progress.WorkListener;
import io.mpilock.spring.progress.WorkProgress;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.job.AbstractJob;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.StepExecution;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Scope;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.util.ClassUtils;

/** The ranks in batch jobs, where the application has Spring Batch. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(JobOperator.class)
@ConditionalOnBean(JobRepository.class)
class BatchRanksConfiguration {
  static final String PARAMETERS = "mpilock.batch.rank-parameters";

  /** Without a proxy: beans of step scope take it, and others are told that they cannot. */
  @Bean
  @Scope("step")
  @ConditionalOnMissingBean
  RankSlices rankSlices(
      LockTemplate locks, @Value("#{stepExecution}") StepExecution step, JobRepository repository) {
    return new RankSlices(locks, step, repository);
  }

  /** As above. Where the application tells in which journal it is kept what is done. */
  @Bean
  @Scope("step")
  @ConditionalOnMissingBean
  RankWork rankWork(
      LockTemplate locks,
      @Value("#{stepExecution}") StepExecution step,
      ObjectProvider<WorkJournal> journals,
      ObjectProvider<Job> jobs,
      WorkProgress progress) {
    if (locks.size() > 1) {
      jobs.forEach(job -> RankWork.checkRepeatable(job, step));
    }
    return new RankWork(locks, step, journals.getObject(), progress);
  }

  @Bean
  @ConditionalOnMissingBean
  WorkProgress rankWorkProgress(ObjectProvider<WorkListener> listeners) {
    return new WorkProgress(listeners.orderedStream().toList());
  }

  /** On the master. */
  @Bean
  @Nullable ProgressDisplay rankWorkDisplay(MpilockProperties properties, LockTemplate locks) {
    ProgressMode mode = properties.batch().progress();
    if (mode == ProgressMode.NONE || locks.rank() != properties.master()) {
      return null;
    }
    boolean asBar =
        mode == ProgressMode.BAR
            && ClassUtils.isPresent(
                "me.tongfei.progressbar.ProgressBar", ProgressDisplay.class.getClassLoader());
    return new ProgressDisplay(asBar, System.out);
  }

  @Bean
  @ConditionalOnBooleanProperty(name = BatchRanksConfiguration.PARAMETERS, matchIfMissing = true)
  static RankRepositoryPostProcessor rankRepositoryPostProcessor(
      ConfigurableEnvironment environment) {
    @Nullable Boolean setting =
        Binder.get(environment).bind(PARAMETERS, Boolean.class).orElse(null);
    return new RankRepositoryPostProcessor(SystemLauncher.isOn(setting, environment));
  }

  /** The application adds it to a job, unless all jobs have it. */
  @Bean
  @ConditionalOnMissingBean
  RankOutcomes rankOutcomes(
      ObjectProvider<WindowController> controllers,
      JobRepository repository,
      MpilockProperties properties) {
    return new RankOutcomes(
        controllers.getIfAvailable(), repository, properties.batch().outcomeTimeout());
  }

  @Bean
  @ConditionalOnBooleanProperty("mpilock.batch.combine-outcomes")
  static BeanPostProcessor rankOutcomesOfAllJobs(ObjectProvider<RankOutcomes> outcomes) {
    return new BeanPostProcessor() {
      @Override
      public Object postProcessAfterInitialization(Object bean, String beanName) {
        if (bean instanceof AbstractJob job) {
          outcomes.ifAvailable(job::registerJobExecutionListener);
        }
        return bean;
      }
    };
  }

  /** In a repository that mpilock made, no other process runs jobs; in others only on request. */
  @Bean
  @Nullable RankRecovery rankRecovery(
      ObjectProvider<JobRepository> repositories,
      ObjectProvider<JobOperator> operators,
      ObjectProvider<LockTemplate> locks,
      ObjectProvider<Job> jobs,
      MpilockProperties properties,
      @Qualifier(RankRepositoryConfiguration.DATA_SOURCE) ObjectProvider<DataSource> own) {
    boolean isOwn = own.getIfAvailable() != null;
    @Nullable Boolean setting = properties.batch().recover();
    return (setting == null ? isOwn : setting)
        ? new RankRecovery(repositories, operators, locks, isOwn ? null : jobs)
        : null;
  }

  /** Where Boot makes the tables of Spring Batch. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(name = BatchSchemaLock.INITIALIZER)
  @Conditional(RanksCondition.class)
  static class Schema {

    @Bean
    static BatchSchemaLock batchSchemaLock(
        ObjectProvider<WindowController> controllers, ApplicationContext context) {
      return new BatchSchemaLock(
          controllers,
          ClassUtils.resolveClassName(BatchSchemaLock.INITIALIZER, context.getClassLoader()));
    }
  }
}
