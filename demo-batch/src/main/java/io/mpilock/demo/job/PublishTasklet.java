package io.mpilock.demo.job;

import io.mpilock.demo.report.FlightFigures;
import io.mpilock.demo.report.Reports;
import io.mpilock.demo.report.RunFigures;
import io.mpilock.demo.store.FlightFile;
import io.mpilock.spring.report.LockReport;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.job.JobInterruptedException;
import org.springframework.batch.core.scope.context.ChunkContext;
import org.springframework.batch.core.step.StepContribution;
import org.springframework.batch.core.step.tasklet.Tasklet;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;

/** The last step: the master writes the reports, moves all results to their places, and sums up. */
final class PublishTasklet implements Tasklet {
  private static final Duration LONGEST_GATHERING = Duration.ofSeconds(30);

  private final Locks locks;
  private final RankRun run;
  private final RankAgreement agreement;
  private final @Nullable LockReport report;
  private final OutputFiles output;
  private final Reports reports;
  private final Summary summary;
  private final InstantSource clock;

  PublishTasklet(
      Locks locks,
      RankRun run,
      RankAgreement agreement,
      @Nullable LockReport report,
      OutputFiles output,
      Reports reports,
      Summary summary,
      InstantSource clock) {
    this.locks = locks;
    this.run = run;
    this.agreement = agreement;
    this.report = report;
    this.output = output;
    this.reports = reports;
    this.summary = summary;
    this.clock = clock;
  }

  @Override
  public @Nullable RepeatStatus execute(StepContribution contribution, ChunkContext context)
      throws IOException, JobInterruptedException {
    agreement.begin();
    String page = report == null ? null : report.page(LONGEST_GATHERING).orElse(null);
    locks
        .file()
        .singleWrite(() -> {
          publish(page);
          return null;
        });
    run.published();
    return RepeatStatus.FINISHED;
  }

  /** Runs on the master alone. */
  private void publish(@Nullable String page) throws IOException {
    FlightFigures flights = new FlightFigures();
    new FlightFile(run.plan().file()).forEach(flights);
    double seconds = (clock.millis() - run.plan().startedMillis()) / 1e3;
    RunFigures figures = new RunFigures(run.plan().earlier().load(), run.loads(), seconds, page);
    Reports.writeCsv(output.partialCsv(), flights.airports());
    reports.writeHtml(output.partialHtml(), flights, figures);
    output.publish();
    if (locks.isMaster()) {
      summary.print(figures);
    }
  }
}
