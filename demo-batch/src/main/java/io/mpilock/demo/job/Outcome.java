package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.SingleWriteFailedException;
import java.io.Serializable;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.step.StepExecution;

/**
 * How a step ended on a rank.
 *
 * @param rank the rank
 * @param problem why it failed; null if it did not
 * @param consequence whether it failed only because another rank did
 */
record Outcome(int rank, @Nullable String problem, boolean consequence) implements Serializable {

  static Outcome of(int rank, StepExecution step) {
    if (step.getStatus() == BatchStatus.COMPLETED) {
      return new Outcome(rank, null, false);
    }
    List<Throwable> failures = step.getFailureExceptions();
    if (failures.isEmpty()) {
      return new Outcome(rank, "The step " + step.getStepName() + " was stopped.", false);
    }
    Throwable cause = telling(failures.getFirst());
    return new Outcome(rank, describe(cause), cause instanceof SingleWriteFailedException);
  }

  /**
   * The failure to tell of: a cause before its consequences, and of several ranks the lowest one.
   *
   * @param outcomes those of all ranks
   * @return empty if none failed
   */
  static Optional<Outcome> worst(List<Outcome> outcomes) {
    return outcomes.stream()
        .filter(outcome -> outcome.problem() != null)
        .min(Comparator.comparing(Outcome::consequence).thenComparingInt(Outcome::rank));
  }

  /** Finds the exception that was written for people; the innermost one if there is none. */
  static Throwable telling(Throwable failure) {
    Throwable innermost = failure;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof DemoException || cause instanceof MpilockException) {
        return cause;
      }
      innermost = cause;
    }
    return innermost;
  }

  static String describe(Throwable failure) {
    return failure instanceof DemoException || failure instanceof MpilockException
        ? String.valueOf(failure.getMessage())
        : failure.toString();
  }
}
