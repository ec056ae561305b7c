/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.store.Output;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.SingleWriteFailedException;
import java.io.Serializable;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.ExitStatus;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.JobInterruptedException;
import org.springframework.batch.core.listener.JobExecutionListener;
import org.springframework.batch.core.listener.StepExecutionListener;
import org.springframework.batch.core.step.StepExecution;
import org.springframework.stereotype.Component;

/**
 * Makes the ranks go through the job together: at certain points every rank learns how far all of
 * them have come, and if one failed or was stopped, all are. Without this, a rank that ended early
 * would leave the others waiting for it.
 *
 * <p>The points are the end of each step, the beginning of each tasklet, and, for a rank that was
 * stopped between two steps, the end of its job. They are all the same collective call, so a rank
 * may be at one of them and the next rank at another: signals reach ranks at different times, and
 * Spring Batch looks for them where it likes. What matters is that no rank makes any other
 * collective call between such a look and the next point. After a point that did not let all go on
 * there are none but the starter's at the end of the job, before which the master says why.
 */
@Component
final class RankAgreement implements StepExecutionListener, JobExecutionListener {
  private static final Logger LOG = LoggerFactory.getLogger(RankAgreement.class);

  /** The shutdown did not wait any longer, or a launcher ends the others after a death. */
  private static final String CUT_OFF =
      "The locks were closed before the job had ended, by a signal, or because a rank died.";

  private final RankRun run;
  private final Output output;
  private @Nullable End end;
  private boolean published;

  RankAgreement(RankRun run, Output output) {
    this.run = run;
    this.output = output;
  }

  /** What becomes of a rank, the worst last. */
  private enum Fate {
    GOES_ON,
    STOPPED,
    FAILED_WITH_ANOTHER,
    FAILED
  }

  /** How far a rank has come, and why it failed. */
  private record Outcome(int rank, Fate fate, String reason) implements Serializable {
    /** A failure before a stop, a cause before its consequences, and the lowest rank. */
    private static final Comparator<Outcome> BY_SEVERITY =
        Comparator.comparing(Outcome::fate).thenComparing(Outcome::rank, Comparator.reverseOrder());
  }

  /** Why the job did not come to its end, and the rank that says so. */
  private record End(boolean stopped, String message, int teller) {
    BatchStatus status() {
      return stopped ? BatchStatus.STOPPED : BatchStatus.FAILED;
    }
  }

  /** Notes that the results are in their places: nothing can go wrong any more. */
  void published() {
    published = true;
  }

  /**
   * Before the other collective calls of a tasklet. Collective.
   *
   * @throws JobInterruptedException if they must not be made
   */
  void begin() throws JobInterruptedException {
    agree(new Outcome(run.rank(), Fate.GOES_ON, ""));
    if (end != null) {
      throw new JobInterruptedException("Not all ranks go on.");
    }
  }

  /** Collective. */
  @Override
  public ExitStatus afterStep(StepExecution step) {
    for (Throwable failure : step.getFailureExceptions()) {
      LOG.debug("Step {} failed on rank {}", step.getStepName(), run.rank(), failure);
    }
    if (published) {
      step.setStatus(BatchStatus.COMPLETED); // too late to stop
    }
    agree(outcome(step.getStatus(), step.getFailureExceptions(), "step " + step.getStepName()));
    if (end == null) {
      return step.getExitStatus();
    }
    step.setStatus(end.status());
    return end.stopped() ? ExitStatus.STOPPED : ExitStatus.FAILED;
  }

  /** Collective. No rank's job is over before, since the starter's outcomes are exchanged later. */
  @Override
  public void afterJob(JobExecution job) {
    if (published) {
      job.setStatus(BatchStatus.COMPLETED); // too late to stop
      job.setExitStatus(ExitStatus.COMPLETED);
      return;
    }
    agree(outcome(job.getStatus(), job.getFailureExceptions(), "job"));
    if (end != null) {
      job.setStatus(end.status());
      if (!run.sharesLocks || run.rank() == end.teller()) {
        System.err.println(
            (end.stopped() ? "demo-batch STOPPED: " : "demo-batch failed: ") + end.message());
        output.end().lines().forEach(System.err::println);
        System.err.flush();
      }
    }
  }

  /** A point: meets the others. Does nothing if the job has ended already; that reason stays. */
  private void agree(Outcome mine) {
    if (end != null) {
      return;
    }
    int master = run.file.master();
    try {
      List<Outcome> all = run.ranks.allGather(mine);
      Outcome worst = all.stream().max(Outcome.BY_SEVERITY).orElse(mine);
      if (worst.fate() == Fate.STOPPED) {
        end = new End(true, "All ranks have ended their chunk.", master);
      } else if (worst.fate() != Fate.GOES_ON) {
        String of = worst.rank() == master ? "" : "rank " + worst.rank() + ": ";
        end = new End(false, of + worst.reason(), master);
      }
    } catch (ControllerClosedException e) {
      end = new End(true, CUT_OFF, master);
    } catch (MpilockException e) {
      LOG.debug("Rank {} cannot meet the others", run.rank(), e);
      boolean masterDied = e instanceof RankFailedException died && died.rank() == master;
      String reason = mine.reason().isEmpty() ? describe(e) : mine.reason();
      end = new End(false, reason, !masterDied ? master : master == 0 ? 1 : 0);
    }
  }

  private Outcome outcome(BatchStatus status, List<Throwable> failures, String what) {
    if (status == BatchStatus.COMPLETED) {
      return new Outcome(run.rank(), Fate.GOES_ON, "");
    }
    if (status == BatchStatus.STOPPED || status == BatchStatus.STOPPING) {
      return new Outcome(run.rank(), Fate.STOPPED, "");
    }
    if (failures.isEmpty()) {
      return new Outcome(run.rank(), Fate.FAILED, "The %s ended as %s.".formatted(what, status));
    }
    Throwable cause = telling(failures.getFirst());
    return new Outcome(
        run.rank(),
        cause instanceof SingleWriteFailedException ? Fate.FAILED_WITH_ANOTHER : Fate.FAILED,
        describe(cause));
  }

  /** Finds the exception that was written for people; the innermost one if there is none. */
  private static Throwable telling(Throwable failure) {
    Throwable innermost = failure;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (isForPeople(cause)) {
        return cause;
      }
      innermost = cause;
    }
    return innermost;
  }

  private static boolean isForPeople(Throwable failure) {
    return failure instanceof DemoException || failure instanceof MpilockException;
  }

  /** For people, who need not know in which of our calls they hear of a death. */
  private static String describe(Throwable failure) {
    if (failure instanceof RankFailedException) {
      return String.valueOf(failure.getMessage()).replaceFirst("(?s)(: .*|\\.)$", "") + ".";
    }
    return isForPeople(failure) ? String.valueOf(failure.getMessage()) : failure.toString();
  }
}
