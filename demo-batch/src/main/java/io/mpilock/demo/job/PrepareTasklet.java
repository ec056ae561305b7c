package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.DemoProperties;
import io.mpilock.demo.airport.Airports;
import io.mpilock.demo.flight.FlightsCsv;
import io.mpilock.demo.progress.ProgressBoard;
import io.mpilock.demo.store.FileDescription;
import io.mpilock.demo.store.FlightFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.job.JobInterruptedException;
import org.springframework.batch.core.scope.context.ChunkContext;
import org.springframework.batch.core.step.StepContribution;
import org.springframework.batch.core.step.tasklet.Tasklet;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;

/**
 * The first step: the master looks at the input and the output, creates the file and shares its
 * description; every rank checks that it sees the same.
 */
final class PrepareTasklet implements Tasklet {
  private final DemoProperties properties;
  private final Airports airports;
  private final OutputFiles output;
  private final Locks locks;
  private final RankRun run;
  private final RankAgreement agreement;
  private final InstantSource clock;

  PrepareTasklet(
      DemoProperties properties,
      Airports airports,
      OutputFiles output,
      Locks locks,
      RankRun run,
      RankAgreement agreement,
      InstantSource clock) {
    this.properties = properties;
    this.airports = airports;
    this.output = output;
    this.locks = locks;
    this.run = run;
    this.agreement = agreement;
    this.clock = clock;
  }

  @Override
  public @Nullable RepeatStatus execute(StepContribution contribution, ChunkContext context)
      throws IOException, JobInterruptedException {
    agreement.begin();
    JobPlan plan = locks.file().singleWrite(this::prepare);
    run.begin(plan);
    checkFromHere(plan);
    return RepeatStatus.FINISHED;
  }

  /** Runs on the master alone. */
  private JobPlan prepare() throws IOException {
    long started = clock.millis();
    properties.check();
    Path input = properties.inputFile();
    long rows = FlightsCsv.countRows(input);
    output.prepare();
    FileDescription file =
        FileDescription.of(
            output.partialFlights().toString(), properties.chunkSize(), airports.longestName());
    new FlightFile(file)
        .create(
            Map.of(
                "title",
                "Flights inside the United States",
                "source",
                "U.S. Bureau of Transportation Statistics, on-time reports; subset of the npm"
                    + " package vega-datasets",
                "input",
                String.valueOf(input.getFileName())));
    ProgressBoard.create(output.board(), locks.size());
    return new JobPlan(rows, Files.size(input), file, output.board().toString(), started);
  }

  /** Runs on every rank: it may be on another node, or another user. */
  private void checkFromHere(JobPlan plan) throws IOException {
    Path input = properties.inputFile();
    FlightsCsv.open(input).close();
    long bytes = Files.size(input);
    if (bytes != plan.inputBytes()) {
      throw new DemoException(
          "The input %s has %,d bytes here, but %,d where the master runs; all ranks must see one file."
              .formatted(input, bytes, plan.inputBytes()));
    }
    FlightFile.warmUp();
    Path file = Path.of(plan.file().file());
    if (!Files.isWritable(file)) {
      throw new DemoException(
          "%s cannot be written here; all ranks must see one output directory.".formatted(file));
    }
  }
}
