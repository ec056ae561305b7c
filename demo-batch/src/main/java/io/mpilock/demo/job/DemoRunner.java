package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.DemoProperties;
import io.mpilock.demo.store.JournalHead;
import java.io.IOException;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.JobExecutionException;
import org.springframework.batch.core.job.JobInstance;
import org.springframework.batch.core.job.parameters.JobParameters;
import org.springframework.batch.core.job.parameters.JobParametersBuilder;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.ApplicationArguments;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.ExitCodeGenerator;

/**
 * Runs the job on this rank, and turns its end into the exit status. A context that is closed by a
 * signal waits for it: after the last listener Spring Batch still writes the end to its repository.
 */
final class DemoRunner implements ApplicationRunner, ExitCodeGenerator, DisposableBean {
  /** The parameter that tells the work, which may take several runs. */
  static final String WORK = "work";

  private final JobOperator operator;
  private final JobRepository repository;
  private final Job job;
  private final DemoProperties properties;
  private final Locks locks;
  private final OutputFiles output;
  private final InstantSource clock;

  private static final long LONGEST_END_SECONDS = 10;

  private final Lock running = new ReentrantLock();
  private int exitCode = 1;

  DemoRunner(
      JobOperator operator,
      JobRepository repository,
      Job job,
      DemoProperties properties,
      Locks locks,
      OutputFiles output,
      InstantSource clock) {
    this.operator = operator;
    this.repository = repository;
    this.job = job;
    this.properties = properties;
    this.locks = locks;
    this.output = output;
    this.clock = clock;
  }

  /** Collective. */
  @Override
  public void run(ApplicationArguments arguments) throws JobExecutionException {
    running.lock();
    try {
      run();
    } finally {
      running.unlock();
    }
  }

  @Override
  public void destroy() throws InterruptedException {
    if (running.tryLock(LONGEST_END_SECONDS, TimeUnit.SECONDS)) {
      running.unlock();
    }
  }

  private void run() throws JobExecutionException {
    JobParameters parameters = parameters(locks.file().singleWrite(this::work));
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
    try {
      if (locks.shared() && !properties.fresh() && output.hasJournal()) {
        Optional<JournalHead> head = output.takeJournal().head();
        if (head.isPresent()) {
          return head.get().work();
        }
      }
    } catch (DemoException | IOException e) {
      // the first step takes it again, and says what is wrong
    }
    return clock.millis();
  }

  /** A run that goes on with the work of another one is to Spring Batch a restart of its job. */
  private JobParameters parameters(long work) {
    return new JobParametersBuilder()
        .addLong(WORK, work)
        .addLong("rank", (long) locks.rank())
        .addLong("size", (long) locks.size())
        .addString("input", properties.input(), false)
        .addString("output", properties.output(), false)
        .toJobParameters();
  }
}
