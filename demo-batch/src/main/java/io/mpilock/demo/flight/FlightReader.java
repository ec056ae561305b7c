package io.mpilock.demo.flight;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.infrastructure.item.ExecutionContext;
import org.springframework.batch.infrastructure.item.ItemStreamException;
import org.springframework.batch.infrastructure.item.ItemStreamReader;

/**
 * Reads a rank's {@linkplain Share share} of the input. Restarts after the last row of the last
 * chunk that was committed. Not for several threads.
 */
public final class FlightReader implements ItemStreamReader<Flight> {
  private static final String NEXT_ROW = "flights.next-row";

  private final Supplier<Path> file;
  private final Share share;
  private final LongSupplier rows;

  private @Nullable FlightsCsv csv;
  private @Nullable FlightParser parser;
  private long next;
  private long end;

  /**
   * Makes a reader; it opens nothing yet.
   *
   * @param file the input, asked for when the reader is opened
   * @param share which rows to read
   * @param rows the number of rows of the input, asked for when the reader is opened
   */
  public FlightReader(Supplier<Path> file, Share share, LongSupplier rows) {
    this.file = file;
    this.share = share;
    this.rows = rows;
  }

  @Override
  public void open(ExecutionContext context) {
    close();
    long all = rows.getAsLong();
    next = context.getLong(NEXT_ROW, share.first(all));
    end = share.end(all);
    Path path = file.get();
    parser = new FlightParser(String.valueOf(path.getFileName()));
    FlightsCsv opened = FlightsCsv.open(path);
    csv = opened;
    try {
      for (long row = 0; row < next; row++) {
        opened.nextRow();
      }
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
    String row = next < end ? opened.nextRow() : null;
    if (row == null) {
      return null;
    }
    next++;
    return rowParser.parse(row, opened.line());
  }

  @Override
  public void update(ExecutionContext context) {
    context.putLong(NEXT_ROW, next);
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
