/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.flight;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import io.mpilock.demo.DemoException;
import io.mpilock.demo.flight.SkippedRow.MalformedRowException;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.ResolverStyle;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The input: a header, then one flight on each line. Empty lines do not count. No field of a flight
 * has a line break, so each line is parsed by itself: a stray quote spoils its own row and not the
 * rest of the file, and so do bytes that are not UTF-8.
 */
public final class FlightsCsv implements Closeable {
  private static final List<String> COLUMNS =
      List.of("date", "delay", "distance", "origin", "destination");
  private static final String BYTE_ORDER_MARK = "\uFEFF";
  private static final int LONGEST_SHOWN = 60;
  private static final DateTimeFormatter MINUTE =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm").withResolverStyle(ResolverStyle.STRICT);
  private static final int MINUTE_LENGTH = "2001-01-31T18:05".length();
  private static final Pattern CODE = Pattern.compile("[A-Z0-9]{3}");

  private final CsvReader.CsvReaderBuilder csv =
      CsvReader.builder().allowUnclosedQuote(false).skipEmptyLines(false);
  private final String file;
  private final BufferedReader reader;
  private long line;

  private FlightsCsv(Path file) throws IOException {
    this.file = String.valueOf(file.getFileName());
    // unlike Files.newBufferedReader, this replaces bytes that are not UTF-8
    this.reader =
        new BufferedReader(
            new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8));
  }

  /**
   * Opens the input and reads its header.
   *
   * @param file the input
   * @return the input, before its first row
   * @throws DemoException if there is no such file, it cannot be read, or it has another header
   */
  public static FlightsCsv open(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new DemoException(
          "The input %s %s."
              .formatted(file, Files.exists(file) ? "is not a file" : "does not exist"));
    }
    try {
      FlightsCsv csv = new FlightsCsv(file);
      try {
        csv.checkHeader(file);
        return csv;
      } catch (IOException | DemoException e) {
        csv.close();
        throw e;
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * Counts the rows, well-formed or not.
   *
   * @param file the input
   * @return the number of rows
   * @throws DemoException as {@link #open}
   */
  public static long countRows(Path file) {
    try (FlightsCsv csv = open(file)) {
      long rows = 0;
      while (csv.nextRow() != null) {
        rows++;
      }
      return rows;
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static DemoException unreadable(Path file, IOException e) {
    return new DemoException(
        "The input %s cannot be read: %s".formatted(file, DemoException.reason(e)), e);
  }

  private void checkHeader(Path path) throws IOException {
    String header = nextRow();
    String expected = String.join(",", COLUMNS);
    if (header == null) {
      throw new DemoException("The input " + path + " is empty; its header should be " + expected);
    }
    if (!header.replaceFirst("^" + BYTE_ORDER_MARK, "").equals(expected)) {
      throw new DemoException(
          "The input %s is not a file of flights: its header is %s, but should be %s"
              .formatted(path, shown(header), expected));
    }
  }

  /** Reads the next row; null after the last one. */
  @Nullable String nextRow() throws IOException {
    String text;
    do {
      text = reader.readLine();
      line++;
    } while (text != null && text.isEmpty());
    return text;
  }

  /** Parses the row that was read last. */
  Flight parse(String row) {
    CsvRecord fields;
    try {
      fields = csv.ofSingleCsvRecord(row);
    } catch (CsvParseException e) {
      throw malformed("is not CSV: quotes do not match");
    }
    if (fields.getFieldCount() != COLUMNS.size()) {
      throw malformed(
          "has %d field(s) instead of %d".formatted(fields.getFieldCount(), COLUMNS.size()));
    }
    int distance = number(fields.getField(2), "distance");
    if (distance < 0) {
      throw malformed("distance is negative: " + distance);
    }
    return new Flight(
        date(fields.getField(0)),
        number(fields.getField(1), "delay"),
        distance,
        code(fields.getField(3), "origin"),
        code(fields.getField(4), "destination"));
  }

  private LocalDateTime date(String field) {
    try {
      if (field.length() == MINUTE_LENGTH) {
        return LocalDateTime.parse(field, MINUTE);
      }
    } catch (DateTimeException e) {
      // no date
    }
    throw malformed("date is not like 2001-01-31T18:05: " + shown(field));
  }

  private int number(String field, String name) {
    try {
      return Integer.parseInt(field);
    } catch (NumberFormatException e) {
      throw malformed(name + " is not a whole number: " + shown(field));
    }
  }

  private String code(String field, String name) {
    if (!CODE.matcher(field).matches()) {
      throw malformed(name + " is not an airport's code: " + shown(field));
    }
    return field;
  }

  private MalformedRowException malformed(String reason) {
    return new MalformedRowException(new SkippedRow(file, line, reason));
  }

  /** Quotes a text for a message: short, and without control characters. */
  private static String shown(String text) {
    String printable = text.replaceAll("\\p{Cntrl}", "?");
    return printable.length() <= LONGEST_SHOWN
        ? "\"" + printable + "\""
        : "\"" + printable.substring(0, LONGEST_SHOWN) + "…\"";
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
