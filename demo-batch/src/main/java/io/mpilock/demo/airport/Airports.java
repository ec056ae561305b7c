package io.mpilock.demo.airport;

import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import io.mpilock.demo.DemoException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The known airports, by code. Immutable. */
public final class Airports {
  private final Map<String, Airport> byCode;

  private Airports(Map<String, Airport> byCode) {
    this.byCode = Map.copyOf(byCode);
  }

  /**
   * Reads the airports that travel inside the jar.
   *
   * @return the airports
   */
  public static Airports bundled() {
    try (InputStream in = Airports.class.getResourceAsStream("airports.csv")) {
      if (in == null) {
        throw new DemoException("airports.csv is missing from the jar; build it again.");
      }
      return read(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Airports read(InputStream in) throws IOException {
    Map<String, Airport> found = new HashMap<>();
    try (CsvReader<NamedCsvRecord> rows =
        CsvReader.builder().ofNamedCsvRecord(in, StandardCharsets.UTF_8)) {
      for (NamedCsvRecord row : rows) {
        Airport airport =
            new Airport(
                row.getField("iata"),
                row.getField("name"),
                row.getField("city"),
                row.getField("state"),
                Double.parseDouble(row.getField("latitude")),
                Double.parseDouble(row.getField("longitude")));
        found.put(airport.code(), airport);
      }
    }
    return new Airports(found);
  }

  /**
   * Finds an airport.
   *
   * @param code its IATA code
   * @return the airport, or nothing if it is not known
   */
  public Optional<Airport> find(String code) {
    return Optional.ofNullable(byCode.get(code));
  }

  /**
   * Adds what rows get from here to a digest.
   *
   * @param digest of all that decides what the rows are
   */
  public void update(MessageDigest digest) {
    new TreeMap<>(byCode)
        .forEach((code, airport) ->
            digest.update((code + airport.name() + "\n").getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * How much room a name needs.
   *
   * @return the length of the longest name in bytes of UTF-8, and of a code at least
   */
  public int longestName() {
    return byCode.values().stream()
        .mapToInt(airport -> airport.name().getBytes(StandardCharsets.UTF_8).length)
        .max()
        .orElse(0);
  }
}
