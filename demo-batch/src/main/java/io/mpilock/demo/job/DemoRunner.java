/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.DemoProperties;
import io.mpilock.demo.store.Output;
import java.io.IOException;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.JobExecutionException;
import org.springframework.batch.core.job.JobInstance;
import org.springframework.batch.core.job.parameters.JobParameters;
import org.springframework.batch.core.job.parameters.JobParametersBuilder;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.boot.ApplicationArguments;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.ExitCodeGenerator;
import org.springframework.stereotype.Component;

/** Runs the job on this rank, and turns its end into the exit status. */
@Component
final class DemoRunner implements ApplicationRunner, ExitCodeGenerator {
  private final JobOperator operator;
  private final JobRepository repository;
  private final Job job;
  private final DemoProperties properties;
  private final RankRun run;
  private final Output output;
  private int exitCode = 1;

  DemoRunner(
      JobOperator operator,
      JobRepository repository,
      Job job,
      DemoProperties properties,
      RankRun run,
      Output output) {
    this.operator = operator;
    this.repository = repository;
    this.job = job;
    this.properties = properties;
    this.run = run;
    this.output = output;
  }

  /** Collective. A run that goes on with the work of another one is a restart to Spring Batch. */
  @Override
  public void run(ApplicationArguments arguments) throws JobExecutionException {
    long work = run.file.singleWrite(this::work);
    run.work(work);
    JobParameters parameters =
        new JobParametersBuilder()
            .addLong("work", work)
            .addLong("rank", (long) run.rank())
            .addLong("size", (long) run.size())
            .addString("input", properties.input(), false)
            .addString("output", properties.output(), false)
            .toJobParameters();
    JobInstance known = repository.getJobInstance(job.getName(), parameters);
    if (known != null) {
      repository.getJobExecutions(known).stream()
          .filter(JobExecution::isRunning) // as those who look see it: it was killed
          .forEach(operator::recover);
    }
    JobExecution execution = operator.start(job, parameters);
    exitCode = execution.getStatus() == BatchStatus.COMPLETED ? 0 : 1;
  }

  @Override
  public int getExitCode() {
    return exitCode;
  }

  /** Finds out whether there is work to go on with. On the master alone. */
  private long work() {
    long now = System.currentTimeMillis();
    try {
      return run.sharesLocks && !properties.fresh() ? output.unfinishedWork().orElse(now) : now;
    } catch (DemoException | IOException e) {
      return now; // the first step takes it again, and says what is wrong
    }
  }
}
