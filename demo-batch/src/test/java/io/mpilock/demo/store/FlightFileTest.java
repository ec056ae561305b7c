/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.FlightRow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlightFileTest {
  @TempDir Path directory;

  private FlightFile file() {
    return new FlightFile(directory.resolve("flights.h5"), 64, 20);
  }

  private static List<FlightRow> rows(int count, int rank) {
    return IntStream.range(0, count)
        .mapToObj(i ->
            new FlightRow(
                new Flight(
                    LocalDateTime.of(2001, 1, 1, 0, 0).plusMinutes(i),
                    -i,
                    i,
                    "DTW",
                    "L" + i % 10 + "S"),
                i % 2 == 0 ? "Zürich–Nord" : "X",
                rank))
        .toList();
  }

  private static List<FlightRow> read(FlightFile file) {
    List<FlightRow> found = new ArrayList<>();
    file.forEach(found::add);
    return found;
  }

  @Test
  void whatWasAppendedIsReadBackInOrder() {
    FlightFile file = file();
    file.create(Map.of("source", "a test", "empty", ""), WriteStamp.NONE);
    assertThat(read(file)).isEmpty();

    file.append(file.encode(rows(100, 0)), WriteStamp.NONE);
    file.append(file.encode(List.of()), WriteStamp.NONE);
    file.append(file.encode(rows(9_000, 3)), WriteStamp.NONE);

    List<FlightRow> expected = new ArrayList<>(rows(100, 0));
    expected.addAll(rows(9_000, 3));
    assertThat(read(file)).isEqualTo(expected);
  }

  @Test
  void creatingAgainEmptiesTheFile() {
    FlightFile file = file();
    file.create(Map.of(), WriteStamp.NONE);
    file.append(file.encode(rows(3, 0)), WriteStamp.NONE);
    file.create(Map.of(), WriteStamp.NONE);

    assertThat(read(file)).isEmpty();
  }

  @Test
  void aWriterWithAnOldTokenIsRefusedAndTheFileIsAsItWas() {
    FlightFile file = file();
    file.create(Map.of(), new WriteStamp(1_000, 3, 0));
    file.append(file.encode(rows(2, 1)), new WriteStamp(1_000, 7, 1));
    file.append(file.encode(rows(2, 1)), new WriteStamp(1_000, 7, 1)); // in the same write

    assertThatThrownBy(() -> file.append(file.encode(rows(5, 2)), new WriteStamp(1_000, 6, 2)))
        .isInstanceOf(DemoException.class)
        .hasMessageContaining("It came as rank 2, token 6 of the run of 1970-01-01T00:00:01Z")
        .hasMessageContaining("written since by rank 1, token 7 of the run of 1970-01-01T00:00:01Z")
        .hasMessageContaining("End what is left of the job of this process");

    assertThat(read(file)).hasSize(4).allMatch(row -> row.rank() == 1);
    file.append(file.encode(rows(1, 2)), new WriteStamp(1_000, 8, 2));
    assertThat(read(file)).hasSize(5);
  }

  /** The tokens of a new run begin anew, so they alone would let it in. */
  @Test
  void aWriterOfAnEarlierRunIsRefusedHoweverLargeItsToken() {
    FlightFile file = file();
    file.create(Map.of(), new WriteStamp(2_000, 1, 0));

    assertThatThrownBy(() -> file.append(file.encode(rows(5, 2)), new WriteStamp(1_000, 900, 2)))
        .isInstanceOf(DemoException.class)
        .hasMessageContaining("token 900")
        .hasMessageContaining("token 1 ");
    assertThatThrownBy(() -> file.append(file.encode(rows(5, 2)), WriteStamp.NONE))
        .isInstanceOf(DemoException.class);
    assertThat(read(file)).isEmpty();
  }

  @Test
  void aFileThatIsNotThereOrNotHdf5IsOneClearError() throws IOException {
    FlightFile file = file();

    assertThatThrownBy(() -> file.append(file.encode(rows(1, 0)), WriteStamp.NONE))
        .isInstanceOf(DemoException.class)
        .hasMessageContaining("flights.h5");
    Files.writeString(directory.resolve("flights.h5"), "not HDF5");
    assertThatThrownBy(() -> read(file)).isInstanceOf(DemoException.class);
  }
}
