package io.mpilock.demo.job;

import io.mpilock.failure.MpilockException;
import java.io.PrintStream;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.ExitStatus;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.listener.JobExecutionListener;

/**
 * Tells why the job did not come to its end. Once: by the master, before any rank's job is over,
 * because a launcher kills the others as soon as one has failed, and a shutdown waits for the job
 * and no longer.
 */
final class EndReport implements JobExecutionListener {
  private final RankAgreement agreement;
  private final Locks locks;
  private final RankRun run;
  private final OutputFiles output;
  private final PrintStream err;

  EndReport(
      RankAgreement agreement, Locks locks, RankRun run, OutputFiles output, PrintStream err) {
    this.agreement = agreement;
    this.locks = locks;
    this.run = run;
    this.output = output;
    this.err = err;
  }

  /** Collective. */
  @Override
  public void afterJob(JobExecution execution) {
    if (run.isPublished()) {
      execution.setStatus(BatchStatus.COMPLETED); // too late to stop
      execution.setExitStatus(ExitStatus.COMPLETED);
      return;
    }
    agreement.agree(Outcome.of(locks.rank(), execution));
    run.earlyEnd()
        .ifPresent(end -> {
          execution.setStatus(end.status());
          tell(end);
        });
  }

  private void tell(EarlyEnd end) {
    if (end.agreed()) {
      try {
        locks
            .ranks()
            .singleWrite(() -> {
              print(end);
              return null;
            });
        return;
      } catch (MpilockException e) {
        // a rank ended meanwhile; go on alone
      }
    }
    int teller = locks.master();
    if (end.masterDied()) {
      teller = locks.master() == 0 ? 1 : 0;
    }
    if (!locks.shared() || locks.rank() == teller) {
      print(end);
    }
  }

  private void print(EarlyEnd end) {
    String kept = output.end();
    err.println(end.text());
    if (!kept.isEmpty()) {
      err.println(kept);
    }
    err.flush();
  }
}
