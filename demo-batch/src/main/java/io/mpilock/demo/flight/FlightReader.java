package io.mpilock.demo.flight;

import io.mpilock.spring.batch.RankSlice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.infrastructure.item.ExecutionContext;
import org.springframework.batch.infrastructure.item.ItemStreamException;
import org.springframework.batch.infrastructure.item.ItemStreamReader;

/**
 * Reads a rank's {@linkplain RankSlice slice} of those rows of the input that are not done yet. Not
 * for several threads.
 *
 * <p>It keeps nothing in the execution context of Spring Batch: what is done stands in the journal,
 * together with the rows, so that the two cannot contradict each other.
 */
public final class FlightReader implements ItemStreamReader<Flight> {
  private final Supplier<Path> file;
  private final int rank;
  private final int size;
  private final LongSupplier rows;
  private final Supplier<RowRanges> done;

  private @Nullable FlightsCsv csv;
  private @Nullable FlightParser parser;
  private RowRanges doneBefore = new RowRanges();
  private long next;
  private long first;
  private long left;

  /**
   * Makes a reader; it opens nothing yet.
   *
   * @param file the input, asked for when the reader is opened
   * @param rank whose slice to read
   * @param size the number of ranks
   * @param rows the number of rows of the input, asked for when the reader is opened
   * @param done the rows that are done, asked for when the reader is opened
   */
  public FlightReader(
      Supplier<Path> file, int rank, int size, LongSupplier rows, Supplier<RowRanges> done) {
    this.file = file;
    this.rank = rank;
    this.size = size;
    this.rows = rows;
    this.done = done;
  }

  @Override
  public void open(ExecutionContext context) {
    close();
    doneBefore = done.get();
    RankSlice slice = RankSlice.of(rank, size, rows.getAsLong() - doneBefore.count());
    left = slice.count();
    next = 0;
    Path path = file.get();
    parser = new FlightParser(String.valueOf(path.getFileName()));
    FlightsCsv opened = FlightsCsv.open(path);
    csv = opened;
    try {
      for (long skip = slice.first(); skip > 0; skip--) {
        nextOpen(opened);
      }
      first = next;
    } catch (IOException e) {
      throw new ItemStreamException("Cannot read " + path, e);
    }
  }

  @Override
  public @Nullable Flight read() throws IOException {
    FlightsCsv opened = csv;
    FlightParser rowParser = parser;
    if (opened == null || rowParser == null) {
      throw new IllegalStateException("The reader is not open.");
    }
    String row = left > 0 ? nextOpen(opened) : null;
    if (row == null) {
      return null;
    }
    left--;
    return rowParser.parse(row, opened.line());
  }

  /** The next row that is not done. */
  private @Nullable String nextOpen(FlightsCsv opened) throws IOException {
    while (doneBefore.contains(next)) {
      opened.nextRow();
      next++;
    }
    next++;
    return opened.nextRow();
  }

  /**
   * Where the chunk that is being read begins.
   *
   * @return the first row of the input that was read after {@link #chunkDone}, or one before it
   *     that was done already
   */
  public long chunkFirst() {
    return first;
  }

  /**
   * Where the chunk that is being read ends so far.
   *
   * @return the row after the one that was read last
   */
  public long chunkEnd() {
    return next;
  }

  /** Begins the next chunk. */
  public void chunkDone() {
    first = next;
  }

  @Override
  public void close() {
    FlightsCsv opened = csv;
    csv = null;
    if (opened != null) {
      try {
        opened.close();
      } catch (IOException e) {
        throw new ItemStreamException("Cannot close the input", e);
      }
    }
  }
}
