package io.mpilock.demo.flight;

import io.mpilock.demo.DemoException;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The lines of the input: a header, then one row on each line; lines without any character do not
 * count. Bytes that are not UTF-8 become replacement characters, which make their row malformed.
 */
public final class FlightsCsv implements Closeable {
  static final List<String> COLUMNS = List.of("date", "delay", "distance", "origin", "destination");

  private static final String BYTE_ORDER_MARK = "\uFEFF";
  private static final int LONGEST_HEADER_SHOWN = 60;

  private final BufferedReader reader;
  private long line;

  private FlightsCsv(BufferedReader reader) {
    this.reader = reader;
  }

  /**
   * Opens a file and reads its header.
   *
   * @param file the input
   * @return the file, before its first row
   * @throws DemoException if there is no such file, it cannot be read, or it has another header
   */
  public static FlightsCsv open(Path file) {
    if (Files.notExists(file)) {
      throw new DemoException("The input " + file + " does not exist.");
    }
    if (!Files.isRegularFile(file)) {
      throw new DemoException("The input " + file + " is not a file.");
    }
    try {
      FlightsCsv csv =
          new FlightsCsv(
              new BufferedReader(
                  new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8)));
      try {
        csv.checkHeader(file);
        return csv;
      } catch (IOException | DemoException e) {
        csv.closeQuietly();
        throw e;
      }
    } catch (IOException e) {
      throw new DemoException(
          "The input " + file + " cannot be read: " + DemoException.reason(e), e);
    }
  }

  /**
   * Counts the rows of a file, well-formed or not.
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
      throw new DemoException(
          "The input " + file + " cannot be read: " + DemoException.reason(e), e);
    }
  }

  /**
   * Reads a row.
   *
   * @return the line's text, or null after the last row
   * @throws IOException if the file cannot be read
   */
  public @Nullable String nextRow() throws IOException {
    String text;
    do {
      text = reader.readLine();
      line++;
    } while (text != null && text.isEmpty());
    return text;
  }

  /**
   * Where the row that was read last stands.
   *
   * @return its line, from 1; the header's is 1
   */
  public long line() {
    return line;
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }

  private void checkHeader(Path file) throws IOException {
    String header = nextRow();
    String expected = String.join(",", COLUMNS);
    if (header == null) {
      throw new DemoException("The input " + file + " is empty; its header should be " + expected);
    }
    if (header.startsWith(BYTE_ORDER_MARK)) {
      header = header.substring(1);
    }
    if (!header.equals(expected)) {
      String shown = header.substring(0, Math.min(header.length(), LONGEST_HEADER_SHOWN));
      throw new DemoException(
          "The input %s is not a file of flights: its header is \"%s\", but should be %s"
              .formatted(file, shown.replaceAll("\\p{Cntrl}", "?"), expected));
    }
  }

  private void closeQuietly() {
    try {
      reader.close();
    } catch (IOException e) {
      // nothing was written, and another failure is on its way already
    }
  }
}
