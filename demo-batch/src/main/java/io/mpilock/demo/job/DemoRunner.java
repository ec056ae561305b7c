package io.mpilock.demo.job;

import io.mpilock.demo.DemoProperties;
import io.mpilock.failure.MpilockException;
import java.io.PrintStream;
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

/**
 * Runs the job on this rank, and turns its end into the exit status. A failure is told once: by the
 * master, before any rank ends, because a launcher kills the others as soon as one has failed.
 */
final class DemoRunner implements ApplicationRunner, ExitCodeGenerator {
  private final JobOperator operator;
  private final Job job;
  private final DemoProperties properties;
  private final Locks locks;
  private final RankRun run;
  private final OutputFiles output;
  private final PrintStream err;

  private int exitCode = 1;

  DemoRunner(
      JobOperator operator,
      Job job,
      DemoProperties properties,
      Locks locks,
      RankRun run,
      OutputFiles output,
      PrintStream err) {
    this.operator = operator;
    this.job = job;
    this.properties = properties;
    this.locks = locks;
    this.run = run;
    this.output = output;
    this.err = err;
  }

  @Override
  public void run(ApplicationArguments arguments) throws JobExecutionException {
    JobExecution execution = operator.start(job, parameters());
    if (execution.getStatus() == BatchStatus.COMPLETED) {
      exitCode = 0;
      return;
    }
    conclude(
        run.failure()
            .orElseGet(() -> new JobFailure("The job ended as " + execution.getStatus(), false)));
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

  private void conclude(JobFailure failure) {
    if (failure.agreed()) {
      try {
        locks
            .ranks()
            .singleWrite(() -> {
              tell(failure);
              return null;
            });
        return;
      } catch (MpilockException e) {
        // a rank ended meanwhile; go on alone
      }
    }
    if (!locks.shared() || locks.isMaster() || locks.rank() == firstButMaster()) {
      tell(failure);
    }
  }

  /** Without agreement the master may be the one that died, so another rank speaks as well. */
  private int firstButMaster() {
    return locks.master() == 0 ? 1 : 0;
  }

  private void tell(JobFailure failure) {
    output.close();
    err.println("demo-batch failed: " + failure.message());
    err.flush();
  }
}
