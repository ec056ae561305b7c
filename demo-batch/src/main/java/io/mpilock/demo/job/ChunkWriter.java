package io.mpilock.demo.job;

import io.mpilock.demo.store.EncodedRows;
import io.mpilock.demo.store.FileDigest;
import io.mpilock.demo.store.FlightFile;
import io.mpilock.demo.store.FlightRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.springframework.batch.infrastructure.item.Chunk;
import org.springframework.batch.infrastructure.item.ItemWriter;

/** Appends each chunk to the file under the write lock, in which the file is opened and closed. */
final class ChunkWriter implements ItemWriter<FlightRow> {
  private final Locks locks;
  private final RankRun run;
  private final LoadListener progress;
  private final Duration pause;

  ChunkWriter(Locks locks, RankRun run, LoadListener progress, Duration pause) {
    this.locks = locks;
    this.run = run;
    this.progress = progress;
    this.pause = pause;
  }

  @Override
  public void write(Chunk<? extends FlightRow> chunk) throws InterruptedException {
    if (pause.isPositive()) {
      Thread.sleep(pause);
    }
    List<FlightRow> rows = new ArrayList<>(chunk.getItems());
    FlightFile file = new FlightFile(run.plan().file());
    EncodedRows encoded = file.encode(rows);
    locks.file().writeWithoutResult(() -> file.append(encoded));
    run.wrote(rows.stream().reduce(FileDigest.NONE, FileDigest::plus, FileDigest::plus));
    progress.publish();
  }
}
