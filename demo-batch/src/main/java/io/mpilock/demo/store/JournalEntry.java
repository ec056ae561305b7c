package io.mpilock.demo.store;

import io.mpilock.demo.flight.Flight;
import io.mpilock.demo.flight.SkippedRow;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;

/**
 * A chunk that is done: what became of some rows of the input. Between its first row and its end
 * there may be rows that were done before.
 *
 * @param first the first row of the input, from 0
 * @param end the row after the last one
 * @param rows what was written
 * @param skipped what was left out
 */
public record JournalEntry(long first, long end, List<FlightRow> rows, List<SkippedRow> skipped) {

  /** Copies the lists. */
  public JournalEntry {
    rows = List.copyOf(rows);
    skipped = List.copyOf(skipped);
  }

  /**
   * Brings the entry into the form in which it is written. Needs no lock.
   *
   * @return for {@link Journal#append}
   */
  public byte[] encode() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeLong(first);
      out.writeLong(end);
      out.writeInt(rows.size());
      for (FlightRow row : rows) {
        Flight flight = row.flight();
        out.writeUTF(flight.date().toString());
        out.writeInt(flight.delay());
        out.writeInt(flight.distance());
        out.writeUTF(flight.origin());
        out.writeUTF(flight.destination());
        out.writeUTF(row.originName());
        out.writeInt(row.rank());
      }
      out.writeInt(skipped.size());
      for (SkippedRow row : skipped) {
        out.writeUTF(row.file());
        out.writeLong(row.line());
        out.writeUTF(row.reason());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory does not fail
    }
    return bytes.toByteArray();
  }

  static JournalEntry read(DataInputStream in) throws IOException {
    long first = in.readLong();
    long end = in.readLong();
    List<FlightRow> rows = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      Flight flight =
          new Flight(
              LocalDateTime.parse(in.readUTF()),
              in.readInt(),
              in.readInt(),
              in.readUTF(),
              in.readUTF());
      rows.add(new FlightRow(flight, in.readUTF(), in.readInt()));
    }
    List<SkippedRow> skipped = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      skipped.add(new SkippedRow(in.readUTF(), in.readLong(), in.readUTF()));
    }
    return new JournalEntry(first, end, rows, skipped);
  }
}
