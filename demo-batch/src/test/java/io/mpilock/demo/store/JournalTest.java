/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mpilock.demo.DemoException;
import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.FlightRow;
import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.store.Journal.Replay;
import io.mpilock.demo.store.Output.Work;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalTest {
  private static final Work HEAD = new Work(7, "flights.csv", 20_000, "abc");

  @TempDir Path directory;

  private Path file;

  @BeforeEach
  void name() {
    file = directory.resolve("journal");
  }

  private static Journal.Entry entry(int number) {
    List<FlightRow> rows =
        IntStream.range(0, number % 3)
            .mapToObj(i ->
                new FlightRow(
                    new Flight(LocalDateTime.of(2001, 1, 1, 0, i), -i, 1, "DTW", "LAS"),
                    "Zürich",
                    2))
            .toList();
    return new Journal.Entry(
        10 * number, 10 * number + 5, rows, List.of(new SkippedRow("a.csv", number, "is broken")));
  }

  private static WriteStamp stamp(int number) {
    return new WriteStamp(1, number, 0);
  }

  /** Writes the entries from 1 on. */
  private void write(int entries) throws IOException {
    try (Journal journal = Journal.take(file)) {
      journal.begin(HEAD);
      for (int i = 1; i <= entries; i++) {
        journal.append(stamp(i), entry(i).encode());
      }
    }
  }

  private List<Journal.Entry> read() throws IOException {
    List<Journal.Entry> found = new ArrayList<>();
    try (Journal journal = Journal.join(file)) {
      journal.replay(found::add);
    }
    return found;
  }

  @Test
  void whatWasAppendedIsReadBackInOrder() throws IOException {
    write(4);

    assertThat(read()).containsExactly(entry(1), entry(2), entry(3), entry(4));
    try (Journal journal = Journal.join(file)) {
      assertThat(journal.work()).contains(HEAD);
      assertThat(journal.replay(entry -> {})).isEqualTo(new Replay(stamp(4), Files.size(file), 0));
    }
  }

  /**
   * A killed writer leaves any part of what it wrote; and the next one goes on behind what counts.
   */
  @Test
  void whereverTheFileIsCutOffTheWholeEntriesBeforeCountAndTheNextOneIsBehindThem()
      throws IOException {
    write(3);
    byte[] whole = Files.readAllBytes(file);
    int seen = 0;
    for (int length = whole.length; length >= 0; length--) {
      Files.write(file, Arrays.copyOf(whole, length));
      List<Journal.Entry> found = read();
      assertThat(found)
          .isEqualTo(IntStream.rangeClosed(1, found.size()).mapToObj(JournalTest::entry).toList());
      seen = Math.max(seen, found.size());
      try (Journal journal = Journal.take(file)) {
        if (journal.work().isEmpty()) {
          assertThat(found).isEmpty();
          continue;
        }
        journal.cut(journal.replay(entry -> {}));
        journal.append(stamp(9), entry(9).encode());
      }
      List<Journal.Entry> after = new ArrayList<>(found);
      after.add(entry(9));
      assertThat(read()).isEqualTo(after);
    }
    assertThat(seen).isEqualTo(3);
  }

  @Test
  void whateverByteIsDamagedTheEntriesBeforeCountAndNoneIsWrong() throws IOException {
    write(3);
    byte[] whole = Files.readAllBytes(file);
    for (int at = 0; at < whole.length; at++) {
      byte[] damaged = whole.clone();
      damaged[at] ^= 0x10;
      Files.write(file, damaged);

      List<Journal.Entry> found = read();
      assertThat(found).hasSizeLessThan(3);
      assertThat(found)
          .isEqualTo(IntStream.rangeClosed(1, found.size()).mapToObj(JournalTest::entry).toList());
    }
  }

  @Test
  void whatARunThatIsOverStillWritesDoesNotCount() throws IOException {
    write(1);
    try (Journal journal = Journal.join(file)) {
      journal.append(new WriteStamp(2, 1, 0), entry(2).encode());
      journal.append(new WriteStamp(1, 500, 3), entry(3).encode());
      journal.append(new WriteStamp(2, 2, 0), entry(4).encode());
    }

    assertThat(read()).containsExactly(entry(1), entry(2), entry(4));
  }

  @Test
  void beginningAnewForgetsWhatWasThere() throws IOException {
    write(3);
    write(0);

    assertThat(read()).isEmpty();
  }

  @Test
  void oneRunAtATimeHasTheJournal() throws IOException {
    try (Journal first = Journal.take(file)) {
      assertThat(first.isEmpty()).isTrue();
      assertThatThrownBy(() -> Journal.take(file))
          .isInstanceOf(DemoException.class)
          .hasMessageContaining("Another run of the job is at work in " + directory);
    }
    Journal.take(file).close();
  }

  @Test
  void somethingElseIsNoJournal() throws IOException {
    Files.writeString(file, "date,delay,distance,origin,destination\n");

    try (Journal journal = Journal.take(file)) {
      assertThat(journal.work()).isEmpty();
    }
    assertThat(read()).isEmpty();
  }
}
