/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.flight;

import io.mpilock.spring.batch.RankSlice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.infrastructure.item.ExecutionContext;
import org.springframework.batch.infrastructure.item.ItemStreamException;
import org.springframework.batch.infrastructure.item.ItemStreamReader;

/**
 * Reads a rank's {@linkplain RankSlice slice} of those rows of the input that are not done yet. Not
 * thread-safe.
 *
 * <p>It keeps nothing in Spring Batch's execution context: what is done is in the journal, together
 * with the rows, so that the two cannot contradict each other.
 */
public final class FlightReader implements ItemStreamReader<Flight> {
  private final int rank;
  private final int size;
  private final Supplier<Input> source;

  private @Nullable FlightsCsv csv;
  private BitSet done = new BitSet();
  private int next;
  private int first;
  private long left;

  /**
   * What to read.
   *
   * @param file the input
   * @param rows the number of its rows
   * @param done which of them are done, from 0
   */
  public record Input(Path file, long rows, BitSet done) {}

  /**
   * Creates a reader; it opens nothing yet.
   *
   * @param rank whose slice to read
   * @param size the number of ranks
   * @param source what to read, asked for when the reader is opened
   */
  public FlightReader(int rank, int size, Supplier<Input> source) {
    this.rank = rank;
    this.size = size;
    this.source = source;
  }

  @Override
  public void open(ExecutionContext context) {
    close();
    Input input = source.get();
    done = input.done();
    next = 0;
    RankSlice slice = RankSlice.of(rank, size, input.rows() - done.cardinality());
    FlightsCsv opened = FlightsCsv.open(input.file());
    csv = opened;
    try {
      for (long skip = slice.first(); skip > 0; skip--) {
        nextOpen(opened);
      }
    } catch (IOException e) {
      throw new ItemStreamException("Cannot read " + input.file(), e);
    }
    first = next;
    left = slice.count();
  }

  @Override
  public @Nullable Flight read() throws IOException {
    FlightsCsv opened = csv;
    if (opened == null) {
      throw new IllegalStateException("The reader is not open.");
    }
    String row = left > 0 ? nextOpen(opened) : null;
    if (row == null) {
      return null;
    }
    left--;
    return opened.parse(row);
  }

  /** The next row that is not done. */
  private @Nullable String nextOpen(FlightsCsv opened) throws IOException {
    for (int end = done.nextClearBit(next); next < end; next++) {
      opened.nextRow();
    }
    next++;
    return opened.nextRow();
  }

  /** {@return the first row of the chunk that is being read, or one before it that was done} */
  public int chunkFirst() {
    return first;
  }

  /** {@return the row after the one that was read last} */
  public int chunkEnd() {
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
