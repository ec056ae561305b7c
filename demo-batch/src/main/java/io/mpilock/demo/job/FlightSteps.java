/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.DemoProperties;
import io.mpilock.demo.flight.Airports;
import io.mpilock.demo.flight.FlightsCsv;
import io.mpilock.demo.job.RankRun.Plan;
import io.mpilock.demo.report.FlightFigures;
import io.mpilock.demo.report.RankLoad;
import io.mpilock.demo.report.Reports;
import io.mpilock.demo.report.Reports.RunFigures;
import io.mpilock.demo.store.FlightFile;
import io.mpilock.demo.store.Output;
import io.mpilock.demo.store.Output.Start;
import io.mpilock.demo.store.Output.Work;
import io.mpilock.demo.store.WriteStamp;
import io.mpilock.spring.report.LockReport;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.stereotype.Component;

/** The steps before and after the load. Each is collective: every rank runs it. */
@Component
record FlightSteps(
    DemoProperties properties,
    RankRun run,
    RankAgreement agreement,
    Airports airports,
    FlightFile file,
    Output output,
    ObjectProvider<LockReport> report) {
  private static final Duration LONGEST_GATHERING = Duration.ofSeconds(30);

  /**
   * The master looks at the input and the output, makes the file from what earlier runs have done,
   * and shares what it found; every rank checks that it sees the same.
   */
  void prepare() throws IOException {
    Plan plan = run.file.singleWrite(this::plan);
    run.begin(plan);
    Path input = properties.inputFile();
    FlightsCsv.open(input).close();
    long bytes = Files.size(input);
    if (bytes != plan.inputBytes()) {
      throw new DemoException(
          "The input %s has %,d bytes here, but %,d where the master runs; all ranks must see one file."
              .formatted(input, bytes, plan.inputBytes()));
    }
    FlightFile.warmUp();
    Path partial = output.partial(FlightFile.RESOURCE);
    if (!Files.isWritable(partial)) {
      throw new DemoException(
          "%s cannot be written here; all ranks must see one output directory.".formatted(partial));
    }
    if (run.sharesLocks) {
      output.joinJournal();
    }
  }

  /** Runs on the master alone. */
  private Plan plan() throws IOException {
    long now = System.currentTimeMillis();
    properties.check();
    Path input = properties.inputFile();
    long rows = FlightsCsv.countRows(input);
    output.prepare();
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
    Start start = Start.ANEW;
    if (run.sharesLocks) {
      start =
          output.begin(
              new Work(run.work(), name, rows, digest(input)),
              properties.fresh(),
              file,
              attributes,
              now,
              this::stamp,
              System.out);
    } else {
      output.beginWithoutJournal();
      file.create(attributes, WriteStamp.NONE);
    }
    Progress.create(output.partial("progress"), run.size(), start.done().cardinality());
    return new Plan(rows, Files.size(input), now, start);
  }

  /** The stamp of the single write that this thread runs. */
  private WriteStamp stamp(long ofRun) {
    return run.file.writeWithLease(lease -> new WriteStamp(ofRun, lease.token(), run.rank()));
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

  /**
   * Every rank reads the whole file, under the read lock: all must see the same, and it must be
   * what they and the runs before them wrote.
   */
  void verify() {
    List<RankLoad> loads = run.ranks.allGather(run.load());
    run.loaded(loads);
    RankLoad all = loads.stream().reduce(run.plan().start().load(), RankLoad::plus);
    if (all.skipped().size() > properties.skipLimit()) {
      throw LoadStep.exceeded(all.skipped(), properties.skipLimit());
    }
    RankLoad[] sum = {RankLoad.NONE};
    file.forEach(row -> sum[0] = sum[0].plus(row));
    RankLoad here = sum[0];
    List<RankLoad> everywhere = run.ranks.allGather(here);
    for (int rank = 0; rank < everywhere.size(); rank++) {
      if (!everywhere.get(rank).equals(here)) {
        throw new DemoException(
            "The ranks do not agree on what is in the file: rank %d read %s, rank %d read %s."
                .formatted(run.rank(), here, rank, everywhere.get(rank)));
      }
    }
    if (here.written() != all.written() || here.checksum() != all.checksum()) {
      throw new DemoException(
          String.format(
              Locale.ROOT,
              "The file does not hold what the ranks wrote: it has %,d rows, they wrote %,d.",
              here.written(),
              all.written()));
    }
    if (all.rows() != run.plan().rows()) {
      throw new DemoException(
          String.format(
              Locale.ROOT,
              "The input has %,d rows, but %,d were written and %,d skipped: it changed meanwhile.",
              run.plan().rows(),
              all.written(),
              all.skipped().size()));
    }
  }

  /** The master writes the reports, moves all results to their places, and sums up. */
  void publish() throws IOException {
    LockReport recorded = report.getIfAvailable();
    String locks = recorded == null ? null : recorded.page(LONGEST_GATHERING).orElse(null);
    run.file.singleWrite(() -> {
      FlightFigures flights = new FlightFigures();
      file.forEach(flights);
      RunFigures figures =
          new RunFigures(
              run.plan().start().load(),
              run.loads(),
              (System.currentTimeMillis() - run.plan().startedMillis()) / 1e3,
              locks);
      Reports reports = new Reports(airports, properties.fewestFlights());
      Reports.writeCsv(output.partial("report.csv"), flights.airports());
      reports.writeHtml(output.partial("report.html"), flights, figures);
      output.publish();
      if (run.file.isMaster()) {
        Reports.print(System.out, figures, output.directory());
      }
      return null;
    });
    agreement.published();
  }
}
