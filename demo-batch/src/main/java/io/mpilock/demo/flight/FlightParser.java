package io.mpilock.demo.flight;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.ResolverStyle;
import java.util.regex.Pattern;

/**
 * Reads one line of the input. No field of a flight has a line break, so each line is parsed by
 * itself: a stray quote spoils its own row and not the rest of the file.
 */
final class FlightParser {
  private static final DateTimeFormatter MINUTE =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm").withResolverStyle(ResolverStyle.STRICT);
  private static final int MINUTE_LENGTH = "2001-01-31T18:05".length();
  private static final Pattern CODE = Pattern.compile("[A-Z0-9]{3}");
  private static final int SHOWN = 40;

  private final CsvReader.CsvReaderBuilder csv =
      CsvReader.builder().allowUnclosedQuote(false).skipEmptyLines(false);
  private final String file;

  FlightParser(String file) {
    this.file = file;
  }

  Flight parse(String line, long number) {
    CsvRecord fields;
    try {
      fields = csv.ofSingleCsvRecord(line);
    } catch (CsvParseException e) {
      throw malformed(number, "is not CSV: quotes do not match");
    }
    if (fields.getFieldCount() != FlightsCsv.COLUMNS.size()) {
      throw malformed(
          number,
          "has %d field(s) instead of %d"
              .formatted(fields.getFieldCount(), FlightsCsv.COLUMNS.size()));
    }
    int distance = number(fields.getField(2), "distance", number);
    if (distance < 0) {
      throw malformed(number, "distance is negative: " + distance);
    }
    return new Flight(
        date(fields.getField(0), number),
        number(fields.getField(1), "delay", number),
        distance,
        code(fields.getField(3), "origin", number),
        code(fields.getField(4), "destination", number));
  }

  private LocalDateTime date(String field, long line) {
    try {
      if (field.length() == MINUTE_LENGTH) {
        return LocalDateTime.parse(field, MINUTE);
      }
    } catch (DateTimeException e) {
      // no date
    }
    throw malformed(line, "date is not like 2001-01-31T18:05: " + shown(field));
  }

  private int number(String field, String name, long line) {
    try {
      return Integer.parseInt(field);
    } catch (NumberFormatException e) {
      throw malformed(line, name + " is not a whole number: " + shown(field));
    }
  }

  private String code(String field, String name, long line) {
    if (!CODE.matcher(field).matches()) {
      throw malformed(line, name + " is not an airport's code: " + shown(field));
    }
    return field;
  }

  private MalformedRowException malformed(long line, String reason) {
    return new MalformedRowException(new SkippedRow(file, line, reason));
  }

  /** Quotes a field for a message: short, and without control characters. */
  private static String shown(String field) {
    String printable = field.replaceAll("\\p{Cntrl}", "?");
    return "\""
        + (printable.length() <= SHOWN ? printable : printable.substring(0, SHOWN) + "…")
        + "\"";
  }
}
