package io.mpilock.demo.job;

import io.mpilock.demo.job.Outcome.Kind;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.ExitStatus;
import org.springframework.batch.core.job.JobInterruptedException;
import org.springframework.batch.core.listener.StepExecutionListener;
import org.springframework.batch.core.step.StepExecution;

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
 * there are none.
 */
final class RankAgreement implements StepExecutionListener {
  private static final Logger LOG = LoggerFactory.getLogger(RankAgreement.class);

  /** The shutdown did not wait any longer, or a launcher ends the others after a death. */
  private static final String CUT_OFF =
      "The locks were closed before the job had ended, by a signal, or because a rank died.";

  private final Locks locks;
  private final RankRun run;

  RankAgreement(Locks locks, RankRun run) {
    this.locks = locks;
    this.run = run;
  }

  /**
   * Before the other collective calls of a tasklet. Collective.
   *
   * @throws JobInterruptedException if they must not be made
   */
  void begin() throws JobInterruptedException {
    agree(Outcome.goesOn(locks.rank()));
    if (run.earlyEnd().isPresent()) {
      throw new JobInterruptedException("Not all ranks go on.");
    }
  }

  /** Collective. */
  @Override
  public ExitStatus afterStep(StepExecution step) {
    for (Throwable failure : step.getFailureExceptions()) {
      LOG.debug("Step {} failed on rank {}", step.getStepName(), locks.rank(), failure);
    }
    if (run.isPublished()) {
      step.setStatus(BatchStatus.COMPLETED); // too late to stop
    }
    agree(Outcome.of(locks.rank(), step));
    Optional<EarlyEnd> end = run.earlyEnd();
    if (end.isEmpty()) {
      return step.getExitStatus();
    }
    step.setStatus(end.get().status());
    return end.get().stopped() ? ExitStatus.STOPPED : ExitStatus.FAILED;
  }

  /**
   * A point: meets the others, and remembers if the job ends here. Collective, unless it has ended
   * already: then it does nothing.
   */
  void agree(Outcome mine) {
    if (run.earlyEnd().isPresent()) {
      return;
    }
    try {
      List<Outcome> all = locks.ranks().gather(mine);
      Outcome.worst(all).ifPresent(worst -> run.end(end(worst)));
    } catch (ControllerClosedException e) {
      run.end(new EarlyEnd(true, CUT_OFF, false, false));
    } catch (MpilockException e) {
      LOG.debug("Rank {} cannot meet the others", locks.rank(), e);
      String own = mine.problem();
      boolean masterDied = e instanceof RankFailedException died && died.rank() == locks.master();
      run.end(new EarlyEnd(false, own != null ? own : Outcome.describe(e), false, masterDied));
    }
  }

  private EarlyEnd end(Outcome worst) {
    if (worst.kind() == Kind.STOPPED) {
      return new EarlyEnd(true, "All ranks have ended their chunk.", locks.shared(), false);
    }
    String message = String.valueOf(worst.problem());
    if (worst.rank() != locks.master()) {
      message = "rank " + worst.rank() + ": " + message;
    }
    return new EarlyEnd(false, message, locks.shared(), false);
  }
}
