/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.failure.CollectiveMismatchException;
import io.mpilock.failure.ControllerClosedException;
import io.mpilock.failure.RankFailedException;
import io.mpilock.failure.SingleWriteFailedException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.Comparator;
import java.util.List;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.ExitStatus;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.step.StepExecution;

/**
 * How a job ended on a rank.
 *
 * @param rank the rank
 * @param status its status
 * @param exitCode its exit code
 * @param read how many items its steps read
 * @param written how many they wrote
 * @param skipped how many they skipped
 * @param millis how long it took
 * @param consequence whether it failed only because another rank did
 * @param message why it failed; empty if it did not
 */
record RankOutcome(
    int rank,
    BatchStatus status,
    String exitCode,
    long read,
    long written,
    long skipped,
    long millis,
    boolean consequence,
    String message) {

  private static final int LONGEST_MESSAGE = 500; // characters, of which each takes 3 bytes at most

  /** The worst last: of equal statuses the worse exit code, a cause before its consequences. */
  static final Comparator<RankOutcome> BY_SEVERITY =
      Comparator.comparing(RankOutcome::status)
          .thenComparing(outcome -> new ExitStatus(outcome.exitCode))
          .thenComparing(RankOutcome::consequence, Comparator.reverseOrder())
          .thenComparing(RankOutcome::rank, Comparator.reverseOrder());

  static RankOutcome of(int rank, JobExecution job) {
    List<Throwable> failures = job.getAllFailureExceptions();
    LocalDateTime start = job.getStartTime();
    LocalDateTime end = job.getEndTime();
    long read = 0;
    long written = 0;
    long skipped = 0;
    for (StepExecution step : job.getStepExecutions()) {
      read += step.getReadCount();
      written += step.getWriteCount();
      skipped += step.getSkipCount();
    }
    return new RankOutcome(
        rank,
        job.getStatus(),
        job.getExitStatus().getExitCode(),
        read,
        written,
        skipped,
        start == null || end == null ? 0 : Duration.between(start, end).toMillis(),
        !failures.isEmpty() && failures.stream().allMatch(RankOutcome::isConsequence),
        failures.isEmpty() ? "" : messageOf(failures.getFirst()));
  }

  /** The outcome of a rank that did not tell its own. */
  static RankOutcome missing(int rank, String why) {
    return new RankOutcome(
        rank, BatchStatus.FAILED, ExitStatus.FAILED.getExitCode(), 0, 0, 0, 0, false, why);
  }

  private static boolean isConsequence(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof SingleWriteFailedException
          || at instanceof CollectiveMismatchException
          || at instanceof RankFailedException
          || at instanceof ControllerClosedException) {
        return true;
      }
    }
    return false;
  }

  private static String messageOf(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String message = root.getMessage();
    String text =
        root.getClass().getSimpleName()
            + (message == null ? "" : ": " + message.lines().findFirst().orElse(""));
    return text.substring(0, Math.min(text.length(), LONGEST_MESSAGE));
  }

  byte[] encode() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(rank);
      out.writeUTF(status.name());
      out.writeUTF(exitCode);
      out.writeLong(read);
      out.writeLong(written);
      out.writeLong(skipped);
      out.writeLong(millis);
      out.writeBoolean(consequence);
      out.writeUTF(message);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static RankOutcome decode(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      return new RankOutcome(
          in.readInt(),
          BatchStatus.valueOf(in.readUTF()),
          in.readUTF(),
          in.readLong(),
          in.readLong(),
          in.readLong(),
          in.readLong(),
          in.readBoolean(),
          in.readUTF());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
