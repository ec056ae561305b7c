/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.flight;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.flight.FlightReader.Input;
import io.mpilock.demo.flight.SkippedRow.MalformedRowException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.batch.infrastructure.item.ExecutionContext;

class FlightReaderTest {
  private static final String HEADER = "date,delay,distance,origin,destination\n";
  private static final String GOOD = "2001-01-01T00:47,66,1750,DTW,LAS";

  @TempDir Path directory;

  private Path input(String rows) throws IOException {
    return Files.writeString(directory.resolve("in.csv"), HEADER + rows);
  }

  private static FlightReader open(Path file, int rank, int size) {
    FlightReader reader =
        new FlightReader(
            rank, size, () -> new Input(file, FlightsCsv.countRows(file), new BitSet()));
    reader.open(new ExecutionContext());
    return reader;
  }

  private static List<Flight> rest(FlightReader reader) throws IOException {
    List<Flight> flights = new ArrayList<>();
    for (Flight flight = reader.read(); flight != null; flight = reader.read()) {
      flights.add(flight);
    }
    return flights;
  }

  @Test
  void aRowBecomesAFlight() throws IOException {
    FlightReader reader = open(input(GOOD), 0, 1);

    assertThat(rest(reader))
        .containsExactly(new Flight(LocalDateTime.of(2001, 1, 1, 0, 47), 66, 1750, "DTW", "LAS"));
  }

  @Test
  void theSharesOfAllRanksTogetherAreTheRealInput() throws IOException {
    Path real = Path.of("data", "flights.csv");
    List<Flight> all = rest(open(real, 0, 1));
    List<Flight> joined = new ArrayList<>();
    for (int rank = 0; rank < 7; rank++) {
      joined.addAll(rest(open(real, rank, 7)));
    }

    assertThat(all).hasSize(20_000);
    assertThat(all.stream().mapToLong(Flight::delay).sum()).isEqualTo(154_078);
    assertThat(all.stream().mapToLong(Flight::distance).sum()).isEqualTo(14_476_934);
    assertThat(all.stream().map(Flight::origin).distinct()).hasSize(220);
    assertThat(all.stream().map(Flight::destination).distinct()).hasSize(223);
    assertThat(joined).isEqualTo(all);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "2001-01-01T00:47,66,1750,DTW|has 4 field(s) instead of 5",
        "2001-01-01T00:47,66,1750,DTW,LAS,|has 6 field(s) instead of 5",
        "2001-02-29T00:47,66,1750,DTW,LAS|date is not like",
        "2001-01-01 00:47,66,1750,DTW,LAS|date is not like",
        "+12345-01-01T00:47,66,1750,DTW,LAS|date is not like",
        "2001-01-01T00:47,6.5,1750,DTW,LAS|delay is not a whole number: \"6.5\"",
        "2001-01-01T00:47,66,far,DTW,LAS|distance is not a whole number: \"far\"",
        "2001-01-01T00:47,66,99999999999,DTW,LAS|distance is not a whole number",
        "2001-01-01T00:47,66,-1,DTW,LAS|distance is negative",
        "2001-01-01T00:47,66,1750,dtw,LAS|origin is not an airport's code",
        "2001-01-01T00:47,66,1750,DTW,|destination is not an airport's code",
        "2001-01-01T00:47,66,1750,DTW,\"LAS|quotes do not match",
      })
  void aMalformedRowIsReportedWithItsLineAndTheNextRowIsReadAsIfNothingHadBeen(
      String row, String reason) throws IOException {
    FlightReader reader = open(input(GOOD + "\n\n" + row + "\r\n" + GOOD + "\n"), 0, 1);

    reader.read();
    assertThatThrownBy(reader::read)
        .isInstanceOf(MalformedRowException.class)
        .hasMessageStartingWith("in.csv:4: ")
        .hasMessageContaining(reason);
    assertThat(rest(reader)).hasSize(1);
  }

  @Test
  void bytesThatAreNotUtf8SpoilOnlyTheirOwnRow() throws IOException {
    Path file = input(GOOD + "\n");
    byte[] bad = {'2', (byte) 0xff, (byte) 0xfe, ',', ',', ',', ',', '\n'};
    Files.write(file, bad, java.nio.file.StandardOpenOption.APPEND);
    Files.writeString(file, GOOD, java.nio.file.StandardOpenOption.APPEND);
    FlightReader reader = open(file, 0, 1);

    reader.read();
    assertThatThrownBy(reader::read).isInstanceOf(MalformedRowException.class);
    assertThat(rest(reader)).hasSize(1);
  }

  /**
   * Chunks of three rows, of which only some are done when the ranks start anew in other number.
   */
  @ParameterizedTest
  @CsvSource({"1,1", "1,3", "2,5", "5,2", "4,4", "3,1", "20,7"})
  void ranksThatGoOnReadExactlyWhatWasNotDone(int sizeBefore, int sizeAfter) throws IOException {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 50; i++) {
      rows.append(i % 7 == 0 ? "broken" : "2001-01-01T00:47," + i + ",1750,DTW,LAS").append('\n');
    }
    Path file = input(rows.toString());
    BitSet done = new BitSet();
    List<Integer> found = new ArrayList<>();
    for (int rank = 0; rank < sizeBefore; rank++) {
      readChunks(reader(file, rank, sizeBefore, new BitSet()), rank % 3 + 1, done, found);
    }
    assertThat(done.cardinality()).isPositive();
    BitSet before = (BitSet) done.clone();
    for (int rank = 0; rank < sizeAfter; rank++) {
      readChunks(reader(file, rank, sizeAfter, before), 50, done, found);
    }

    assertThat(found).doesNotHaveDuplicates().hasSize(50);
    assertThat(done.cardinality()).isEqualTo(50);
  }

  private static FlightReader reader(Path file, int rank, int size, BitSet done) {
    FlightReader reader = new FlightReader(rank, size, () -> new Input(file, 50, done));
    reader.open(new ExecutionContext());
    return reader;
  }

  /** Reads so many chunks, and one more that is lost. */
  private static void readChunks(FlightReader reader, int chunks, BitSet done, List<Integer> found)
      throws IOException {
    for (int chunk = 0; chunk <= chunks; chunk++) {
      List<Integer> rows = new ArrayList<>();
      int read = 0;
      boolean end = false;
      for (; read < 3 && !end; read++) {
        try {
          Flight flight = reader.read();
          end = flight == null;
          if (flight != null) {
            rows.add(flight.delay());
          }
        } catch (MalformedRowException e) {
          rows.add((int) e.row().line() - 2);
        }
      }
      if (chunk < chunks && !rows.isEmpty()) {
        done.set(reader.chunkFirst(), reader.chunkEnd());
        reader.chunkDone();
        found.addAll(rows);
      }
    }
  }

  @Test
  void aHeaderAloneIsAnInputWithoutRows() throws IOException {
    assertThat(FlightsCsv.countRows(input(""))).isZero();
  }

  @Test
  void aByteOrderMarkBeforeTheHeaderIsRead() throws IOException {
    Path file = Files.writeString(directory.resolve("bom.csv"), "\uFEFF" + HEADER + GOOD);

    assertThat(FlightsCsv.countRows(file)).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "iata,name\n", "{\"a\": 1}"})
  void aFileWithAnotherHeaderIsRefused(String content) throws IOException {
    Path file = Files.writeString(directory.resolve("other.csv"), content);

    assertThatThrownBy(() -> FlightsCsv.countRows(file))
        .isInstanceOf(DemoException.class)
        .hasMessageContaining("other.csv")
        .hasMessageContaining("date,delay,distance,origin,destination");
  }

  @Test
  void aMissingFileAndADirectoryAreRefused() {
    Path missing = directory.resolve("missing.csv");

    assertThatThrownBy(() -> FlightsCsv.countRows(missing))
        .isInstanceOf(DemoException.class)
        .hasMessage("The input " + missing + " does not exist.");
    assertThatThrownBy(() -> FlightsCsv.countRows(directory))
        .isInstanceOf(DemoException.class)
        .hasMessage("The input " + directory + " is not a file.");
  }
}
