package io.mpilock.demo.job;

import io.mpilock.demo.flight.FlightReader;
import io.mpilock.demo.store.EncodedRows;
import io.mpilock.demo.store.FlightFile;
import io.mpilock.demo.store.FlightRow;
import io.mpilock.demo.store.JournalEntry;
import io.mpilock.demo.store.WriteStamp;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.springframework.batch.infrastructure.item.Chunk;
import org.springframework.batch.infrastructure.item.ItemWriter;

/**
 * Appends each chunk to the file under the write lock, in which the file is opened and closed; then
 * to the journal, from where on it is done. If this process is killed in between, the next run
 * makes the file anew, without the chunk.
 */
final class ChunkWriter implements ItemWriter<FlightRow> {
  private final Locks locks;
  private final RankRun run;
  private final FlightReader reader;
  private final OutputFiles output;
  private final LoadListener progress;
  private final Duration pause;

  ChunkWriter(
      Locks locks,
      RankRun run,
      FlightReader reader,
      OutputFiles output,
      LoadListener progress,
      Duration pause) {
    this.locks = locks;
    this.run = run;
    this.reader = reader;
    this.output = output;
    this.progress = progress;
    this.pause = pause;
  }

  @Override
  public void write(Chunk<? extends FlightRow> chunk) throws InterruptedException, IOException {
    if (pause.isPositive()) {
      Thread.sleep(pause);
    }
    List<FlightRow> rows = new ArrayList<>(chunk.getItems());
    FlightFile file = new FlightFile(run.plan().file());
    EncodedRows encoded = file.encode(rows);
    byte[] entry =
        new JournalEntry(reader.chunkFirst(), reader.chunkEnd(), rows, run.skippedSince()).encode();
    locks
        .file()
        .writeWithoutResult(() -> {
          WriteStamp stamp = locks.stamp(run.plan().earlier().run());
          file.append(encoded, stamp);
          output.append(stamp, entry);
        });
    run.wrote(rows);
    reader.chunkDone();
    progress.publish();
  }
}
