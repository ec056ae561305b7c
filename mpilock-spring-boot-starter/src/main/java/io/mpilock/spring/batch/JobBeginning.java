/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.repository.JobRepository;

/**
 * Whether a job begins for the first time, for all ranks alike where they tell each other ({@link
 * RankOutcomes}). One rank may have an execution of the instance and another none yet: if each
 * decided for itself, one would wait in a collective call for another that makes none.
 *
 * <p>It is kept in the context of the execution, with its id, since Spring Batch hands the context
 * on to the next execution.
 */
final class JobBeginning {
  private static final String KEY = "mpilock.beginning";

  private JobBeginning() {}

  /** Keeps what the ranks agreed upon. */
  static void note(JobExecution job, boolean again) {
    job.getExecutionContext().putString(KEY, job.getId() + (again ? " again" : " first"));
  }

  /** Tells what the ranks agreed upon, or where they did not, what this rank's repository says. */
  static boolean isAgain(JobExecution job, JobRepository repository) {
    String noted = job.getExecutionContext().getString(KEY, "");
    if (noted.startsWith(job.getId() + " ")) {
      return noted.endsWith(" again");
    }
    return repository.getJobExecutions(job.getJobInstance()).size() > 1;
  }
}
