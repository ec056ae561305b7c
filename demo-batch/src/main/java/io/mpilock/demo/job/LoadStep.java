/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.job;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.DemoProperties;
import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.FlightReader;
import io.mpilock.demo.flight.FlightRow;
import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.flight.SkippedRow.MalformedRowException;
import io.mpilock.demo.report.RankLoad;
import io.mpilock.demo.store.FlightFile;
import io.mpilock.demo.store.FlightFile.EncodedRows;
import io.mpilock.demo.store.Output;
import io.mpilock.demo.store.WriteStamp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.ExitStatus;
import org.springframework.batch.core.listener.SkipListener;
import org.springframework.batch.core.listener.StepExecutionListener;
import org.springframework.batch.core.step.StepExecution;
import org.springframework.batch.infrastructure.item.Chunk;
import org.springframework.stereotype.Component;

/** Writes the chunks, skips malformed rows within the limit, and shows how far the ranks are. */
@Component
final class LoadStep implements StepExecutionListener, SkipListener<Flight, FlightRow> {
  private static final int SHOWN = 3;

  private final DemoProperties properties;
  private final RankRun run;
  private final RankAgreement agreement;
  private final FlightReader reader;
  private final FlightFile file;
  private final Output output;
  private @Nullable Progress progress;

  LoadStep(
      DemoProperties properties,
      RankRun run,
      RankAgreement agreement,
      FlightReader reader,
      FlightFile file,
      Output output) {
    this.properties = properties;
    this.run = run;
    this.agreement = agreement;
    this.reader = reader;
    this.file = file;
    this.output = output;
  }

  @Override
  public void beforeStep(StepExecution step) {
    progress = Progress.open(output.partial("progress"), run.rank());
    if (run.file.isMaster()) {
      progress.show(properties.progress(), run.plan().rows(), System.out);
    }
  }

  /**
   * Appends a chunk to the file under the write lock, in which the file is opened and closed; then
   * to the journal, from where on it is done. If this process is killed in between, the next run
   * makes the file anew, without the chunk.
   */
  void write(Chunk<? extends FlightRow> chunk) throws InterruptedException, IOException {
    Thread.sleep(properties.chunkPause());
    List<FlightRow> rows = new ArrayList<>(chunk.getItems());
    EncodedRows encoded = file.encode(rows);
    byte[] entry = Output.encode(reader.chunkFirst(), reader.chunkEnd(), rows, run.skippedSince());
    WriteStamp _ =
        run.file.writeWithLease(lease -> {
          WriteStamp stamp =
              run.sharesLocks
                  ? new WriteStamp(run.plan().start().run(), lease.token(), run.rank())
                  : WriteStamp.NONE;
          file.append(encoded, stamp);
          output.append(stamp, entry);
          return stamp;
        });
    run.wrote(rows);
    reader.chunkDone();
    publishProgress();
  }

  @Override
  public void onSkipInRead(Throwable failure) {
    if (failure instanceof MalformedRowException malformed) {
      run.skipped(malformed.row());
    }
    publishProgress();
  }

  private void publishProgress() {
    if (progress != null) {
      progress.publish(run.load().rows());
    }
  }

  /**
   * The limit is on all ranks together, so that the result does not depend on their number: a rank
   * that passes it alone fails at once, the sum is checked when all have read their slice.
   */
  boolean shouldSkip(Throwable failure, long skipped) {
    if (!(failure instanceof MalformedRowException malformed)) {
      return false;
    }
    RankLoad earlier = run.plan().start().load();
    if (earlier.skipped().size() + skipped < properties.skipLimit()) {
      return true;
    }
    run.skipped(malformed.row());
    throw exceeded(earlier.plus(run.load()).skipped(), properties.skipLimit());
  }

  static DemoException exceeded(List<SkippedRow> rows, int limit) {
    return new DemoException(
        "More malformed rows than the %d that demo.skip-limit allows:%n%s%s"
            .formatted(
                limit,
                rows.stream()
                    .limit(SHOWN)
                    .map(row -> "  " + row)
                    .collect(Collectors.joining(System.lineSeparator())),
                rows.size() > SHOWN ? System.lineSeparator() + "  …" : ""));
  }

  /** Collective. */
  @Override
  public ExitStatus afterStep(StepExecution step) {
    try {
      return agreement.afterStep(step);
    } finally {
      if (progress != null) {
        progress.close();
      }
    }
  }
}
