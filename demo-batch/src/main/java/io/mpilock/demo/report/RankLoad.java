/*
 * SPDX-License-Identifier: Apache-2.0
 */
package io.mpilock.demo.report;

import io.mpilock.demo.flight.FlightRow;
import io.mpilock.demo.flight.SkippedRow;
import java.io.Serializable;
import java.util.List;
import java.util.stream.Stream;

/**
 * What became of some rows of the input: those of a rank, or of all earlier runs. It does not
 * depend on their order.
 *
 * @param written the number of rows that were written
 * @param checksum the sum of a hash of each of them, modulo 2^64
 * @param unknownAirports how many of them left an airport that is not known
 * @param skipped the rows that were skipped, by line
 */
public record RankLoad(long written, long checksum, long unknownAirports, List<SkippedRow> skipped)
    implements Serializable {

  /** No rows. */
  public static final RankLoad NONE = new RankLoad(0, 0, 0, List.of());

  private static final long ODD = 0x9E3779B97F4A7C15L;

  /** Sorts the skipped rows. */
  public RankLoad {
    skipped = skipped.stream().sorted().toList();
  }

  /**
   * Summarizes rows.
   *
   * @param rows what was written
   * @param skipped what was skipped
   * @return the load of both
   */
  public static RankLoad of(List<FlightRow> rows, List<SkippedRow> skipped) {
    return rows.stream().reduce(new RankLoad(0, 0, 0, skipped), RankLoad::plus, RankLoad::plus);
  }

  /**
   * Adds a row that was written.
   *
   * @param row the row
   * @return the load with it
   */
  public RankLoad plus(FlightRow row) {
    return new RankLoad(
        written + 1,
        checksum + mix(row.hashCode()),
        unknownAirports + (row.isOriginKnown() ? 0 : 1),
        skipped);
  }

  /**
   * Adds another load.
   *
   * @param other the load of other rows
   * @return the load of both
   */
  public RankLoad plus(RankLoad other) {
    return new RankLoad(
        written + other.written,
        checksum + other.checksum,
        unknownAirports + other.unknownAirports,
        Stream.concat(skipped.stream(), other.skipped.stream()).toList());
  }

  /** {@return how many rows were written or skipped} */
  public long rows() {
    return written + skipped.size();
  }

  private static long mix(long value) {
    long mixed = (value + ODD) * ODD;
    return mixed ^ mixed >>> 32;
  }
}
