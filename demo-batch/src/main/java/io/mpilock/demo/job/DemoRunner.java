package io.mpilock.demo.job;

import io.mpilock.demo.DemoProperties;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.JobExecutionException;
import org.springframework.batch.core.job.parameters.JobParameters;
import org.springframework.batch.core.job.parameters.JobParametersBuilder;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.boot.ApplicationArguments;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.ExitCodeGenerator;

/** Runs the job on this rank, and turns its end into the exit status. */
final class DemoRunner implements ApplicationRunner, ExitCodeGenerator {
  private final JobOperator operator;
  private final Job job;
  private final DemoProperties properties;
  private final Locks locks;

  private int exitCode = 1;

  DemoRunner(JobOperator operator, Job job, DemoProperties properties, Locks locks) {
    this.operator = operator;
    this.job = job;
    this.properties = properties;
    this.locks = locks;
  }

  @Override
  public void run(ApplicationArguments arguments) throws JobExecutionException {
    JobExecution execution = operator.start(job, parameters());
    exitCode = execution.getStatus() == BatchStatus.COMPLETED ? 0 : 1;
  }

  @Override
  public int getExitCode() {
    return exitCode;
  }

  private JobParameters parameters() {
    return new JobParametersBuilder()
        .addLong("rank", (long) locks.rank())
        .addLong("size", (long) locks.size())
        .addString("input", properties.input())
        .addString("output", properties.output())
        .toJobParameters();
  }
}
