package io.mpilock.demo.store;

import io.mpilock.demo.flight.Flight;
import java.io.Serializable;

/**
 * What a set of rows adds up to, whatever their order: equal for equal rows.
 *
 * @param rows the number of rows
 * @param delay the sum of their delays, in minutes
 * @param distance the sum of their distances, in miles
 * @param checksum the sum of a 64-bit hash of each row, modulo 2^64
 */
public record FileDigest(long rows, long delay, long distance, long checksum)
    implements Serializable {

  /** The digest of no rows. */
  public static final FileDigest NONE = new FileDigest(0, 0, 0, 0);

  private static final long ODD = 0x9E3779B97F4A7C15L;

  /**
   * Adds a row.
   *
   * @param row the row
   * @return the digest of these rows and it
   */
  public FileDigest plus(FlightRow row) {
    Flight flight = row.flight();
    return new FileDigest(
        rows + 1, delay + flight.delay(), distance + flight.distance(), checksum + hash(row));
  }

  /**
   * Adds rows.
   *
   * @param other the digest of other rows
   * @return the digest of both
   */
  public FileDigest plus(FileDigest other) {
    return new FileDigest(
        rows + other.rows,
        delay + other.delay,
        distance + other.distance,
        checksum + other.checksum);
  }

  private static long hash(FlightRow row) {
    Flight flight = row.flight();
    long hash = mix(row.rank());
    hash = mix(hash ^ flight.date().toString().hashCode());
    hash = mix(hash ^ flight.delay());
    hash = mix(hash ^ flight.distance());
    hash = mix(hash ^ flight.origin().hashCode());
    hash = mix(hash ^ flight.destination().hashCode());
    return mix(hash ^ row.originName().hashCode());
  }

  private static long mix(long value) {
    long mixed = (value + ODD) * ODD;
    return mixed ^ mixed >>> 32;
  }
}
