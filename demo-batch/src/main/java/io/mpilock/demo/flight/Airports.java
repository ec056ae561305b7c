/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.flight;

import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import io.mpilock.demo.DemoException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The airports inside the jar, by code. Immutable. */
public final class Airports {
  private final Map<String, Airport> byCode = new TreeMap<>();

  /** Reads the airports. */
  public Airports() {
    try (InputStream in = Airports.class.getResourceAsStream("airports.csv")) {
      if (in == null) {
        throw new DemoException("airports.csv is missing from the jar; build it again.");
      }
      CsvReader<NamedCsvRecord> rows =
          CsvReader.builder().ofNamedCsvRecord(in, StandardCharsets.UTF_8);
      for (NamedCsvRecord row : rows) {
        Airport airport =
            new Airport(
                row.getField("name"),
                Double.parseDouble(row.getField("latitude")),
                Double.parseDouble(row.getField("longitude")));
        byCode.put(row.getField("iata"), airport);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * An airport.
   *
   * @param name its name
   * @param latitude in degrees, north is positive
   * @param longitude in degrees, east is positive
   */
  public record Airport(String name, double latitude, double longitude) {}

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
   * Joins a flight with the name of the airport that it left. An unknown code is no malformed row:
   * the code is used as the name.
   *
   * @param flight a flight
   * @param rank the rank that the row is marked with
   * @return the row
   */
  public FlightRow join(Flight flight, int rank) {
    return new FlightRow(
        flight, find(flight.origin()).map(Airport::name).orElse(flight.origin()), rank);
  }

  /**
   * Adds what the rows take from here to a digest.
   *
   * @param digest of all that decides what the rows are
   */
  public void update(MessageDigest digest) {
    byCode.forEach((code, airport) ->
        digest.update((code + airport.name() + "\n").getBytes(StandardCharsets.UTF_8)));
  }

  /** {@return the length of the longest name, in bytes of UTF-8} */
  public int longestName() {
    return byCode.values().stream()
        .mapToInt(airport -> airport.name().getBytes(StandardCharsets.UTF_8).length)
        .max()
        .orElse(0);
  }
}
