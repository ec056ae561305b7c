/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.store;

import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.FlightRow;
import io.mpilock.demo.store.Output.Work;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Writes chunks as a rank does, until it is killed; prints when it begins one and the number of
 * each that is done.
 */
final class KilledWriter {
  static final int ROWS = 10;
  static final String BEGUN = "begun";
  static final String DONE = "done: ";

  private KilledWriter() {}

  static FlightFile file(Path directory) {
    return new FlightFile(directory.resolve("flights.h5"), 64, 20);
  }

  static Journal.Entry entry(int number) {
    List<FlightRow> rows =
        IntStream.range(number * ROWS, (number + 1) * ROWS)
            .mapToObj(i ->
                new FlightRow(
                    new Flight(LocalDateTime.of(2001, 1, 1, 0, 0), i, i % 977, "DTW", "LAS"),
                    "Name " + Integer.toHexString(i * 0x9E3779B9),
                    0))
            .toList();
    return new Journal.Entry(number * ROWS, (number + 1) * ROWS, rows, List.of());
  }

  /**
   * Makes the file as the journal has it.
   *
   * @return the number of chunks
   */
  static int rebuild(Journal journal, FlightFile file, WriteStamp stamp) throws IOException {
    file.create(Map.of(), stamp);
    int[] chunks = {0};
    journal.cut(
        journal.replay(entry -> {
          file.append(file.encode(entry.rows()), stamp);
          chunks[0]++;
        }));
    return chunks[0];
  }

  public static void main(String[] arguments) throws IOException {
    Path directory = Path.of(arguments[0]);
    long run = Long.parseLong(arguments[1]);
    FlightFile file = file(directory);
    try (Journal journal = Journal.take(directory.resolve("journal"))) {
      if (journal.work().isEmpty()) {
        journal.begin(new Work(1, "none", Long.MAX_VALUE, "none"));
      }
      int chunk = rebuild(journal, file, new WriteStamp(run, 0, 0));
      for (long token = 1; ; token++) {
        Journal.Entry entry = entry(chunk);
        WriteStamp stamp = new WriteStamp(run, token, 0);
        System.out.println(BEGUN);
        for (FlightRow row : entry.rows()) { // one by one: a kill mostly finds some of them written
          file.append(file.encode(List.of(row)), stamp);
        }
        journal.append(stamp, entry.encode());
        System.out.println(DONE + chunk++);
      }
    }
  }
}
