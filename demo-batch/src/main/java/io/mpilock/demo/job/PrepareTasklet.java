package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.DemoProperties;
import io.mpilock.demo.airport.Airports;
import io.mpilock.demo.flight.FlightsCsv;
import io.mpilock.demo.progress.ProgressBoard;
import io.mpilock.demo.store.FileDescription;
import io.mpilock.demo.store.FlightFile;
import io.mpilock.demo.store.JournalHead;
import io.mpilock.demo.store.WriteStamp;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.job.JobInterruptedException;
import org.springframework.batch.core.scope.context.ChunkContext;
import org.springframework.batch.core.step.StepContribution;
import org.springframework.batch.core.step.tasklet.Tasklet;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;

/**
 * The first step: the master looks at the input and the output, makes the file from what earlier
 * runs have done, and shares its description; every rank checks that it sees the same.
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
    Long work = contribution.getStepExecution().getJobParameters().getLong(DemoRunner.WORK);
    JobPlan plan = locks.file().singleWrite(() -> prepare(Objects.requireNonNull(work)));
    run.begin(plan);
    checkFromHere(plan);
    return RepeatStatus.FINISHED;
  }

  /** Runs on the master alone. */
  private JobPlan prepare(long work) throws IOException {
    long started = clock.millis();
    properties.check();
    Path input = properties.inputFile();
    long rows = FlightsCsv.countRows(input);
    output.prepare();
    FileDescription file =
        FileDescription.of(
            output.partialFlights().toString(), properties.chunkSize(), airports.longestName());
    String name = String.valueOf(input.getFileName());
    Map<String, String> attributes =
        Map.of(
            "title",
            "Flights inside the United States",
            "source",
            "U.S. Bureau of Transportation Statistics, on-time reports; subset of the npm"
                + " package vega-datasets",
            "input",
            name);
    JobPlan.Earlier earlier = JobPlan.Earlier.NONE;
    if (locks.shared()) {
      JournalHead head = new JournalHead(work, name, rows, digest(input));
      earlier =
          new Recovery(output, properties.fresh(), System.out)
              .recover(head, new FlightFile(file), attributes, started, locks::stamp);
    } else {
      output.working(null);
      new FlightFile(file).create(attributes, WriteStamp.NONE);
    }
    ProgressBoard.create(output.board(), locks.size(), earlier.done().count());
    return new JobPlan(rows, Files.size(input), file, output.board().toString(), started, earlier);
  }

  /** Of all that decides what the rows of the result are. */
  private String digest(Path input) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
    airports.update(digest);
    try (OutputStream sink = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
      Files.copy(input, sink);
    }
    return HexFormat.of().formatHex(digest.digest());
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
    if (locks.shared()) {
      output.joinJournal();
    }
  }
}
