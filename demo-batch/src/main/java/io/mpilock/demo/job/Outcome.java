package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.failure.MpilockException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.SingleWriteFailedException;
import java.io.Serializable;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.step.StepExecution;

/**
 * How far a rank has come.
 *
 * @param rank the rank
 * @param kind whether it goes on
 * @param problem why it failed; null if it did not
 */
record Outcome(int rank, Kind kind, @Nullable String problem) implements Serializable {

  /** What becomes of the rank, the worst last. */
  enum Kind {
    GOES_ON,
    STOPPED,
    /** Only because another rank did. */
    FAILED_WITH_ANOTHER,
    FAILED
  }

  static Outcome goesOn(int rank) {
    return new Outcome(rank, Kind.GOES_ON, null);
  }

  /** How a step ended. */
  static Outcome of(int rank, StepExecution step) {
    return step.getStatus() == BatchStatus.COMPLETED
        ? goesOn(rank)
        : ended(rank, step.getStatus(), step.getFailureExceptions(), "step " + step.getStepName());
  }

  /** How a job ended before its end. */
  static Outcome of(int rank, JobExecution job) {
    return ended(rank, job.getStatus(), job.getFailureExceptions(), "job");
  }

  private static Outcome ended(
      int rank, BatchStatus status, List<Throwable> failures, String what) {
    if (status == BatchStatus.STOPPED || status == BatchStatus.STOPPING) {
      return new Outcome(rank, Kind.STOPPED, null);
    }
    if (failures.isEmpty()) {
      String problem = "The " + what + " ended as " + status + ".";
      return new Outcome(rank, Kind.FAILED, problem);
    }
    Throwable cause = telling(failures.getFirst());
    Kind kind =
        cause instanceof SingleWriteFailedException ? Kind.FAILED_WITH_ANOTHER : Kind.FAILED;
    return new Outcome(rank, kind, describe(cause));
  }

  /**
   * What is to be told of: a failure before a stop, a cause before its consequences, and of several
   * ranks the lowest one.
   *
   * @param outcomes those of all ranks
   * @return empty if all go on
   */
  static Optional<Outcome> worst(List<Outcome> outcomes) {
    return outcomes.stream()
        .filter(outcome -> outcome.kind() != Kind.GOES_ON)
        .min(
            Comparator.comparing(Outcome::kind, Comparator.reverseOrder())
                .thenComparingInt(Outcome::rank));
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

  /** For people, who need not know in which of our calls they hear of a death. */
  static String describe(Throwable failure) {
    if (failure instanceof RankFailedException) {
      return String.valueOf(failure.getMessage()).replaceFirst("(?s)(: .*|\\.)$", "") + ".";
    }
    return failure instanceof DemoException || failure instanceof MpilockException
        ? String.valueOf(failure.getMessage())
        : failure.toString();
  }
}
