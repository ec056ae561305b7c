/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.batch.WorkJournal.Work;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.parameters.JobParameter;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.StepExecution;

/**
 * What the ranks know of a job that begins, where they tell each other ({@link RankOutcomes}).
 *
 * <ul>
 *   <li>Whether it begins for the first time, for all alike: one rank may have an execution of the
 *       instance and another none yet. If each decided for itself, one would wait in a collective
 *       call for another that makes none.
 *   <li>The master's number of this start of the job, which no other start has.
 *   <li>Which job it is on the master.
 * </ul>
 *
 * <p>It is kept in the context of the execution, with its id, since Spring Batch hands the context
 * on to the next execution.
 *
 * @param again whether any rank has begun the job before
 * @param attempt the number of the start
 * @param identity the job and its parameters, as a digest
 */
record JobBeginning(boolean again, long attempt, String identity) {
  private static final String KEY = "mpilock.beginning";
  private static final int FIELDS = 4;

  /** What this rank knows by itself. */
  static JobBeginning here(JobExecution job, JobRepository repository) {
    boolean again = repository.getJobExecutions(job.getJobInstance()).size() > 1;
    return alone(job, again);
  }

  private static JobBeginning alone(JobExecution job, boolean again) {
    return new JobBeginning(again, UUID.randomUUID().getMostSignificantBits(), identityOf(job));
  }

  /** What all of them come to: in the order of the ranks, with the master's place. */
  static JobBeginning together(List<JobBeginning> all, int master) {
    boolean again = all.stream().anyMatch(JobBeginning::again);
    return new JobBeginning(again, all.get(master).attempt, all.get(master).identity);
  }

  /** The form in which it is told. */
  String encode() {
    return (again ? "again " : "first ") + attempt + " " + identity;
  }

  static JobBeginning decode(String form) {
    String[] fields = form.split(" ", FIELDS - 1);
    return new JobBeginning(fields[0].equals("again"), Long.parseLong(fields[1]), fields[2]);
  }

  /** Keeps what the ranks agreed upon. */
  void note(JobExecution job) {
    job.getExecutionContext().putString(KEY, job.getId() + " " + encode());
  }

  /** What the ranks agreed upon for this execution, or null where they did not. */
  private static @Nullable JobBeginning noted(JobExecution job) {
    String noted = job.getExecutionContext().getString(KEY, "");
    String prefix = job.getId() + " ";
    return noted.startsWith(prefix) ? decode(noted.substring(prefix.length())) : null;
  }

  /** Tells what the ranks agreed upon, or where they did not, what this rank's repository says. */
  static boolean isAgain(JobExecution job, JobRepository repository) {
    JobBeginning noted = noted(job);
    return noted != null ? noted.again : here(job, repository).again;
  }

  /** The work of a step. */
  static Work work(StepExecution step, LockTemplate locks) {
    JobExecution job = step.getJobExecution();
    JobBeginning noted = noted(job);
    String name = job.getJobInstance().getJobName() + "/" + step.getStepName();
    if (noted == null) {
      if (locks.size() > 1) {
        throw new IllegalStateException(
            "Step '%s' shares its units among %d ranks, which must agree upon the start of the job, but the job has no RankOutcomes. Set mpilock.batch.combine-outcomes=true, or add the bean to the job as its listener."
                .formatted(name, locks.size()));
      }
      noted = alone(job, false);
    }
    String mine = identityOf(job);
    if (!mine.equals(noted.identity)) {
      throw new IllegalStateException(
          "Rank %d runs '%s' with other identifying parameters than the master, so it does not share its units: %s. Give all ranks the same parameters."
              .formatted(locks.rank(), name, parametersOf(job)));
    }
    return new Work(name, digest(mine + " " + step.getStepName()), noted.attempt);
  }

  static String identityOf(JobExecution job) {
    return digest(job.getJobInstance().getJobName() + " " + parametersOf(job));
  }

  /** What is the same on all ranks of a job, and in all of its starts. */
  private static String parametersOf(JobExecution job) {
    return job.getJobParameters().parameters().stream()
        .filter(JobParameter::identifying)
        .filter(parameter -> !parameter.name().equals(RankRepositoryPostProcessor.RANK))
        .sorted(Comparator.comparing(JobParameter::name))
        .map(parameter ->
            "%s=%s (%s)".formatted(parameter.name(), parameter.value(), parameter.type().getName()))
        .collect(Collectors.joining(", ", "{", "}"));
  }

  private static String digest(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }
}
