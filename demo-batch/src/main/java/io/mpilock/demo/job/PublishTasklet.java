package io.mpilock.demo.job;

import io.mpilock.demo.report.CsvReport;
import io.mpilock.demo.report.FlightFigures;
import io.mpilock.demo.report.HtmlReport;
import io.mpilock.demo.report.RunFigures;
import io.mpilock.demo.store.FlightFile;
import io.mpilock.demo.timing.LockTimes;
import io.mpilock.demo.timing.RankTimes;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.job.JobInterruptedException;
import org.springframework.batch.core.scope.context.ChunkContext;
import org.springframework.batch.core.step.StepContribution;
import org.springframework.batch.core.step.tasklet.Tasklet;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;

/** The last step: the master writes the reports, moves all results to their places, and sums up. */
final class PublishTasklet implements Tasklet {
  private final Locks locks;
  private final RankRun run;
  private final RankAgreement agreement;
  private final LockTimes times;
  private final OutputFiles output;
  private final HtmlReport html;
  private final Summary summary;
  private final InstantSource clock;

  PublishTasklet(
      Locks locks,
      RankRun run,
      RankAgreement agreement,
      LockTimes times,
      OutputFiles output,
      HtmlReport html,
      Summary summary,
      InstantSource clock) {
    this.locks = locks;
    this.run = run;
    this.agreement = agreement;
    this.times = times;
    this.output = output;
    this.html = html;
    this.summary = summary;
    this.clock = clock;
  }

  @Override
  public @Nullable RepeatStatus execute(StepContribution contribution, ChunkContext context)
      throws IOException, JobInterruptedException {
    agreement.begin();
    List<RankTimes> ofAllRanks = locks.ranks().gather(times.of(locks.rank()));
    locks
        .file()
        .singleWrite(() -> {
          publish(ofAllRanks);
          return null;
        });
    run.published();
    return RepeatStatus.FINISHED;
  }

  /** Runs on the master alone. */
  private void publish(List<RankTimes> ofAllRanks) throws IOException {
    FlightFigures flights = new FlightFigures();
    new FlightFile(run.plan().file()).forEach(flights);
    double seconds = (clock.millis() - run.plan().startedMillis()) / 1e3;
    RunFigures figures =
        new RunFigures(run.plan().earlier().load(), run.loads(), ofAllRanks, seconds);
    CsvReport.write(output.partialCsv(), flights.airports());
    html.write(output.partialHtml(), flights, figures);
    output.publish();
    if (locks.isMaster()) {
      summary.print(figures);
    }
  }
}
