package io.mpilock.demo.job;

import io.mpilock.failure.MpilockException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.ExitStatus;
import org.springframework.batch.core.listener.StepExecutionListener;
import org.springframework.batch.core.step.StepExecution;

/**
 * Makes the ranks go through the job together: after each step every rank learns how it ended on
 * all of them, and if it failed on one, it fails on all. Without this, a rank that failed would
 * leave the others waiting for it.
 */
final class RankAgreement implements StepExecutionListener {
  private static final Logger LOG = LoggerFactory.getLogger(RankAgreement.class);

  private final Locks locks;
  private final RankRun run;

  RankAgreement(Locks locks, RankRun run) {
    this.locks = locks;
    this.run = run;
  }

  /**
   * Gives each rank what the others say. Collective: as many single writes as there are ranks, in
   * each of which one rank shares its word.
   *
   * @param mine this rank's word
   * @return the words of all ranks, by rank
   */
  <T extends Serializable> List<T> exchange(T mine) {
    List<T> all = new ArrayList<>(locks.size());
    for (int rank = 0; rank < locks.size(); rank++) {
      all.add(
          Objects.requireNonNull(locks.ranks().<T, RuntimeException>singleWrite(rank, () -> mine)));
    }
    return all;
  }

  /** Collective. */
  @Override
  public ExitStatus afterStep(StepExecution step) {
    Outcome mine = Outcome.of(locks.rank(), step);
    for (Throwable failure : step.getFailureExceptions()) {
      LOG.debug("Step {} failed on rank {}", step.getStepName(), locks.rank(), failure);
    }
    try {
      Optional<Outcome> worst = Outcome.worst(exchange(mine));
      if (worst.isEmpty()) {
        return step.getExitStatus();
      }
      run.fail(new JobFailure(message(worst.get()), locks.shared()));
    } catch (MpilockException e) {
      String own = mine.problem();
      run.fail(new JobFailure(own != null ? own : String.valueOf(e.getMessage()), false));
    }
    step.setStatus(BatchStatus.FAILED);
    return ExitStatus.FAILED;
  }

  private String message(Outcome outcome) {
    return outcome.rank() == locks.master()
        ? String.valueOf(outcome.problem())
        : "rank " + outcome.rank() + ": " + outcome.problem();
  }
}
