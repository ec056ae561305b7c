/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.spring.batch;

import io.mpilock.WindowController;
import io.mpilock.spring.LockTemplate;
import io.mpilock.spring.report.TextTable;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.ExitStatus;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.listener.JobExecutionListener;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.core.Ordered;

/**
 * Lets a job end on all ranks as it ended on the worst: {@code COMPLETED} only if it did so on all,
 * otherwise {@code STOPPED}, {@code FAILED}, {@code ABANDONED} or {@code UNKNOWN}, the later the
 * worse, with the exit code of that rank. So all exit with the same status, and all can start the
 * job again. The master logs a table of the ranks.
 *
 * <p>A bean that is added to a job as its listener, or by {@code
 * mpilock.batch.combine-outcomes=true} to all. Every rank must run the job: its beginning and its
 * end are collective. At the beginning the ranks tell each other whether they start the job again;
 * if one does, {@link RankSlices} are not agreed upon anew on any. The end waits for the other
 * ranks as long as {@code mpilock.batch.outcome-timeout} says. A rank that died, closed its
 * controller or did not come counts as {@code FAILED}.
 *
 * <p>A job that is complete on this rank is running in its repository until the others have ended
 * too: a rank that is killed meanwhile can start it again, as they can.
 *
 * <p>With {@code mpilock.enabled=false} it does nothing: each rank ends as it did.
 *
 * <p>It comes after the other listeners of the job, apart from what stops jobs on shutdown.
 *
 * @since 0.1.0
 */
public final class RankOutcomes implements JobExecutionListener, Ordered {
  /** After nearly all others at the end of a job, which goes through the order backwards. */
  private static final int ORDER = HIGHEST_PRECEDENCE + 1;

  private static final Log LOG = LogFactory.getLog(RankOutcomes.class);

  /**
   * Another than that of the end: a rank that was stopped before its job began is there at once.
   */
  private static final String BEGINNING = "mpilock.batch.beginning";

  private static final int LEFT_COLUMNS = 3;
  private static final int WIDTH = 120;
  private static final double MILLIS = 1e3;

  private final @Nullable WindowController controller;
  private final JobRepository repository;
  private final Duration timeout;

  /**
   * Makes a listener.
   *
   * @param controller by which the ranks tell each other; null where they share no locks
   * @param repository where the jobs are
   * @param timeout the longest time that the beginning and the end of a job wait for the other
   *     ranks, each
   */
  public RankOutcomes(
      @Nullable WindowController controller, JobRepository repository, Duration timeout) {
    this.controller = controller;
    this.repository = repository;
    this.timeout = timeout;
  }

  @Override
  public int getOrder() {
    return ORDER;
  }

  /** Collective. */
  @Override
  public void beforeJob(JobExecution job) {
    if (controller != null) {
      String here = JobBeginning.here(job, repository).encode();
      List<String> all =
          LockTemplate.of(controller).on(BEGINNING).withTimeout(timeout).allGather(here);
      List<JobBeginning> told = all.stream().map(JobBeginning::decode).toList();
      JobBeginning.together(told, controller.master()).note(job);
    }
  }

  /** Collective. */
  @Override
  public void afterJob(JobExecution job) {
    if (controller == null) {
      return;
    }
    if (controller.size() > 1 && job.getStatus() == BatchStatus.COMPLETED) {
      keepAsRunning(job);
    }
    RankOutcome mine = RankOutcome.of(controller.rank(), job);
    List<RankOutcome> all = OutcomeExchange.of(controller, timeout, mine);
    RankOutcome worst = Collections.max(all, RankOutcome.BY_SEVERITY);
    if (controller.isMaster()) {
      log(worst.status(), table(controller, job.getJobInstance().getJobName(), worst, all));
    }
    job.setStatus(worst.status());
    if (!worst.exitCode().equals(mine.exitCode())) {
      job.setExitStatus(
          new ExitStatus(
              worst.exitCode(),
              "Rank %d of the job ended as follows: %s".formatted(worst.rank(), worst.message())));
    }
  }

  /**
   * Spring Batch has written that the job is complete, and could not start it again. It writes the
   * end once more after its listeners. The others are told if the repository fails.
   */
  private void keepAsRunning(JobExecution job) {
    try {
      job.setStatus(BatchStatus.STARTED);
      repository.update(job);
      job.setStatus(BatchStatus.COMPLETED);
    } catch (RuntimeException e) {
      job.addFailureException(e);
      job.setStatus(BatchStatus.FAILED);
      job.setExitStatus(ExitStatus.FAILED.addExitDescription(e));
    }
  }

  private static void log(BatchStatus status, String table) {
    if (status == BatchStatus.COMPLETED) {
      LOG.info(table);
    } else if (status == BatchStatus.STOPPED) {
      LOG.warn(table);
    } else {
      LOG.error(table);
    }
  }

  private static String table(
      WindowController controller, String job, RankOutcome worst, List<RankOutcome> all) {
    TextTable table =
        new TextTable(LEFT_COLUMNS, WIDTH)
            .row("host", "rank", "status", "read", "written", "skipped", "seconds");
    StringBuilder failures = new StringBuilder();
    for (RankOutcome outcome : all) {
      table.row(
          controller.member(outcome.rank()).host(),
          String.valueOf(outcome.rank()),
          outcome.status().name(),
          String.valueOf(outcome.read()),
          String.valueOf(outcome.written()),
          String.valueOf(outcome.skipped()),
          String.format(Locale.ROOT, "%.1f", outcome.millis() / MILLIS));
      if (!outcome.message().isEmpty()) {
        failures.append("rank %d: %s%n".formatted(outcome.rank(), outcome.message()));
      }
    }
    return "the job '%s' ended as %s on %d rank(s)%n%s%s"
        .formatted(job, worst.exitCode(), all.size(), table.text(), failures)
        .stripTrailing();
  }
}
