/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.autoconfigure.MpilockAutoConfiguration;
import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.listener.JobExecutionListener;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.batch.autoconfigure.BatchAutoConfiguration;
import org.springframework.boot.batch.autoconfigure.BatchJobLauncherAutoConfiguration;
import org.springframework.boot.batch.jdbc.autoconfigure.BatchJdbcAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * A job of one step, in repositories of the ranks' own. With {@code --cut-off} rank 0 does not come
 * to its end, and rank 1 is killed when it has ended and waits for rank 0.
 */
@Configuration(proxyBeanMethods = false)
@ImportAutoConfiguration({
  DataSourceAutoConfiguration.class,
  DataSourceTransactionManagerAutoConfiguration.class,
  TransactionAutoConfiguration.class,
  BatchJdbcAutoConfiguration.class,
  BatchAutoConfiguration.class,
  BatchJobLauncherAutoConfiguration.class,
  MpilockAutoConfiguration.class
})
class RestartingApplication {

  public static void main(String[] arguments) {
    System.exit(
        SpringApplication.exit(SpringApplication.run(RestartingApplication.class, arguments)));
  }

  @Bean
  Job job(JobRepository repository, LockTemplate locks, @Value("${cut-off:}") String cutOff) {
    boolean isCutOff = !cutOff.isEmpty();
    return new JobBuilder("nightly", repository)
        .listener(
            new JobExecutionListener() {
              @Override
              public void afterJob(JobExecution job) {
                if (isCutOff) {
                  Thread.ofPlatform()
                      .daemon()
                      .start(() -> killWhenItRunsAgain(repository, job.getId()));
                }
              }
            })
        .start(
            new StepBuilder("part", repository)
                .tasklet((contribution, chunk) -> {
                  System.out.println("rank " + locks.rank() + " does its part");
                  if (isCutOff && locks.rank() == 0) {
                    new CountDownLatch(1).await();
                  }
                  return RepeatStatus.FINISHED;
                })
                .build())
        .build();
  }

  /** At first it is complete in the repository. */
  private static void killWhenItRunsAgain(JobRepository repository, long execution) {
    try {
      while (Objects.requireNonNull(repository.getJobExecution(execution)).getStatus()
          == BatchStatus.COMPLETED) {
        Thread.sleep(10);
      }
      new ProcessBuilder("kill", "-KILL", String.valueOf(ProcessHandle.current().pid())).start();
    } catch (InterruptedException | IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
