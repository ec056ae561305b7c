package io.mpilock.demo.report;

import io.mpilock.demo.flight.SkippedRow;
import io.mpilock.demo.store.FileDigest;
import io.mpilock.demo.store.FlightRow;
import java.io.Serializable;
import java.util.List;
import java.util.stream.Stream;

/**
 * What became of some rows of the input: those of a rank, or of all earlier runs.
 *
 * @param written what the written rows add up to
 * @param skipped the rows that were skipped, by line
 * @param unknownAirports how many of the flights left an airport that is not known
 */
public record RankLoad(FileDigest written, List<SkippedRow> skipped, long unknownAirports)
    implements Serializable {

  /** No rows. */
  public static final RankLoad NONE = new RankLoad(FileDigest.NONE, List.of(), 0);

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
    return new RankLoad(
        rows.stream().reduce(FileDigest.NONE, FileDigest::plus, FileDigest::plus),
        skipped,
        rows.stream().filter(row -> !row.isOriginKnown()).count());
  }

  /**
   * Adds another load.
   *
   * @param other the load of other rows
   * @return the load of both
   */
  public RankLoad plus(RankLoad other) {
    return new RankLoad(
        written.plus(other.written),
        Stream.concat(skipped.stream(), other.skipped.stream()).toList(),
        unknownAirports + other.unknownAirports);
  }

  /**
   * Counts the rows.
   *
   * @return how many were written or skipped
   */
  public long rows() {
    return written.rows() + skipped.size();
  }
}
